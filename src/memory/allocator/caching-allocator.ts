import { ALLOCATED, NONE } from './block-table.js';
import type { AllocatorConfig } from './config.js';
import { CudaMallocSegments } from './cuda-malloc-segments.js';
import { ExpandableSegments } from './expandable-segments.js';
import { Heap, poolOf } from './heap.js';
import type { Rounding } from './rounding.js';
import { roundingOf } from './rounding.js';
import type { SegmentSource } from './segment-source.js';

/** The handle of a failed allocation. */
export const OUT_OF_MEMORY = NONE;

/**
 * PyTorch's caching allocator on numbers alone: which block serves a request, what is reserved from the device, what is
 * given back when the device is full. Rules in c10/cuda/CUDACachingAllocator.cpp; free-memory callbacks, private pools
 * of CUDA graphs and events of record_stream are not part of it.
 */
export class CachingAllocator {
  readonly heap: Heap;
  allocatedBytes = 0;
  peakAllocatedBytes = 0;
  /** Times that all unused memory was given back because a limit was met. */
  retries = 0;
  /** False: a request that meets a limit fails at once and changes nothing, so that it can be repeated. */
  givesBack = true;
  private readonly round: Rounding;
  private readonly segments: SegmentSource;

  /** `limitBytes`: what the device has for this process; Infinity for the reading on a large enough one. */
  constructor(config: AllocatorConfig, limitBytes: number, capacity = 1024) {
    const allowedBytes = config.memoryFraction === null ? Infinity : Math.floor(limitBytes * config.memoryFraction);
    this.heap = new Heap({ deviceBytes: limitBytes, allowedBytes }, capacity);
    this.round = roundingOf(config);
    this.segments = config.expandableSegments
      ? new ExpandableSegments(this.heap)
      : new CudaMallocSegments(this.heap, collecting(config));
  }

  /** Goes on from where another allocator of fixed segments is; the limit stays its own. */
  copyFrom(other: CachingAllocator): void {
    this.heap.copyFrom(other.heap);
    this.allocatedBytes = other.allocatedBytes;
    this.peakAllocatedBytes = other.peakAllocatedBytes;
    this.retries = other.retries;
  }

  /** Allocates on a stream; returns the block, or OUT_OF_MEMORY where PyTorch raises its error. */
  allocate(requestedBytes: number, stream: number): number {
    const bytes = this.round(requestedBytes);
    return this.take(poolOf(bytes, stream), bytes);
  }

  /** Allocates bytes that are rounded already from their pool. */
  take(pool: number, bytes: number): number {
    let block = this.takeCached(pool, bytes);
    if (block === NONE) block = this.takeNew(pool, bytes);
    if (block === NONE) return OUT_OF_MEMORY;
    const { blocks } = this.heap;
    blocks.state[block] = ALLOCATED;
    this.allocatedBytes += blocks.size[block]!;
    if (this.allocatedBytes > this.peakAllocatedBytes) this.peakAllocatedBytes = this.allocatedBytes;
    return block;
  }

  /** Returns a block to its pool, merged with free neighbours. */
  free(block: number): void {
    if (this.heap.blocks.state[block] !== ALLOCATED) throw new Error('a block was freed twice');
    this.allocatedBytes -= this.heap.blocks.size[block]!;
    this.heap.returnBlock(block);
  }

  /** The smallest cached block of the pool that is large enough and may be used. */
  private takeCached(pool: number, bytes: number): number {
    this.heap.searches[pool % 2]!++;
    const list = this.heap.freeListOf(pool);
    const fitting = list.firstOf(bytes);
    if (fitting === NONE) return NONE;
    const block = this.segments.accepts(fitting, bytes);
    if (block !== NONE) this.heap.takePart(list, block, bytes, this.segments.splitThreshold(pool, bytes));
    return block;
  }

  /** A block of fresh memory, giving cached memory back where a limit is met. */
  private takeNew(pool: number, bytes: number): number {
    const block = this.obtain(pool, bytes);
    if (block === NONE) return NONE;
    const { blocks } = this.heap;
    const remaining = blocks.size[block]! - bytes;
    if (remaining >= this.segments.splitThreshold(pool, bytes)) this.heap.putFree(blocks.divide(block, bytes));
    return block;
  }

  private obtain(pool: number, bytes: number): number {
    const block = this.segments.obtain(pool, bytes);
    if (block !== NONE || !this.givesBack) return block;
    if (this.segments.releaseFor(pool, bytes)) {
      const retried = this.segments.obtain(pool, bytes);
      if (retried !== NONE) return retried;
    }
    this.retries++;
    this.segments.releaseUnused();
    return this.segments.obtain(pool, bytes);
  }
}

/** Garbage is collected only under a memory fraction: without one there is no allowed maximum to measure against. */
const collecting = (config: AllocatorConfig): AllocatorConfig =>
  config.memoryFraction === null ? { ...config, garbageCollectionThreshold: 0 } : config;
