import type { BlockTable } from './block-table.js';

const INITIAL_CAPACITY = 64;

/**
 * Free blocks of one pool on one stream, ordered by size, then address. A sorted array of block indices: lists stay at
 * some hundred entries, so that a binary search and a short move beat any tree.
 */
export class FreeList {
  length = 0;
  private entries = new Int32Array(INITIAL_CAPACITY);

  constructor(private readonly blocks: BlockTable) {}

  /** Index of the first block that is not before (size, address); `length` if there is none. */
  lowerBound(size: number, address: number): number {
    const { entries } = this;
    const sizes = this.blocks.size;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = entries[middle]!;
      const at = sizes[block]!;
      if (at < size || (at === size && this.blocks.address[block]! < address)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of a block that is on the list. */
  indexOf(block: number): number {
    return this.lowerBound(this.blocks.size[block]!, this.blocks.address[block]!);
  }

  blockAt(index: number): number {
    return this.entries[index]!;
  }

  sizeAt(index: number): number {
    return this.blocks.size[this.entries[index]!]!;
  }

  insert(block: number): void {
    if (this.length === this.entries.length) this.grow();
    const index = this.indexOf(block);
    this.entries.copyWithin(index + 1, index, this.length);
    this.entries[index] = block;
    this.length++;
  }

  removeAt(index: number): void {
    this.entries.copyWithin(index, index + 1, this.length);
    this.length--;
  }

  /** Puts `block` in the place of the entry at `index` and moves it to where it belongs: mostly a few steps. */
  replaceAt(index: number, block: number): void {
    const { entries } = this;
    let at = index;
    for (; at + 1 < this.length && this.isBefore(entries[at + 1]!, block); at++) entries[at] = entries[at + 1]!;
    for (; at > 0 && this.isBefore(block, entries[at - 1]!); at--) entries[at] = entries[at - 1]!;
    entries[at] = block;
  }

  /** The blocks in order, as a copy that stays valid while the list changes. */
  snapshot(): Int32Array {
    return this.entries.slice(0, this.length);
  }

  private isBefore(one: number, other: number): boolean {
    const { size, address } = this.blocks;
    const difference = size[one]! - size[other]!;
    return difference < 0 || (difference === 0 && address[one]! < address[other]!);
  }

  private grow(): void {
    const grown = new Int32Array(this.entries.length * 2);
    grown.set(this.entries);
    this.entries = grown;
  }
}
