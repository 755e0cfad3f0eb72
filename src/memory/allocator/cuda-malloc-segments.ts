import { NONE } from './block-table.js';
import type { AllocatorConfig } from './config.js';
import { MIN_BLOCK_BYTES, SMALL_REQUEST_BYTES } from './constants.js';
import type { FreeList } from './free-list.js';
import { collectGarbage } from './garbage-collection.js';
import type { Heap } from './heap.js';
import { isSmallPool } from './heap.js';
import { segmentBytes } from './rounding.js';
import type { SegmentSource } from './segment-source.js';

/** Segments of fixed size, each one cudaMalloc; given back only when no part of them is in use. PyTorch's default. */
export class CudaMallocSegments implements SegmentSource {
  constructor(
    private readonly heap: Heap,
    private readonly config: AllocatorConfig,
  ) {}

  /** Refuses blocks that are too precious for the request (max_split_size): see get_free_block. */
  accepts(block: number, requestBytes: number): number {
    const { maxSplitBytes, maxNonSplitRoundingBytes } = this.config;
    if (maxSplitBytes === Infinity) return block;
    const bytes = this.heap.blocks.size[block]!;
    const tooLarge =
      requestBytes < maxSplitBytes ? bytes >= maxSplitBytes : bytes >= requestBytes + maxNonSplitRoundingBytes;
    return tooLarge ? NONE : block;
  }

  /** should_split: small blocks down to 512 bytes, large ones where more than 1 MiB remains. */
  splitThreshold(pool: number, requestBytes: number): number {
    if (isSmallPool(pool)) return MIN_BLOCK_BYTES;
    return requestBytes < this.config.maxSplitBytes ? SMALL_REQUEST_BYTES + 1 : Infinity;
  }

  obtain(pool: number, requestBytes: number): number {
    const { heap, config } = this;
    if (config.garbageCollectionThreshold > 0) collectGarbage(heap, config.garbageCollectionThreshold);
    const bytes = segmentBytes(requestBytes);
    const limit = Math.min(heap.limits.deviceBytes, heap.limits.allowedBytes);
    if (heap.reservedBytes + bytes > limit) return NONE;
    heap.addReserved(bytes);
    heap.segments++;
    return heap.blocks.create(pool, heap.reserveAddresses(bytes), bytes);
  }

  /** With max_split_size: first one unsplittable block that is large enough, else several of them, largest first. */
  releaseFor(pool: number, requestBytes: number): boolean {
    const { maxSplitBytes } = this.config;
    if (maxSplitBytes === Infinity) return false;
    const list = this.heap.freeListOf(pool);
    const wanted = Math.max(requestBytes, maxSplitBytes);
    const block = list.firstOf(wanted);
    if (block === NONE) return this.releaseLargest(list, wanted);
    this.heap.releaseSegment(block);
    return true;
  }

  releaseUnused(): void {
    const { blocks, pools } = this.heap;
    for (const list of pools) {
      for (const block of list?.snapshot() ?? []) {
        if (blocks.isWhole(block)) this.heap.releaseSegment(block);
      }
    }
  }

  private releaseLargest(list: FreeList, wantedBytes: number): boolean {
    let released = 0;
    while (released < wantedBytes && list.length > 0) {
      const block = list.largest();
      const bytes = this.heap.blocks.size[block]!;
      if (bytes < this.config.maxSplitBytes) break;
      this.heap.releaseSegment(block);
      released += bytes;
    }
    return released >= wantedBytes;
  }
}
