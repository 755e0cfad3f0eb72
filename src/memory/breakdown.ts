import type { Rounding } from './allocator/rounding.js';
import type { BreakdownCategory } from './estimate.js';
import type { MemoryEvents } from './events.js';

const ORDER: readonly BreakdownCategory[] = [
  'parameters',
  'buffers',
  'gradients',
  'optimizer-state',
  'inputs',
  'activations',
  'temporaries',
  'communication',
  'workspaces',
  'cached',
  'context',
  'libraries',
  'other-models',
  'inference-engine',
];

/** Bytes alive after the event at `peakEvent`, by what they are; each block rounded as the allocator rounds it. */
export function liveByCategory(list: MemoryEvents, peakEvent: number, round: Rounding): Map<BreakdownCategory, number> {
  const alive = new Uint8Array(list.sizes.length);
  for (let at = 0; at <= peakEvent; at++) {
    const event = list.events[at]!;
    if (event >= 0) alive[event] = 1;
    else alive[-event - 1] = 0;
  }
  const bytes = new Map<BreakdownCategory, number>();
  for (let block = 0; block < alive.length; block++) {
    if (alive[block] === 1) addTo(bytes, list.categories[block]!, round(list.sizes[block]!));
  }
  return bytes;
}

/**
 * What makes up the figure on the device: the blocks alive at the allocator's peak, what it holds beyond them at its
 * most (`cached`), and what lies outside. Categories in a fixed order, without empty ones; they add up to
 * `reservedBytes` plus the sum of `outside`.
 */
export function breakdownOf(
  live: ReadonlyMap<BreakdownCategory, number>,
  reservedBytes: number,
  outside: readonly { category: BreakdownCategory; bytes: number }[],
): readonly { category: BreakdownCategory; bytes: number }[] {
  const all = new Map(live);
  const inUse = [...live.values()].reduce((sum, bytes) => sum + bytes, 0);
  addTo(all, 'cached', reservedBytes - inUse);
  for (const { category, bytes } of outside) addTo(all, category, bytes);
  return ORDER.flatMap((category) => {
    const bytes = all.get(category) ?? 0;
    return bytes === 0 ? [] : [{ category, bytes }];
  });
}

function addTo(bytes: Map<BreakdownCategory, number>, category: BreakdownCategory, more: number): void {
  bytes.set(category, (bytes.get(category) ?? 0) + more);
}
