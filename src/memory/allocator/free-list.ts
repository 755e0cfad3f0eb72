import type { BlockTable } from './block-table.js';
import { NONE } from './block-table.js';
import { MIN_BLOCK_BYTES } from './constants.js';

/** Size classes between two powers of two, as a power of two. */
const CLASSES_BITS = 3;
const CLASSES = 1 << CLASSES_BITS;
/** Blocks are counted in units of 512 bytes, up to 2^31 - 1 of them, which is as good as no end. */
const MOST_UNITS = 2 ** 31 - 1;
const BINS = 32 * CLASSES;
const WORD_BITS = 32;
const INITIAL_CAPACITY = 8;
/** Bins up to so many entries are searched from one end to the other. */
const SHORT = 8;

/** The class of a size: larger blocks are never of a lower one. */
function binOf(bytes: number): number {
  const units = Math.min(bytes / MIN_BLOCK_BYTES, MOST_UNITS) | 0;
  const power = 31 - Math.clz32(units);
  if (power < CLASSES_BITS) return units;
  return ((power - CLASSES_BITS) << CLASSES_BITS) + (units >>> (power - CLASSES_BITS));
}

/**
 * Free blocks of one pool on one stream, ordered by size, then address. They stand in bins by classes of sizes, each a
 * sorted array of a few: what is searched and moved stays short however many blocks are free.
 */
export class FreeList {
  length = 0;
  private readonly bins: (Int32Array | undefined)[] = [];
  private readonly counts = new Int32Array(BINS);
  /** One bit for each bin: whether anything is in it. */
  private readonly occupied = new Int32Array(BINS / WORD_BITS);

  constructor(private readonly blocks: BlockTable) {
    for (let bin = 0; bin < BINS; bin++) this.bins.push(undefined);
  }

  /** The first block of at least so many bytes, or NONE. */
  firstOf(bytes: number): number {
    const bin = binOf(bytes);
    const count = this.counts[bin]!;
    if (count > 0) {
      const entries = this.bins[bin]!;
      const sizes = this.blocks.size;
      if (sizes[entries[count - 1]!]! >= bytes) return entries[this.bound(entries, count, bytes, 0)]!;
    }
    return this.firstFrom(bin + 1);
  }

  /** The block behind a listed one, or NONE. */
  after(block: number): number {
    const bin = binOf(this.blocks.size[block]!);
    const index = this.indexIn(bin, block) + 1;
    return index < this.counts[bin]! ? this.bins[bin]![index]! : this.firstFrom(bin + 1);
  }

  /** The last block in order, or NONE. */
  largest(): number {
    for (let bin = BINS - 1; bin >= 0; bin--) {
      const count = this.counts[bin]!;
      if (count > 0) return this.bins[bin]![count - 1]!;
    }
    return NONE;
  }

  insert(block: number): void {
    const { size, address } = this.blocks;
    const bin = binOf(size[block]!);
    const count = this.counts[bin]!;
    const entries = this.roomIn(bin, count);
    const index = this.bound(entries, count, size[block]!, address[block]!);
    for (let i = count; i > index; i--) entries[i] = entries[i - 1]!;
    entries[index] = block;
    this.counts[bin] = count + 1;
    this.length++;
    if (count === 0) this.occupied[bin >>> 5]! |= 1 << (bin & 31);
  }

  /** Takes a block off the list; its size and address are still those that it was listed with. */
  remove(block: number): void {
    const bin = binOf(this.blocks.size[block]!);
    const entries = this.bins[bin]!;
    const count = this.counts[bin]! - 1;
    for (let i = this.indexIn(bin, block); i < count; i++) entries[i] = entries[i + 1]!;
    this.counts[bin] = count;
    this.length--;
    if (count === 0) this.occupied[bin >>> 5]! &= ~(1 << (bin & 31));
  }

  /** The blocks in order, as a copy that stays valid while the list changes. */
  snapshot(): Int32Array {
    const all = new Int32Array(this.length);
    let to = 0;
    for (let bin = 0; bin < BINS; bin++) {
      const count = this.counts[bin]!;
      if (count === 0) continue;
      all.set(this.bins[bin]!.subarray(0, count), to);
      to += count;
    }
    return all;
  }

  /** The same list of a copy of the blocks. */
  copyOver(blocks: BlockTable): FreeList {
    const copy = new FreeList(blocks);
    copy.length = this.length;
    copy.counts.set(this.counts);
    copy.occupied.set(this.occupied);
    for (let bin = 0; bin < BINS; bin++) if (this.counts[bin]! > 0) copy.bins[bin] = this.bins[bin]!.slice();
    return copy;
  }

  /** The first block of the bins from one on, or NONE. */
  private firstFrom(bin: number): number {
    let word = bin >>> 5;
    if (word >= this.occupied.length) return NONE;
    let bits = this.occupied[word]! & (-1 << (bin & 31));
    while (bits === 0) {
      if (++word === this.occupied.length) return NONE;
      bits = this.occupied[word]!;
    }
    const found = (word << 5) + 31 - Math.clz32(bits & -bits);
    return this.bins[found]![0]!;
  }

  private indexIn(bin: number, block: number): number {
    const entries = this.bins[bin]!;
    const count = this.counts[bin]!;
    if (count > SHORT) return this.bound(entries, count, this.blocks.size[block]!, this.blocks.address[block]!);
    let index = 0;
    while (entries[index] !== block) index++;
    return index;
  }

  /** Index of the first entry that is not before (size, address). */
  private bound(entries: Int32Array, count: number, size: number, address: number): number {
    const sizes = this.blocks.size;
    const addresses = this.blocks.address;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = entries[middle]!;
      const at = sizes[block]!;
      if (at < size || (at === size && addresses[block]! < address)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The entries of a bin, with room for one more. */
  private roomIn(bin: number, count: number): Int32Array {
    const entries = this.bins[bin];
    if (entries !== undefined && count < entries.length) return entries;
    const grown = new Int32Array(entries === undefined ? INITIAL_CAPACITY : entries.length * 2);
    if (entries !== undefined) grown.set(entries);
    this.bins[bin] = grown;
    return grown;
  }
}
