import type { MemoryEvents } from '../events.js';
import type { AllocatorConfig } from './config.js';
import { poolOf } from './heap.js';
import { roundingOf } from './rounding.js';

/** What the allocator needs of an event list. */
export type AllocationEvents = Pick<MemoryEvents, 'streams' | 'events'> & { readonly sizes: ArrayLike<number> };

/** An event list as the allocator sees it: each block's bytes rounded, and the pool that serves it. */
export interface Requests {
  readonly bytes: Float64Array;
  readonly pools: Uint16Array;
  readonly events: Int32Array;
}

/** Rounds once what is replayed several times. */
export function requestsOf({ sizes, streams, events }: AllocationEvents, config: AllocatorConfig): Requests {
  const round = roundingOf(config);
  const bytes = new Float64Array(sizes.length);
  const pools = new Uint16Array(sizes.length);
  for (let block = 0; block < sizes.length; block++) {
    bytes[block] = round(sizes[block]!);
    pools[block] = poolOf(bytes[block]!, streams[block]!);
  }
  return { bytes, pools, events };
}
