import type { AllocatorConfig } from '../../src/memory/allocator/config.js';

const MIB = 1 << 20;

export interface NaiveBlock {
  size: number;
  state: 'free' | 'used' | 'unmapped';
}

/**
 * The same rules written for reading, with a list of blocks per segment and a scan for everything. Segments are tried
 * in the order of their making, which is the order of their addresses.
 */
export class NaiveAllocator {
  reserved = 0;
  allocated = 0;
  private segments: { pool: string; blocks: NaiveBlock[] }[] = [];

  constructor(
    private readonly rules: AllocatorConfig,
    private readonly limit: number,
  ) {}

  allocate(request: number, stream: number): NaiveBlock | null {
    const size = this.round(request);
    const small = size <= MIB;
    const pool = `${stream}/${small ? 'small' : 'large'}`;
    const block = this.fromCache(pool, size) ?? this.fromDevice(pool, small, size);
    if (!block) return null;
    const rest = block.size - size;
    if (this.mayKeep(small, size, rest)) {
      const home = this.segments.find((segment) => segment.blocks.includes(block))?.blocks ?? [];
      block.size = size;
      home.splice(home.indexOf(block) + 1, 0, { size: rest, state: 'free' });
    }
    block.state = 'used';
    this.allocated += block.size;
    return block;
  }

  free(block: NaiveBlock): void {
    this.allocated -= block.size;
    block.state = 'free';
    this.segments.forEach((segment) => this.merge(segment.blocks));
  }

  private round(request: number): number {
    const divisions = this.rules.roundupDivisions[0] ?? 0;
    if (divisions > 1 && request > 512 * divisions) {
      const floor = 2 ** Math.floor(Math.log2(request));
      return Math.ceil(request / (floor / divisions)) * (floor / divisions);
    }
    return Math.max(512, Math.ceil(request / 512) * 512);
  }

  private mayKeep(small: boolean, size: number, rest: number): boolean {
    if (small || this.rules.expandableSegments) return rest >= 512;
    return size < this.rules.maxSplitBytes && rest > MIB;
  }

  private fromCache(pool: string, size: number): NaiveBlock | null {
    const fitting = this.segments
      .filter((segment) => segment.pool === pool)
      .flatMap(({ blocks }) => blocks.map((block, at) => ({ block, growth: this.growth(blocks, at) })))
      .filter(({ block }) => block.state === 'free' && block.size >= size)
      .sort((a, b) => a.block.size - b.block.size);
    if (!this.rules.expandableSegments) return fitting[0] ? this.ifNotTooLarge(fitting[0].block, size) : null;
    const best = fitting.find(({ growth }, at) => !(fitting[at + 1] && fitting[at + 1]!.growth < growth));
    return best?.block ?? null;
  }

  private ifNotTooLarge(block: NaiveBlock, size: number): NaiveBlock | null {
    const { maxSplitBytes, maxNonSplitRoundingBytes } = this.rules;
    const most = size < maxSplitBytes ? maxSplitBytes : size + maxNonSplitRoundingBytes;
    return block.size < most ? block : null;
  }

  private growth(blocks: readonly NaiveBlock[], at: number): number {
    const next = blocks[at + 1];
    return blocks[at]!.size + (next?.state === 'unmapped' ? next.size : 0);
  }

  private fromDevice(pool: string, small: boolean, size: number): NaiveBlock | null {
    const grow = (): NaiveBlock | null =>
      this.rules.expandableSegments ? this.extend(pool, small, size) : this.addSegment(pool, small, size);
    const first = grow();
    if (first) return first;
    if (!this.rules.expandableSegments && this.releaseOversize(pool, size)) {
      const second = grow();
      if (second) return second;
    }
    this.releaseUnused();
    return grow();
  }

  private addSegment(pool: string, small: boolean, size: number): NaiveBlock | null {
    const own = Math.ceil(size / (2 * MIB)) * 2 * MIB;
    const segment = small ? 2 * MIB : size < 10 * MIB ? 20 * MIB : own;
    if (this.reserved + segment > this.limit) return null;
    this.reserved += segment;
    const block: NaiveBlock = { size: segment, state: 'free' };
    this.segments.push({ pool, blocks: [block] });
    return block;
  }

  private releaseOversize(pool: string, size: number): boolean {
    const { maxSplitBytes } = this.rules;
    if (maxSplitBytes === Infinity) return false;
    const wanted = Math.max(size, maxSplitBytes);
    const cached = this.segments
      .filter(({ pool: of, blocks }) => of === pool && blocks.length === 1)
      .filter(({ blocks }) => blocks[0]!.state === 'free' && blocks[0]!.size >= maxSplitBytes)
      .sort((a, b) => a.blocks[0]!.size - b.blocks[0]!.size);
    const enough = cached.find(({ blocks }) => blocks[0]!.size >= wanted);
    if (enough) {
      this.drop([enough]);
      return true;
    }
    let released = 0;
    for (const segment of cached.toReversed()) {
      if (released >= wanted) break;
      released += segment.blocks[0]!.size;
      this.drop([segment]);
    }
    return released >= wanted;
  }

