import type { Advice, Assessment, DeviceClassFit, Verdict } from '../fit/assessment.js';
import { gi } from '../fit/words.js';
import { severity } from '../fit/workload-fit.js';
import { dayOf, observedWords, seenBefore } from '../fit/observed-words.js';
import type { Interval } from '../memory/estimate.js';
import { OVERRIDE_ANNOTATION, RUN_ANNOTATION } from './annotations.js';
import type { AnswerAnnotations } from './annotations.js';

/** A verdict that may turn a workload away. `unknown` never does. */
export type Rejectable = Extract<Verdict, 'will-not-fit' | 'unschedulable'>;

const LACKING: readonly Verdict[] = ['will-not-fit', 'unschedulable'];

/** Longest annotation in characters: the full text is at the REST address. */
const ANNOTATION_LENGTH = 300;

/** Whether an `enforce` namespace turns the workload away, where these verdicts are rejected. */
export function isRejecting({ verdict }: Assessment, rejected: readonly Rejectable[]): boolean {
  return (rejected as readonly Verdict[]).includes(verdict);
}

/** Whether the workload asks for GPUs at all: without, there is nothing to say. */
export function concernsGpus(assessment: Assessment): boolean {
  return assessment.workload.podSets.some((podSet) => podSet.devicesPerPod > 0 || podSet.devices.length > 0);
}

/** What to write on the workload: for people and tools that look at the object itself. */
export function answerAnnotations(assessment: Assessment): AnswerAnnotations {
  const held = comparison(assessment);
  const [first] = assessment.advice;
  const answers: AnswerAnnotations = { verdict: assessment.verdict, assessment: assessment.id };
  if (held) answers.memory = memory(held.requiredBytes);
  if (held) answers.capacity = `${gi(held.capacityBytes.smallest)} on ${held.deviceClass}`;
  const [seen] = assessment.observed ?? [];
  if (seen) answers.observed = `${observedWords(seen, gi)}, ${dayOf(seen.atMs)}`;
  if (first) answers.advice = first.summary;
  return Object.fromEntries(
    Object.entries(answers).map(([name, text]) => [name, text.replace(/\s+/g, ' ').slice(0, ANNOTATION_LENGTH)]),
  );
}

/** Lines for `kubectl apply`'s own output, the verdict first, then what was seen before; at most three. */
export function warnings(assessment: Assessment, nowMs = assessment.assessedAtMs): string[] {
  const verdict = `${assessment.verdict}: ${assessment.reason}`;
  const [seen] = assessment.observed ?? [];
  const before = seen === undefined ? [] : [seenBefore(seen, nowMs)];
  return [verdict, ...before, ...suggestions(assessment)].slice(0, 3).map((text) => `plimsoll: ${text}`);
}

function suggestions({ advice, runs, verdict }: Assessment): string[] {
  if (verdict !== 'unknown') return advice.map(({ summary }) => summary);
  const [declaration] = runs.flatMap((run) => run.unknown.flatMap(({ declare }) => declare ?? []));
  if (declaration !== undefined) return [`to settle it, annotate ${RUN_ANNOTATION}: "${declaration}"`];
  return [`to settle it, say in the annotation ${RUN_ANNOTATION} what cannot be read`];
}

/** Why the workload is turned away: the number and the device (the reason names both), the smallest change, the way past. */
export function denial({ verdict, reason, advice }: Assessment): string {
  const [smallest] = advice;
  const change = smallest ? ` Smallest change: ${wording(smallest)}.` : '';
  return `plimsoll: ${verdict}: ${withStop(reason)}${change} To let it through as it is, annotate ${OVERRIDE_ANNOTATION}: "<reason>".`;
}

function wording({ changes, summary }: Advice): string {
  const writes = changes.map(({ write }) => write).filter((text) => text !== '');
  return writes.length > 0 ? writes.join(', ') : summary;
}

/** What decided: the worst pod set, held against the device class that is nearest to giving it room. */
function comparison({ fit }: Assessment): DeviceClassFit | undefined {
  const worst = [...fit].sort((a, b) => severity(b.verdict) - severity(a.verdict))[0];
  if (!worst) return undefined;
  const lacking = LACKING.includes(worst.verdict);
  const known = worst.classes.filter(({ verdict }) => verdict !== 'unknown');
  const bySize = known.sort((a, b) => a.capacityBytes.smallest - b.capacityBytes.smallest);
  return lacking ? bySize.at(-1) : bySize[0];
}

const memory = (bytes: Interval) => `${gi(bytes.expected)} (${gi(bytes.low)}–${gi(bytes.high)})`;
const withStop = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
