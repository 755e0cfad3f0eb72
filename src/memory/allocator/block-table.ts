/** State of a block: cached and free, given out, or address space without memory behind it (expandable segments). */
export const FREE = 0;
export const ALLOCATED = 1;
export const UNMAPPED = 2;

/** No block: the neighbour of a segment's first and last. */
export const NONE = -1;

/**
 * The blocks that segments are divided into, as columns. A block is an index; `previous` and `next` are its neighbours
 * within the segment. Indices of merged blocks are used again, so the table stays as small as the most blocks at once.
 */
export class BlockTable {
  address: Float64Array;
  size: Float64Array;
  previous: Int32Array;
  next: Int32Array;
  state: Uint8Array;
  pool: Uint16Array;
  /** The pool's count of searches when the block became free: its age for garbage collection. */
  freedAt: Int32Array;
  private used = 0;
  /** The index to be used again first; each says in `next` which comes then. */
  private recycled = NONE;

  constructor(capacity: number) {
    this.address = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.previous = new Int32Array(capacity);
    this.next = new Int32Array(capacity);
    this.state = new Uint8Array(capacity);
    this.pool = new Uint16Array(capacity);
    this.freedAt = new Int32Array(capacity);
  }

  /** A new block without neighbours, free. */
  create(pool: number, address: number, size: number): number {
    const block = this.vacant();
    this.address[block] = address;
    this.size[block] = size;
    this.previous[block] = NONE;
    this.next[block] = NONE;
    this.state[block] = FREE;
    this.pool[block] = pool;
    return block;
  }

  discard(block: number): void {
    this.next[block] = this.recycled;
    this.recycled = block;
  }

  private vacant(): number {
    const block = this.recycled;
    if (block !== NONE) {
      this.recycled = this.next[block]!;
      return block;
    }
    if (this.used === this.size.length) this.grow();
    return this.used++;
  }

  /** Links `block` between two neighbours, each possibly NONE. */
  link(before: number, block: number, after: number): void {
    this.previous[block] = before;
    this.next[block] = after;
    if (before !== NONE) this.next[before] = block;
    if (after !== NONE) this.previous[after] = block;
  }

  /** Divides a block: it keeps the first `size` bytes, the rest becomes the new block returned. */
  divide(block: number, size: number): number {
    const rest = this.create(this.pool[block]!, this.address[block]! + size, this.size[block]! - size);
    this.state[rest] = this.state[block]!;
    this.size[block] = size;
    this.link(block, rest, this.next[block]!);
    return rest;
  }

  /** Lets `block` take in its neighbour `other`, which is discarded. */
  absorb(block: number, other: number): void {
    this.size[block]! += this.size[other]!;
    if (this.previous[block] === other) {
      this.address[block] = this.address[other]!;
      this.link(this.previous[other]!, block, this.next[block]!);
    } else {
      this.link(this.previous[block]!, block, this.next[other]!);
    }
    this.discard(other);
  }

  /** Whether the block is a whole segment. */
  isWhole(block: number): boolean {
    return this.previous[block] === NONE && this.next[block] === NONE;
  }

  /** Becomes a copy of another table. */
  copyFrom(other: BlockTable): void {
    this.address = other.address.slice();
    this.size = other.size.slice();
    this.previous = other.previous.slice();
    this.next = other.next.slice();
    this.state = other.state.slice();
    this.pool = other.pool.slice();
    this.freedAt = other.freedAt.slice();
    this.used = other.used;
    this.recycled = other.recycled;
  }

  private grow(): void {
    const capacity = this.size.length * 2;
    this.address = enlarged(this.address, new Float64Array(capacity));
    this.size = enlarged(this.size, new Float64Array(capacity));
    this.previous = enlarged(this.previous, new Int32Array(capacity));
    this.next = enlarged(this.next, new Int32Array(capacity));
    this.state = enlarged(this.state, new Uint8Array(capacity));
    this.pool = enlarged(this.pool, new Uint16Array(capacity));
    this.freedAt = enlarged(this.freedAt, new Int32Array(capacity));
  }
}

function enlarged<T extends Float64Array | Int32Array | Uint8Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
