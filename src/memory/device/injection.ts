import type { BreakdownCategory } from '../estimate.js';
import type { MemoryEvents } from '../events.js';

/** A block that a library asks the caching allocator for, which the model's own operations do not show. */
export interface InjectedBlock {
  bytes: number;
  stream: number;
  category: BreakdownCategory;
  operation: string;
  /** Allocated before the event at this index. */
  beforeEvent: number;
  /** Freed before the event at this index; null: held to the end. */
  freedBeforeEvent: number | null;
}

/** The event list with the blocks put in; the list given stays as it is. */
export function withInjected(list: MemoryEvents, injected: readonly InjectedBlock[]): MemoryEvents {
  if (injected.length === 0) return list;
  const insertions = insertionsOf(list, injected);
  const count = list.sizes.length + injected.length;
  const streams = new Uint8Array(count);
  streams.set(list.streams);
  streams.set(
    injected.map((block) => block.stream),
    list.sizes.length,
  );
  const { operations, operationNames } = operationsWith(list, injected, count);
  return {
    sizes: list.sizes.concat(injected.map((block) => block.bytes)),
    streams,
    categories: list.categories.concat(injected.map((block) => block.category)),
    operations,
    operationNames,
    events: merged(list.events, insertions),
    phases: list.phases.map((phase) => ({
      ...phase,
      firstEvent: phase.firstEvent + before(insertions, phase.firstEvent),
    })),
  };
}

interface Insertion {
  at: number;
  event: number;
}

function insertionsOf(list: MemoryEvents, injected: readonly InjectedBlock[]): readonly Insertion[] {
  const insertions = injected.flatMap((block, index): Insertion[] => {
    const id = list.sizes.length + index;
    const allocation = { at: block.beforeEvent, event: id };
    return block.freedBeforeEvent === null
      ? [allocation]
      : [allocation, { at: block.freedBeforeEvent, event: -id - 1 }];
  });
  return insertions.sort((a, b) => a.at - b.at);
}

/** Insertions that come before the event at `index`, or in front of a phase that begins there: none of those at it. */
function before(insertions: readonly Insertion[], index: number): number {
  let low = 0;
  let high = insertions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (insertions[middle]!.at < index) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merged(events: Int32Array, insertions: readonly Insertion[]): Int32Array {
  const result = new Int32Array(events.length + insertions.length);
  let from = 0;
  let to = 0;
  for (const { at, event } of insertions) {
    result.set(events.subarray(from, at), to);
    to += at - from;
    from = at;
    result[to++] = event;
  }
  result.set(events.subarray(from), to);
  return result;
}

function operationsWith(
  list: MemoryEvents,
  injected: readonly InjectedBlock[],
  count: number,
): Pick<MemoryEvents, 'operations' | 'operationNames'> {
  const names = [...list.operationNames];
  const operations = new Uint16Array(count);
  operations.set(list.operations);
  for (const [index, block] of injected.entries()) {
    if (!names.includes(block.operation)) names.push(block.operation);
    operations[list.sizes.length + index] = names.indexOf(block.operation);
  }
  return { operations, operationNames: names };
}
