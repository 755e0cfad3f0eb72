/** A stretch of an iteration's events that belongs to one layer, or to none. */
export interface Section {
  /** The micro-batch, counted within the iteration. */
  readonly flight: number;
  readonly isBackward: boolean;
  /** Index of the block; OUTSIDE for what lies between, before and behind. */
  readonly layer: number;
  readonly start: number;
  end: number;
  /** Blocks that were allocated in it, in order; of layers only. */
  births: readonly number[];
}

/** The layer of what belongs to none. */
export const OUTSIDE = -1;

/** Columns of a list of events under construction: figures by block, and the events. */
export interface EventColumns<Category> {
  readonly sizes: number[];
  readonly streams: number[];
  readonly categories: Category[];
  readonly operations: number[];
  readonly events: number[];
}

/** Which section each block of an iteration was born in, and as which of that section's blocks. */
export class Births {
  private readonly sectionOf: Int32Array;
  private readonly placeOf: Int32Array;

  constructor(
    events: readonly number[],
    private readonly sections: readonly Section[],
    private readonly firstBlock: number,
    blocks: number,
  ) {
    this.sectionOf = new Int32Array(blocks - firstBlock).fill(OUTSIDE);
    this.placeOf = new Int32Array(blocks - firstBlock);
    sections.forEach((section, index) => {
      if (section.layer !== OUTSIDE) section.births = this.note(events, section, index);
    });
  }

  private note(events: readonly number[], { start, end }: Section, index: number): readonly number[] {
    const blocks: number[] = [];
    for (let at = start; at < end; at++) {
      const block = events[at]!;
      if (block < 0) continue;
      this.sectionOf[block - this.firstBlock] = index;
      this.placeOf[block - this.firstBlock] = blocks.length;
      blocks.push(block);
    }
    return blocks;
  }

  /** The layer's section that a block was born in; null: none of this iteration. */
  section(block: number): Section | null {
    const index = block < this.firstBlock ? OUTSIDE : this.sectionOf[block - this.firstBlock]!;
    return index < 0 ? null : this.sections[index]!;
  }

  place(block: number): number {
    return this.placeOf[block - this.firstBlock]!;
  }
}
