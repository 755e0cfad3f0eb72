import type { MemoryEvents } from '../events.js';
import { CachingAllocator, OUT_OF_MEMORY } from './caching-allocator.js';
import type { AllocatorConfig } from './config.js';

/** What the allocator needs of an event list. */
export type AllocationEvents = Pick<MemoryEvents, 'sizes' | 'streams' | 'events'>;

/** Bytes after every event; length of the event list. */
export interface ReplaySeries {
  allocatedBytes: Float64Array;
  reservedBytes: Float64Array;
}

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

const INITIAL_BLOCKS = 2048;

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
  const allocator = new CachingAllocator(config, limitBytes, INITIAL_BLOCKS);
  const run = new ReplayRun(events, allocator, options.series === true);
  const failedEvent = run.play();
  return {
    ...run.peaks(),
    survived: failedEvent === null,
    failedEvent,
    segments: allocator.heap.segments,
    retries: allocator.retries,
    series: run.series,
  };
}

class ReplayRun {
  readonly series: ReplaySeries | null;
  private peakAllocatedEvent = 0;
  private peakReservedEvent = 0;

  constructor(
    private readonly list: AllocationEvents,
    private readonly allocator: CachingAllocator,
    withSeries: boolean,
  ) {
    const length = withSeries ? list.events.length : 0;
    this.series = withSeries
      ? { allocatedBytes: new Float64Array(length), reservedBytes: new Float64Array(length) }
      : null;
  }

  /** Plays all events; returns the index of the one that ran out of memory, or null. */
  play(): number | null {
    const { sizes, streams, events } = this.list;
    const { allocator } = this;
    const blockOf = new Int32Array(sizes.length);
    let allocated = 0;
    let reserved = 0;
    for (let at = 0; at < events.length; at++) {
      const event = events[at]!;
      if (event >= 0) {
        const block = allocator.allocate(sizes[event]!, streams[event]!);
        if (block === OUT_OF_MEMORY) return at;
        blockOf[event] = block;
        if (allocator.allocatedBytes > allocated) {
          allocated = allocator.allocatedBytes;
          this.peakAllocatedEvent = at;
        }
        if (allocator.heap.reservedBytes > reserved) {
          reserved = allocator.heap.reservedBytes;
          this.peakReservedEvent = at;
        }
      } else {
        allocator.free(blockOf[-event - 1]!);
      }
      if (this.series) this.record(this.series, at);
    }
    return null;
  }

  peaks(): Pick<Replay, 'peakAllocatedBytes' | 'peakAllocatedEvent' | 'peakReservedBytes' | 'peakReservedEvent'> {
    return {
      peakAllocatedBytes: this.allocator.peakAllocatedBytes,
      peakAllocatedEvent: this.peakAllocatedEvent,
      peakReservedBytes: this.allocator.heap.peakReservedBytes,
      peakReservedEvent: this.peakReservedEvent,
    };
  }

  private record(series: ReplaySeries, at: number): void {
    series.allocatedBytes[at] = this.allocator.allocatedBytes;
    series.reservedBytes[at] = this.allocator.heap.reservedBytes;
  }
}
