import type { CachingAllocator } from './caching-allocator.js';
import { OUT_OF_MEMORY } from './caching-allocator.js';
import type { Requests } from './requests.js';

/** Bytes after every event; length of the event list. */
export interface ReplaySeries {
  allocatedBytes: Float64Array;
  reservedBytes: Float64Array;
}

/** Plays a list of events through an allocator, from some event on. */
export class ReplayRun {
  peakAllocatedEvent = 0;
  peakReservedEvent = 0;

  /** The allocator's block of each block of the list that is alive. */
  readonly blockOf: Int32Array;
  /** The event to be played next. */
  at: number;

  /** `start`: a run of the same requests, whose place is taken up. */
  constructor(
    private readonly requests: Requests,
    private readonly allocator: CachingAllocator,
    private readonly series: ReplaySeries | null = null,
    start: Pick<ReplayRun, 'blockOf' | 'at'> | null = null,
  ) {
    this.blockOf = start?.blockOf.slice() ?? new Int32Array(requests.bytes.length);
    this.at = start?.at ?? 0;
  }

  /** Plays on to the end, or up to the event that runs out of memory, which is `at` then; whether all were played. */
  play(): boolean {
    const { allocator, blockOf, series } = this;
    const { bytes, pools, events } = this.requests;
    let allocated = allocator.allocatedBytes;
    let reserved = allocator.heap.reservedBytes;
    for (; this.at < events.length; this.at++) {
      const event = events[this.at]!;
      if (event < 0) allocator.free(blockOf[-event - 1]!);
      else {
        const block = allocator.take(pools[event]!, bytes[event]!);
        if (block === OUT_OF_MEMORY) return false;
        blockOf[event] = block;
        if (allocator.allocatedBytes > allocated) {
          allocated = allocator.allocatedBytes;
          this.peakAllocatedEvent = this.at;
        }
        if (allocator.heap.reservedBytes > reserved) {
          reserved = allocator.heap.reservedBytes;
          this.peakReservedEvent = this.at;
        }
      }
      if (series !== null) this.record(series);
    }
    return true;
  }

  private record(series: ReplaySeries): void {
    series.allocatedBytes[this.at] = this.allocator.allocatedBytes;
    series.reservedBytes[this.at] = this.allocator.heap.reservedBytes;
  }
}