  private releaseUnused(): void {
    if (!this.rules.expandableSegments) {
      this.drop(this.segments.filter(({ blocks }) => blocks.length === 1 && blocks[0]!.state === 'free'));
      return;
    }
    for (const { pool, blocks } of this.segments) {
      const page = pool.endsWith('small') ? 2 * MIB : 20 * MIB;
      let address = 0;
      const pieces = blocks.flatMap((block) => {
        address += block.size;
        return block.state === 'free' ? this.unmapped(block, address - block.size, page) : [block];
      });
      blocks.splice(0, blocks.length, ...pieces);
      this.merge(blocks);
    }
    this.segments = this.segments.filter(({ blocks }) => blocks.length > 1 || blocks[0]!.state !== 'unmapped');
  }

  /** A free block at an address, with the pages that lie wholly in it taken away. */
  private unmapped(block: NaiveBlock, address: number, page: number): NaiveBlock[] {
    const begin = Math.ceil(address / page) * page;
    const end = Math.floor((address + block.size) / page) * page;
    if (begin >= end) return [block];
    this.reserved -= end - begin;
    const before: NaiveBlock = { size: begin - address, state: 'free' };
    const after: NaiveBlock = { size: address + block.size - end, state: 'free' };
    return [before, { size: end - begin, state: 'unmapped' }, after];
  }

  private extend(pool: string, small: boolean, size: number): NaiveBlock | null {
    const page = small ? 2 * MIB : 20 * MIB;
    for (const { blocks } of this.segments.filter((segment) => segment.pool === pool)) {
      const start = blocks.findIndex((_, at) => this.startsRoom(blocks, at, size));
      if (start >= 0) return this.mapFrom(blocks, start, { size, page });
    }
    const space = this.limit === Infinity ? 2 ** 46 : Math.ceil(Math.floor(this.limit * 1.125) / page) * page;
    if (space < size) return null;
    const blocks: NaiveBlock[] = [{ size: space, state: 'unmapped' }];
    this.segments.push({ pool, blocks });
    return this.mapFrom(blocks, 0, { size, page });
  }

  /** Whether unmapped space, with a free block right before it, begins here and is large enough. */
  private startsRoom(blocks: readonly NaiveBlock[], at: number, size: number): boolean {
    const [before, here, after] = [blocks[at - 1]?.state, blocks[at]!.state, blocks[at + 1]?.state];
    const begins = here === 'unmapped' ? before !== 'free' : here === 'free' && after === 'unmapped';
    return begins && this.roomFrom(blocks, at) >= size;
  }

  private roomFrom(blocks: readonly NaiveBlock[], start: number): number {
    let room = 0;
    for (let at = start; at < blocks.length && blocks[at]!.state !== 'used'; at++) room += blocks[at]!.size;
    return room;
  }

  private mapFrom(blocks: NaiveBlock[], start: number, want: { size: number; page: number }): NaiveBlock | null {
    const offset = blocks.slice(0, start).reduce((sum, block) => sum + block.size, 0);
    let missing = want.size;
    for (let at = start; missing > 0; at++) {
      const block = blocks[at]!;
      const mapped = block.state === 'free' ? 0 : this.mappable(block, missing, want.page);
      if (this.reserved + mapped > this.limit) {
        this.merge(blocks);
        return null;
      }
      this.reserved += mapped;
      missing -= mapped > 0 ? mapped : block.size;
      if (mapped > 0) {
        blocks.splice(at, 1, { size: mapped, state: 'free' }, { size: block.size - mapped, state: 'unmapped' });
      }
    }
    this.merge(blocks);
    return this.blockAt(blocks, offset);
  }

  private mappable(block: NaiveBlock, missing: number, page: number): number {
    return Math.min(Math.ceil(Math.min(missing, block.size) / page) * page, block.size);
  }

  private blockAt(blocks: readonly NaiveBlock[], offset: number): NaiveBlock {
    let end = 0;
    return blocks.find((block) => (end += block.size) > offset)!;
  }

  private merge(blocks: NaiveBlock[]): void {
    for (let at = blocks.length - 1; at >= 0; at--) {
      if (blocks[at]!.size === 0) blocks.splice(at, 1);
    }
    for (let at = blocks.length - 1; at > 0; at--) {
      const [one, next] = [blocks[at - 1]!, blocks[at]!];
      if (one.state !== next.state || one.state === 'used') continue;
      one.size += next.size;
      blocks.splice(at, 1);
    }
  }

  private drop(gone: readonly { blocks: NaiveBlock[] }[]): void {
    for (const { blocks } of gone) this.reserved -= blocks[0]!.size;
    this.segments = this.segments.filter((segment) => !gone.includes(segment));
  }
}
