import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { MemoryEvents } from '../../src/memory/events.js';

/** A recorded event list. */
export interface Timeline {
  id: string;
  size: number[];
  events: number[];
  op: number[];
  op_names: string[];
  stream: number[] | null;
  phases: [string, number, number][];
}

export function readTimeline(file: string): Timeline {
  return JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Timeline;
}

export function iterationsOf({ phases }: Timeline): number {
  return Math.max(...phases.map(([, iteration]) => iteration));
}

interface Step {
  /** Positive: allocated bytes; negative: freed. */
  bytes: number;
  operation: string;
  index: number;
  phase: string;
}

/** Events as signed sizes; frees between two allocations in order of size, because their order changes nothing. */
function normalised(steps: Step[]): Step[] {
  const result: Step[] = [];
  let frees: Step[] = [];
  for (const step of steps) {
    if (step.bytes < 0) {
      frees.push(step);
      continue;
    }
    result.push(...frees.sort((a, b) => a.bytes - b.bytes), step);
    frees = [];
  }
  return [...result, ...frees.sort((a, b) => a.bytes - b.bytes)];
}

function stepsOf(
  events: readonly number[] | Int32Array,
  describe: (block: number) => [number, string],
  phases: readonly (readonly [string, number, number])[],
): Step[] {
  let phase = 0;
  return Array.from(events, (event, index) => {
    while (phase + 1 < phases.length && phases[phase + 1]![2] <= index) phase++;
    const [bytes, operation] = describe(event >= 0 ? event : -event - 1);
    const where = phases[phase]!;
    return { bytes: event >= 0 ? bytes : -bytes, operation, index, phase: `${where[0]} ${where[1]}` };
  });
}

const show = (step: Step | undefined): string =>
  step === undefined
    ? '(end)'
    : `${step.bytes > 0 ? '+' : ''}${step.bytes} ${step.operation} [${step.phase}, ${step.index}]`;

/** The recorded steps of the iterations, in the order in which they are compared. */
function recordedSteps(theirs: Timeline): Step[] {
  const end = theirs.phases[theirs.phases.length - 1]!;
  const describe = (b: number): [number, string] => [theirs.size[b]!, theirs.op_names[theirs.op[b]!]!];
  return normalised(stepsOf(theirs.events.slice(0, end[0] === 'end' ? end[2] : undefined), describe, theirs.phases));
}

function ownSteps(ours: MemoryEvents): Step[] {
  const describe = (b: number): [number, string] => [ours.sizes[b]!, ours.operationNames[ours.operations[b]!]!];
  const phases = ours.phases.map((p) => [p.name, p.iteration, p.firstEvent] as const);
  return normalised(stepsOf(ours.events, describe, phases));
}

function digestOf(steps: readonly Step[]): string {
  const sizes = steps.map(({ bytes }) => bytes).join();
  return createHash('sha256').update(sizes).digest('hex').slice(0, 16);
}

/** A short digest of an event list: the same for two lists between which `firstDifference` finds none. */
export const recordedDigest = (timeline: Timeline): string => digestOf(recordedSteps(timeline));
export const eventDigest = (events: MemoryEvents): string => digestOf(ownSteps(events));

/** Where two event lists first differ, with what came before; null where they are the same. */
export function firstDifference(ours: MemoryEvents, theirs: Timeline): string | null {
  const recorded = recordedSteps(theirs);
  const own = ownSteps(ours);
  const length = Math.max(own.length, recorded.length);
  for (let i = 0; i < length; i++) {
    if (own[i]?.bytes === recorded[i]?.bytes) continue;
    const lines = [];
    for (let j = Math.max(0, i - 12); j < Math.min(length, i + 16); j++) {
      lines.push(`${j === i ? '>' : ' '} ours ${show(own[j]).padEnd(75)} recorded ${show(recorded[j])}`);
    }
    return `differ at event ${i} of ${recorded.length} (ours ${own.length})\n${lines.join('\n')}`;
  }
  return null;
}
