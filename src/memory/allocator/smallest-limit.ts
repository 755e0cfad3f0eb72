import type { AllocatorConfig } from './config.js';
import type { Replay } from './replay.js';
import { replayRequests } from './replay.js';
import type { AllocationEvents, Requests } from './requests.js';
import { requestsOf } from './requests.js';
import { ResumableReplay } from './resumable-replay.js';

/** Segments come in multiples of it, so limits in between change nothing. */
const STEP_BYTES = 2 << 20;

/**
 * The smallest device memory, a multiple of 2 MiB, on which the run survives with the allocator giving unused segments
 * back whenever it meets the limit.
 *
 * A search by halves between the bytes requested at the peak and the bytes reserved without limit; it takes for granted
 * that what survives on a device survives on a larger one. `unlimited` is the replay without limit, where it is at hand;
 * the search ends once the answer is at most `toleranceBytes` too large.
 */
export function smallestSurvivingLimit(
  events: AllocationEvents,
  config: AllocatorConfig,
  options: { unlimited?: Replay; toleranceBytes?: number } = {},
): number {
  const requests = requestsOf(events, config);
  const { unlimited = replayRequests(requests, config), toleranceBytes = 0 } = options;
  const tolerance = Math.floor(toleranceBytes / STEP_BYTES);
  let low = Math.floor(peakRequestedBytes(requests) / STEP_BYTES);
  let high = Math.ceil(unlimited.peakReservedBytes / STEP_BYTES);
  const survives = attempts(requests, { ...config, memoryFraction: null }, low * STEP_BYTES);
  while (high - low > tolerance) {
    const middle = Math.floor((low + high) / 2);
    if (survives(middle * STEP_BYTES)) high = middle;
    else low = middle + 1;
  }
  return Math.ceil((high * STEP_BYTES) / (config.memoryFraction ?? 1));
}

/**
 * Whether a run survives under a limit of at least `leastBytes`, asked for limits in any order that are all above those it
 * did not survive.
 *
 * Until a limit is met, the replay is that under any larger one. So each attempt goes on from where the least limit, or
 * the largest one that was too small, was met, often late in the run. Expandable segments are laid out by the device's size from the
 * first one on, and share nothing.
 */
function attempts(requests: Requests, config: AllocatorConfig, leastBytes: number): (limitBytes: number) => boolean {
  if (config.expandableSegments) return (limitBytes) => replayRequests(requests, config, limitBytes).survived;
  let start = new ResumableReplay(requests, config, leastBytes);
  start.playToLimit();
  return (limitBytes) => {
    const attempt = start.under(limitBytes);
    if (attempt.playToLimit()) return true;
    const limitMet = attempt.under(limitBytes);
    const survived = attempt.playOut();
    if (!survived) start = limitMet;
    return survived;
  };
}

/** The most bytes in use at once, each request rounded: no allocator does with less. */
function peakRequestedBytes({ bytes, events }: Requests): number {
  let inUse = 0;
  let peak = 0;
  for (let at = 0; at < events.length; at++) {
    const event = events[at]!;
    if (event < 0) inUse -= bytes[-event - 1]!;
    else inUse += bytes[event]!;
    if (inUse > peak) peak = inUse;
  }
  return peak;
}
