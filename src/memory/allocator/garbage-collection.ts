import type { Heap } from './heap.js';
import { isSmallPool } from './heap.js';

/**
 * Drops large cached segments that went unused for longer than average, until the memory reserved is under the
 * threshold (a share of the allowed memory). Source: pytorch CUDACachingAllocator.cpp, garbage_collect_cached_blocks.
 */
export function collectGarbage(heap: Heap, threshold: number): void {
  const target = heap.reservedBytes - Math.floor(threshold * heap.limits.allowedBytes);
  if (target <= 0) return;
  const candidates = wholeLargeBlocks(heap);
  let age = candidates.reduce((sum, block) => sum + ageOf(heap, block), 0);
  let left = candidates;
  let reclaimed = 0;
  while (reclaimed < target && left.length > 0) {
    const average = age / left.length;
    const old = left.filter((block) => ageOf(heap, block) >= average);
    if (old.length === 0) return;
    left = left.filter((block) => ageOf(heap, block) < average);
    for (const block of old) {
      age -= ageOf(heap, block);
      reclaimed += heap.blocks.size[block]!;
      heap.releaseSegment(block);
    }
  }
}

const ageOf = (heap: Heap, block: number): number => heap.searches[1] - heap.blocks.freedAt[block]!;

function wholeLargeBlocks(heap: Heap): number[] {
  return heap.pools.flatMap((list, pool) =>
    isSmallPool(pool) ? [] : [...list.snapshot()].filter((block) => heap.blocks.isWhole(block)),
  );
}
