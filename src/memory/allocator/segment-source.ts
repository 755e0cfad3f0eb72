/** Where the allocator gets device memory from when no cached block fits: one implementation per kind of segment. */
export interface SegmentSource {
  /** The block that serves a request for which a first one was found in the cache; NONE: none of them may. */
  accepts(block: number, requestBytes: number): number;
  /** The least remainder of a block of this pool that is split off a block for such a request; Infinity: none is. */
  splitThreshold(pool: number, requestBytes: number): number;
  /** A block of at least `requestBytes`, off the free lists, or NONE where a limit forbids it. */
  obtain(pool: number, requestBytes: number): number;
  /** Gives memory that is not in use back to the device, as little as might serve the request. */
  releaseFor(pool: number, requestBytes: number): boolean;
  /** Gives all memory back that no block in use shares a segment (or page) with. */
  releaseUnused(): void;
}
