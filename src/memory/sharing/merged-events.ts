import type { BreakdownCategory } from '../estimate.js';
import type { MemoryEvents } from '../events.js';
import type { RunValues } from '../../run/training-run.js';
import { leavesForGood, stays } from './resting.js';

/** The events of one run of a process, and how it shares. */
export interface Part {
  events: MemoryEvents;
  values: RunValues;
}

/** One for each handle and stream of the process, which the trained model's products have made already. */
const CUBLAS = 'cublas workspace';

/** The events of several runs of one process as one list: blocks are numbered anew. */
class Merger {
  private readonly sizes: number[] = [];
  private readonly streams: number[] = [];
  private readonly categories: BreakdownCategory[] = [];
  private readonly operations: number[] = [];
  private readonly events: number[] = [];
  private readonly phases: { name: MemoryEvents['phases'][number]['name']; iteration: number; firstEvent: number }[] =
    [];
  /** For each part, its blocks that are alive, by their number there: what they are called here. */
  private readonly alive: Map<number, number>[];

  private borrows = false;
  private readonly operationNames: string[] = [];
  private readonly operationNumbers = new Map<string, number>();

  constructor(private readonly parts: readonly Part[]) {
    this.alive = parts.map(() => new Map<number, number>());
  }

  /** Events `from` to `to` of a part. */
  play(part: number, from: number, to: number): void {
    const { events } = this.parts[part]!.events;
    const starts = this.parts[part]!.events.phases.filter(({ firstEvent }) => firstEvent >= from && firstEvent < to);
    let next = 0;
    for (let at = from; at < to; at++) {
      for (; starts[next] !== undefined && starts[next]!.firstEvent <= at; next++) {
        const { name, iteration } = starts[next]!;
        this.phases.push({ name, iteration, firstEvent: this.events.length });
      }
      const event = events[at]!;
      if (event >= 0) this.allocate(part, event);
      else this.free(part, -event - 1);
    }
  }

  /** The model of a part is put on the device; weights that it borrows are there. */
  place(part: number, to: number): void {
    const { values } = this.parts[part]!;
    this.borrows = values.sharing.borrowsWeights;
    this.play(part, 0, to);
    this.borrows = false;
  }

  private allocate(part: number, block: number): void {
    const list = this.parts[part]!.events;
    if (this.borrows && list.categories[block] === 'parameters') return;
    if (part > 0 && list.operationNames[list.operations[block]!] === CUBLAS) return;
    const own = this.sizes.length;
    this.sizes.push(list.sizes[block]!);
    this.streams.push(list.streams[block]!);
    this.categories.push(list.categories[block]!);
    this.operations.push(this.numberOf(list.operationNames[list.operations[block]!] ?? ''));
    this.alive[part]!.set(block, own);
    this.events.push(own);
  }

  private numberOf(name: string): number {
    const known = this.operationNumbers.get(name);
    if (known !== undefined) return known;
    this.operationNumbers.set(name, this.operationNames.length);
    return this.operationNames.push(name) - 1;
  }

  private free(part: number, block: number): void {
    const own = this.alive[part]!.get(block);
    if (own === undefined) return;
    this.alive[part]!.delete(block);
    this.events.push(-own - 1);
  }

  /** Moves what the part does not keep to the host; returns the blocks, for `fetch`. */
  leave(part: number): readonly number[] {
    const { events, values } = this.parts[part]!;
    const moved = [...this.alive[part]!.keys()].filter((block) => {
      const category = events.categories[block]!;
      return (category === 'parameters' || category === 'optimizer-state') && !stays(category, values);
    });
    for (const block of moved) this.free(part, block);
    return moved;
  }

  /** The part is let go of, and all that it still holds. */
  end(part: number): void {
    for (const block of [...this.alive[part]!.keys()]) this.free(part, block);
  }

  fetch(part: number, blocks: readonly number[]): void {
    for (const block of blocks) this.allocate(part, block);
  }

  finish(): MemoryEvents {
    return {
      sizes: this.sizes,
      streams: new Uint8Array(this.streams),
      categories: this.categories,
      operations: new Uint16Array(this.operations),
      operationNames: this.operationNames,
      events: new Int32Array(this.events),
      phases: this.phases,
    };
  }
}

/** Where the passes of an iteration begin and end in a part's events. */
interface Cut {
  start: number;
  forward: number;
  /** The last backward pass: with accumulation, gradients are there by then. */
  backward: number;
  end: number;
}

function cutOf({ phases, events }: MemoryEvents, iteration: number): Cut {
  const own = phases.filter((phase) => phase.iteration === iteration && phase.name !== 'model');
  const next = phases.find((phase) => phase.iteration > iteration);
  const end = next?.firstEvent ?? events.length;
  const start = own[0]?.firstEvent ?? end;
  return {
    start,
    forward: own.find(({ name }) => name === 'forward')?.firstEvent ?? start,
    backward: own.findLast(({ name }) => name === 'backward')?.firstEvent ?? end,
    end,
  };
}

/** A model that is placed, works once and leaves. */
function runOnce(merger: Merger, part: number, { start, end }: Cut): void {
  merger.place(part, start);
  merger.play(part, start, end);
  merger.end(part);
}

/**
 * One process in which `main` trains beside others: all models are placed; in each iteration those apart have their turns
 * once `main` has cleared its gradients, those within its step run between its last forward and backward pass. Those that
 * work beforehand run once, before anything else is placed or once all is, and leave.
 */
export function mergedEvents(main: Part, others: readonly Part[], iterations: number): MemoryEvents {
  const parts = [main, ...others];
  const merger = new Merger(parts);
  const cuts = parts.map(({ events }) => Array.from({ length: iterations }, (_, index) => cutOf(events, index + 1)));
  const isWhen = (part: number, when: RunValues['sharing']['turn']): boolean =>
    part > 0 && parts[part]!.values.sharing.turn === when;
  parts.forEach((_, part) => {
    if (!isWhen(part, 'before-placing')) return;
    runOnce(merger, part, cuts[part]![0]!);
  });
  parts.forEach((_, part) => {
    if (!isWhen(part, 'before-placing')) merger.place(part, cuts[part]![0]!.start);
  });
  parts.forEach((_, part) => {
    if (!isWhen(part, 'before-training')) return;
    merger.play(part, cuts[part]![0]!.start, cuts[part]![0]!.end);
    merger.end(part);
  });
  const away = parts.map(({ values }, part) => (part === 0 || leavesForGood(values.sharing) ? [] : merger.leave(part)));
  const turn = (part: number, iteration: number): void => {
    const { start, end } = cuts[part]![iteration]!;
    merger.fetch(part, away[part]!);
    merger.play(part, start, end);
    away[part] = [...merger.leave(part)];
  };
  const turns = (when: RunValues['sharing']['turn'], borrowing: boolean, iteration: number): void =>
    parts.forEach(({ values: { sharing } }, part) => {
      if (part > 0 && sharing.turn === when && sharing.borrowsWeights === borrowing) turn(part, iteration);
    });
  for (let iteration = 0; iteration < iterations; iteration++) {
    const { start, forward, backward, end } = cuts[0]![iteration]!;
    merger.play(0, start, forward);
    turns('apart', true, iteration);
    const moved = merger.leave(0);
    turns('apart', false, iteration);
    merger.fetch(0, moved);
    merger.play(0, forward, backward);
    for (const borrowing of [true, false]) turns('within-step', borrowing, iteration);
    merger.play(0, backward, end);
  }
  return merger.finish();
}
