import { FREE, NONE, UNMAPPED } from './block-table.js';
import {
  EXPANDABLE_ADDRESS_SPACE_RATIO,
  LARGE_SEGMENT_BYTES,
  MIN_BLOCK_BYTES,
  SMALL_SEGMENT_BYTES,
} from './constants.js';
import type { Heap } from './heap.js';
import { isSmallPool } from './heap.js';
import { ceilTo, segmentBytes } from './rounding.js';
import type { SegmentSource } from './segment-source.js';

/** Address space of a segment where the device's size is not known: far more than any device has. */
const UNBOUNDED_ADDRESS_SPACE_BYTES = 2 ** 46;

/**
 * One growing range of addresses per pool and stream, with pages of 2 MiB (small) or 20 MiB (large) mapped behind it on
 * demand and unmapped when memory runs out (expandable_segments:True).
 * Source: pytorch CUDACachingAllocator.cpp, ExpandableSegment, try_allocate_expandable_block, map_block, unmap_block.
 */
export class ExpandableSegments implements SegmentSource {
  /** Blocks without memory by pool, in order of address. */
  private readonly unmapped: number[][] = [];

  constructor(private readonly heap: Heap) {}

  /** Among fitting blocks prefers the one that can grow least: a block before unmapped space counts as large as that. */
  accepts(block: number): number {
    const list = this.heap.freeListOf(this.heap.blocks.pool[block]!);
    let best = block;
    for (let next = list.after(best); next !== NONE; next = list.after(best)) {
      if (this.growthOf(next) >= this.growthOf(best)) break;
      best = next;
    }
    return best;
  }

  splitThreshold(): number {
    return MIN_BLOCK_BYTES;
  }

  obtain(pool: number, requestBytes: number): number {
    const { heap } = this;
    const { blocks } = heap;
    if (heap.reservedBytes + segmentBytes(requestBytes) > heap.limits.allowedBytes) return NONE;
    let block = this.findSpace(pool, requestBytes);
    if (block === NONE) return NONE;
    if (blocks.state[block] === UNMAPPED && !this.map(block, Math.min(blocks.size[block]!, requestBytes))) return NONE;
    while (blocks.size[block]! < requestBytes) {
      const beyond = blocks.next[block]!;
      const missing = Math.min(requestBytes - blocks.size[block]!, blocks.size[beyond]!);
      if (!this.map(beyond, missing)) return NONE;
      block = beyond;
    }
    heap.takeFree(block);
    return block;
  }

  /** Only segments of fixed size are released one by one. */
  releaseFor(): boolean {
    return false;
  }

  releaseUnused(): void {
    for (const list of this.heap.pools) {
      for (const block of list?.snapshot() ?? []) this.unmapPagesOf(block);
    }
  }

  private pageBytes(pool: number): number {
    return isSmallPool(pool) ? SMALL_SEGMENT_BYTES : LARGE_SEGMENT_BYTES;
  }

  private growthOf(block: number): number {
    const { blocks } = this.heap;
    const next = blocks.next[block]!;
    return blocks.size[block]! + (next !== NONE && blocks.state[next] === UNMAPPED ? blocks.size[next]! : 0);
  }

  private unmappedOf(pool: number): number[] {
    return (this.unmapped[pool] ??= []);
  }

  /** A block from which on free and unmapped addresses suffice for the request; a new segment where there is none. */
  private findSpace(pool: number, requestBytes: number): number {
    const { blocks } = this.heap;
    for (const candidate of this.unmappedOf(pool)) {
      const before = blocks.previous[candidate]!;
      const start = before !== NONE && blocks.state[before] === FREE ? before : candidate;
      if (this.hasSpace(start, requestBytes)) return start;
    }
    const bytes = this.addressSpaceBytes(pool);
    if (bytes < requestBytes) return NONE;
    // Segments begin at multiples of the larger page, so that page borders can be told from addresses.
    const address = this.heap.reserveAddresses(ceilTo(bytes, LARGE_SEGMENT_BYTES));
    const segment = blocks.create(pool, address, bytes);
    this.addUnmapped(segment);
    return segment;
  }

  private addressSpaceBytes(pool: number): number {
    const { deviceBytes } = this.heap.limits;
    if (deviceBytes === Infinity) return UNBOUNDED_ADDRESS_SPACE_BYTES;
    return ceilTo(Math.floor(deviceBytes * EXPANDABLE_ADDRESS_SPACE_RATIO), this.pageBytes(pool));
  }

  private hasSpace(start: number, requestBytes: number): boolean {
    const { blocks } = this.heap;
    let bytes = 0;
    for (let at = start; at !== NONE && bytes < requestBytes; at = blocks.next[at]!) {
      if (blocks.state[at] !== FREE && blocks.state[at] !== UNMAPPED) return false;
      bytes += blocks.size[at]!;
    }
    return bytes >= requestBytes;
  }

  /** Maps whole pages behind the first `bytes` of an unmapped block and lists it as free; false over the limit. */
  private map(block: number, bytes: number): boolean {
    const { heap } = this;
    const { blocks } = heap;
    const mapped = Math.min(ceilTo(bytes, this.pageBytes(blocks.pool[block]!)), blocks.size[block]!);
    if (heap.reservedBytes + mapped > heap.limits.deviceBytes) return false;
    this.removeUnmapped(block);
    if (mapped < blocks.size[block]!) this.addUnmapped(blocks.divide(block, mapped));
    heap.returnBlock(block);
    heap.addReserved(mapped);
    heap.segments++;
    return true;
  }

  /** Takes the memory of all pages that lie wholly within a free block. */
  private unmapPagesOf(block: number): void {
    const { heap } = this;
    const { blocks } = heap;
    const page = this.pageBytes(blocks.pool[block]!);
    const begin = ceilTo(blocks.address[block]!, page);
    const addressEnd = blocks.address[block]! + blocks.size[block]!;
    const end = addressEnd - (addressEnd % page);
    if (begin >= end) return;
    heap.takeFree(block);
    const inner = begin > blocks.address[block]! ? this.keepFree(block, begin - blocks.address[block]!) : block;
    if (addressEnd > end) heap.putFree(blocks.divide(inner, end - begin));
    heap.reservedBytes -= end - begin;
    this.joinUnmapped(inner);
  }

  /** Leaves the first bytes of a block free and returns the rest. */
  private keepFree(block: number, bytes: number): number {
    const rest = this.heap.blocks.divide(block, bytes);
    this.heap.putFree(block);
    return rest;
  }

  private joinUnmapped(block: number): void {
    const { blocks } = this.heap;
    for (const neighbour of [blocks.previous[block]!, blocks.next[block]!]) {
      if (neighbour === NONE || blocks.state[neighbour] !== UNMAPPED) continue;
      this.removeUnmapped(neighbour);
      blocks.absorb(block, neighbour);
    }
    if (blocks.isWhole(block)) blocks.discard(block);
    else this.addUnmapped(block);
  }

  private addUnmapped(block: number): void {
    const { blocks } = this.heap;
    blocks.state[block] = UNMAPPED;
    const list = this.unmappedOf(blocks.pool[block]!);
    const address = blocks.address[block]!;
    const index = list.findIndex((other) => blocks.address[other]! > address);
    list.splice(index < 0 ? list.length : index, 0, block);
  }

  private removeUnmapped(block: number): void {
    const list = this.unmappedOf(this.heap.blocks.pool[block]!);
    list.splice(list.indexOf(block), 1);
  }
}
