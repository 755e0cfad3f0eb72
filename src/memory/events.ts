import type { BreakdownCategory, Phase } from './estimate.js';

/** The iterations of a training loop as the caching allocator sees them: allocations and frees in order. */
export interface MemoryEvents {
  /** Requested bytes of each block, before the allocator rounds. */
  sizes: readonly number[];
  /** Stream of each block: 0 compute, others as allocated on side streams. */
  streams: Uint8Array;
  /** What each block is, for the breakdown; a gradient that replaces a temporary is a gradient from birth. */
  categories: readonly BreakdownCategory[];
  /** Index into `operationNames`: the operation that allocated the block. */
  operations: Uint16Array;
  operationNames: readonly string[];
  /** `i` allocates block i, `-(i + 1)` frees it. */
  events: Int32Array;
  /** In order; each begins at event index `firstEvent`. Iterations count from 1. */
  phases: readonly { name: Phase; iteration: number; firstEvent: number }[];
  /** Elements of the whole model's parameters, adapters included, and of those that are trained. */
  parameters?: { total: number; trainable: number };
}
