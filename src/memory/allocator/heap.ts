import { BlockTable, FREE, NONE } from './block-table.js';
import { SMALL_REQUEST_BYTES } from './constants.js';
import { FreeList } from './free-list.js';

/** What bounds the memory reserved: the device itself, and a share of it that the process may take. */
export interface HeapLimits {
  deviceBytes: number;
  allowedBytes: number;
}

/**
 * The pool that serves blocks of a size on a stream. PyTorch has one small and one large pool per device and keys the
 * blocks in them by stream; since a stream never takes another's block, each (pool, stream) is kept apart here.
 */
export const poolOf = (blockBytes: number, stream: number): number =>
  stream * 2 + (blockBytes <= SMALL_REQUEST_BYTES ? 0 : 1);

/** Whether a pool holds small blocks: those are split down to 512 bytes. */
export const isSmallPool = (pool: number): boolean => pool % 2 === 0;

/** Blocks, their free lists and the count of bytes reserved: the state that all parts of the allocator work on. */
export class Heap {
  readonly blocks: BlockTable;
  readonly pools: FreeList[] = [];
  reservedBytes = 0;
  peakReservedBytes = 0;
  /** Segments obtained so far (expandable ones: mappings). */
  segments = 0;
  /** Searches of the small and of the large pools, the clock of garbage collection. */
  readonly searches: [number, number] = [0, 0];
  private nextAddress = 0;

  constructor(
    readonly limits: HeapLimits,
    capacity: number,
  ) {
    this.blocks = new BlockTable(capacity);
  }

  freeListOf(pool: number): FreeList {
    return (this.pools[pool] ??= new FreeList(this.blocks));
  }

  /** Becomes a copy of another heap, but for the limits and the clock of garbage collection. */
  copyFrom(other: Heap): void {
    this.blocks.copyFrom(other.blocks);
    other.pools.forEach((list, pool) => {
      this.pools[pool] = list.copyOver(this.blocks);
    });
    this.reservedBytes = other.reservedBytes;
    this.peakReservedBytes = other.peakReservedBytes;
    this.segments = other.segments;
    this.nextAddress = other.nextAddress;
  }

  /** Address space for a new segment; ascending, so that older segments win ties. */
  reserveAddresses(bytes: number): number {
    const address = this.nextAddress;
    this.nextAddress += bytes;
    return address;
  }

  addReserved(bytes: number): void {
    this.reservedBytes += bytes;
    if (this.reservedBytes > this.peakReservedBytes) this.peakReservedBytes = this.reservedBytes;
  }

  /** Marks a block free and lists it. */
  putFree(block: number): void {
    this.markFree(block);
    this.freeListOf(this.blocks.pool[block]!).insert(block);
  }

  /** Takes a free block off its list. */
  takeFree(block: number): void {
    this.freeListOf(this.blocks.pool[block]!).remove(block);
  }

  /** Takes a block off its list; what exceeds `bytes` is listed in its place if at least `threshold`. */
  takePart(list: FreeList, block: number, bytes: number, threshold: number): void {
    const { blocks } = this;
    list.remove(block);
    if (blocks.size[block]! - bytes < threshold) return;
    const rest = blocks.divide(block, bytes);
    this.markFree(rest);
    list.insert(rest);
  }

  /** Returns a block that is on no list, merged with its free neighbours. */
  returnBlock(block: number): void {
    const { blocks } = this;
    const list = this.freeListOf(blocks.pool[block]!);
    this.takeIn(list, block, blocks.next[block]!);
    this.takeIn(list, block, blocks.previous[block]!);
    this.markFree(block);
    list.insert(block);
  }

  private takeIn(list: FreeList, block: number, neighbour: number): void {
    if (neighbour === NONE || this.blocks.state[neighbour] !== FREE) return;
    list.remove(neighbour);
    this.blocks.absorb(block, neighbour);
  }

  /** cudaFree of a segment that is one free block. */
  releaseSegment(block: number): void {
    this.takeFree(block);
    this.reservedBytes -= this.blocks.size[block]!;
    this.blocks.discard(block);
  }

  private markFree(block: number): void {
    this.blocks.state[block] = FREE;
    this.blocks.freedAt[block] = this.searches[this.blocks.pool[block]! % 2]!;
  }
}
