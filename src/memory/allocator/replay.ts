import { CachingAllocator } from './caching-allocator.js';
import type { AllocatorConfig } from './config.js';
import type { ReplaySeries } from './replay-run.js';
import { ReplayRun } from './replay-run.js';
import type { AllocationEvents, Requests } from './requests.js';
import { requestsOf } from './requests.js';

/** How a run went through the allocator. Bytes are the allocator's own statistics. */
export interface Replay {
  /** torch.cuda.max_memory_allocated: whole blocks, with the remainders too small to split off. */
  peakAllocatedBytes: number;
  /** Index of the event at which it is first reached. */
  peakAllocatedEvent: number;
  /** torch.cuda.max_memory_reserved. */
  peakReservedBytes: number;
  peakReservedEvent: number;
  /** False: out of memory at `failedEvent`, the peaks are those up to there. */
  survived: boolean;
  failedEvent: number | null;
  /** Bytes that a failed request still lacked: reserved after giving back, plus its segment, less the limit. */
  segments: number;
  /** Times that unused memory was given back at the limit. */
  retries: number;
  /** Present where asked for. */
  series: ReplaySeries | null;
}

const INITIAL_BLOCKS = 512;

/**
 * Runs a list of allocations and frees through the caching allocator.
 *
 * `limitBytes` is the memory the process can have on its device; without it the device is as large as it takes, which
 * gives the reading on a device with room. `series: true` also returns the bytes after every event.
 */
export function replay(
  events: AllocationEvents,
  config: AllocatorConfig,
  limitBytes = Infinity,
  options: { series?: boolean } = {},
): Replay {
  return replayRequests(requestsOf(events, config), config, limitBytes, options);
}

/** `replay` of a list that is rounded already. */
export function replayRequests(
  requests: Requests,
  config: AllocatorConfig,
  limitBytes = Infinity,
  options: { series?: boolean } = {},
): Replay {
  const allocator = new CachingAllocator(config, limitBytes, INITIAL_BLOCKS);
  const series = options.series === true ? seriesOf(requests.events.length) : null;
  const run = new ReplayRun(requests, allocator, series);
  const survived = run.play();
  const { peakAllocatedEvent, peakReservedEvent, at } = run;
  return {
    peakAllocatedBytes: allocator.peakAllocatedBytes,
    peakAllocatedEvent,
    peakReservedBytes: allocator.heap.peakReservedBytes,
    peakReservedEvent,
    survived,
    failedEvent: survived ? null : at,
    segments: allocator.heap.segments,
    retries: allocator.retries,
    series,
  };
}

const seriesOf = (length: number): ReplaySeries => ({
  allocatedBytes: new Float64Array(length),
  reservedBytes: new Float64Array(length),
});
