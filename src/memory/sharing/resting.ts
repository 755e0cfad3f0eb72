import type { Rounding } from '../allocator/rounding.js';
import type { BreakdownCategory } from '../estimate.js';
import type { MemoryEvents } from '../events.js';
import type { RunValues } from '../../run/training-run.js';

/** What a process goes on holding while it waits; batches, activations and temporaries are gone. */
const LASTING: ReadonlySet<BreakdownCategory> = new Set<BreakdownCategory>([
  'parameters',
  'buffers',
  'gradients',
  'optimizer-state',
  'communication',
  'workspaces',
]);

/** Index of the event before which the last iteration's forward pass begins: gradients are cleared, nothing is at work. */
export function restingEvent({ phases, events }: MemoryEvents): number {
  const last = phases.at(-1)?.iteration ?? 1;
  return phases.find(({ name, iteration }) => name === 'forward' && iteration === last)?.firstEvent ?? events.length;
}

/** Blocks alive before the event at `index`. */
export function aliveBefore({ events, sizes }: MemoryEvents, index: number): Uint8Array {
  const alive = new Uint8Array(sizes.length);
  for (let at = 0; at < index; at++) {
    const event = events[at]!;
    if (event >= 0) alive[event] = 1;
    else alive[-event - 1] = 0;
  }
  return alive;
}

/** Whether a run has its turn before the training, and leaves the device then. */
export const leavesForGood = ({ turn }: RunValues['sharing']): boolean =>
  turn === 'before-placing' || turn === 'before-training';

/** Whether a block of a category stays on the device while another run has its turn. */
export function stays(category: BreakdownCategory, { sharing, activity }: RunValues): boolean {
  if (leavesForGood(sharing)) return false;
  if (category === 'parameters') return sharing.keepsParameters && !sharing.borrowsWeights;
  if (category === 'optimizer-state') return sharing.keepsOptimizerStates;
  // The process's own libraries have one workspace, whichever model they work for.
  if (category === 'workspaces') return activity === 'train' || sharing.process === 'own';
  return LASTING.has(category);
}

/** Bytes that a run holds while others have their turns; blocks as the allocator rounds them. */
export function restingBytes(list: MemoryEvents, values: RunValues, round: Rounding): number {
  const alive = aliveBefore(list, restingEvent(list));
  let bytes = 0;
  for (let block = 0; block < alive.length; block++)
    if (alive[block] === 1 && stays(list.categories[block]!, values)) bytes += round(list.sizes[block]!);
  return bytes;
}

/** Bytes of the weights as they are placed, before anything is gathered. */
export function placedBytes(list: MemoryEvents, round: Rounding): number {
  const start = list.phases.find(({ name }) => name !== 'model')?.firstEvent ?? list.events.length;
  const alive = aliveBefore(list, start);
  let bytes = 0;
  for (let block = 0; block < alive.length; block++)
    if (alive[block] === 1 && list.categories[block] === 'parameters') bytes += round(list.sizes[block]!);
  return bytes;
}
