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
    return this.boundWithin(0, this.length, size, address);
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

  /** Puts `block` in the place of the entry at `index` and moves it to where it belongs. */
  replaceAt(index: number, block: number): void {
    const { entries } = this;
    const size = this.blocks.size[block]!;
    const address = this.blocks.address[block]!;
    let at = this.boundWithin(index + 1, this.length, size, address) - 1;
    if (at > index) entries.copyWithin(index, index + 1, at + 1);
    else {
      at = this.boundWithin(0, index, size, address);
      if (at < index) entries.copyWithin(at + 1, at, index);
    }
    entries[at] = block;
  }

  /** The blocks in order, as a copy that stays valid while the list changes. */
  snapshot(): Int32Array {
    return this.entries.slice(0, this.length);
  }

  /** The same list of a copy of the blocks. */
  copyOver(blocks: BlockTable): FreeList {
    const copy = new FreeList(blocks);
    copy.length = this.length;
    copy.entries = this.entries.slice();
    return copy;
  }

  private boundWithin(from: number, to: number, size: number, address: number): number {
    const { entries } = this;
    const sizes = this.blocks.size;
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = entries[middle]!;
      const at = sizes[block]!;
      if (at < size || (at === size && this.blocks.address[block]! < address)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private grow(): void {
    const grown = new Int32Array(this.entries.length * 2);
    grown.set(this.entries);
    this.entries = grown;
  }
}
