import type { AllocatorConfig } from './config.js';
import type { AllocationEvents, Replay } from './replay.js';
import { replay } from './replay.js';
import { roundingOf } from './rounding.js';

/** Segments come in multiples of it, so limits in between change nothing. */
const STEP_BYTES = 2 << 20;

/**
 * The smallest device memory, a multiple of 2 MiB, on which the run survives with the allocator giving unused segments
 * back whenever it meets the limit. `unlimited` is the replay without limit, which survives on its own peak.
 *
 * A search by halves between the bytes in use at the peak and the bytes reserved; as PyTorch's users do, it takes for
 * granted that what survives on a device survives on a larger one.
 */
export function smallestSurvivingLimit(
  events: AllocationEvents,
  config: AllocatorConfig,
  unlimited: Replay = replay(events, config),
): number {
  const share = config.memoryFraction ?? 1;
  let low = Math.floor(peakRequestedBytes(events, config) / STEP_BYTES);
  let high = Math.ceil(unlimited.peakReservedBytes / STEP_BYTES);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const attempt = replay(events, { ...config, memoryFraction: null }, middle * STEP_BYTES);
    if (attempt.survived) high = middle;
    else low = middle + 1;
  }
  return Math.ceil((high * STEP_BYTES) / share);
}

/** The most bytes in use at once, each request rounded: no allocator does with less. */
function peakRequestedBytes(list: AllocationEvents, config: AllocatorConfig): number {
  const round = roundingOf(config);
  let inUse = 0;
  let peak = 0;
  for (const event of list.events) {
    inUse += event >= 0 ? round(list.sizes[event]!) : -round(list.sizes[-event - 1]!);
    if (inUse > peak) peak = inUse;
  }
  return peak;
}
