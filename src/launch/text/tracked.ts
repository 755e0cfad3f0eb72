import type { SourcePlace } from '../../run/setting.js';

/** A string that was given to us: one scalar of the manifest, or one file alongside. */
export interface Source {
  document: string;
  /** JSON path of the string in the document; empty for a whole file. */
  path: string;
}

/** A run of characters of one origin. `unresolved` names a piece whose value cannot be known from the manifest. */
interface Piece {
  text: string;
  source: Source | null;
  /** Offset of the piece's first character in its source; the piece maps one to one onto it. */
  start: number;
  unresolved: string | null;
}

/** Strings longer than this are cut: repeated self-reference must not grow without end. */
export const MAX_TEXT_CHARS = 1_000_000;
const MAX_QUOTED_CHARS = 200;

/**
 * Text that remembers, character by character, which string of the manifest or which file it came from. Slices and
 * joins keep that, so that a value found after expansions, quotes and nested scripts can still be patched in place.
 */
export class Tracked {
  readonly text: string;

  private constructor(private readonly pieces: readonly Piece[]) {
    this.text = pieces.length === 1 ? (pieces[0] as Piece).text : pieces.map((piece) => piece.text).join('');
  }

  static readonly empty = new Tracked([]);

  /** The whole of a source's text. */
  static of(text: string, source: Source): Tracked {
    return new Tracked([{ text: text.slice(0, MAX_TEXT_CHARS), source, start: 0, unresolved: null }]);
  }

  /** Text that stands nowhere in the input, such as a number that a rule gave. */
  static made(text: string): Tracked {
    return new Tracked([{ text: text.slice(0, MAX_TEXT_CHARS), source: null, start: 0, unresolved: null }]);
  }

  /** A piece that cannot be resolved: shown as written, with the words that say why. */
  static unresolved(written: Tracked, reason: string): Tracked {
    const first = written.pieces[0];
    return new Tracked([
      { text: written.text, source: first?.source ?? null, start: first?.start ?? 0, unresolved: reason },
    ]);
  }

  static join(parts: readonly Tracked[]): Tracked {
    if (parts.length === 1) return parts[0] as Tracked;
    const pieces: Piece[] = [];
    let length = 0;
    for (const part of parts) {
      length += part.text.length;
      if (length > MAX_TEXT_CHARS) break;
      for (const piece of part.pieces) append(pieces, piece);
    }
    return new Tracked(pieces);
  }

  get length(): number {
    return this.text.length;
  }

  /** Why pieces of this text are unknown, in reading order; empty where all of it is known. */
  get unresolved(): readonly string[] {
    return this.pieces.flatMap((piece) => (piece.unresolved === null ? [] : [piece.unresolved]));
  }

  get isResolved(): boolean {
    return this.pieces.every((piece) => piece.unresolved === null);
  }

  /** Ranges of unresolved pieces in this text. */
  unresolvedRanges(): { start: number; end: number }[] {
    const ranges: { start: number; end: number }[] = [];
    let at = 0;
    for (const piece of this.pieces) {
      if (piece.unresolved !== null) ranges.push({ start: at, end: at + piece.text.length });
      at += piece.text.length;
    }
    return ranges;
  }

  slice(start: number, end: number = this.length): Tracked {
    if (start <= 0 && end >= this.length) return this;
    const kept: Piece[] = [];
    let at = 0;
    for (const piece of this.pieces) {
      const from = Math.max(start - at, 0);
      const to = Math.min(end - at, piece.text.length);
      if (from < to)
        kept.push(
          from === 0 && to === piece.text.length
            ? piece
            : { ...piece, text: piece.text.slice(from, to), start: piece.start + from },
        );
      at += piece.text.length;
      if (at >= end) break;
    }
    return new Tracked(kept);
  }

  /** The same text with each character outside unresolved pieces kept and each inside replaced by `filler`. */
  masked(filler: string): string {
    if (this.isResolved) return this.text;
    return this.pieces.map((p) => (p.unresolved === null ? p.text : filler.repeat(p.text.length))).join('');
  }

  /** Where this text stands; the span is absent where it is not one unbroken stretch of its source. */
  place(): SourcePlace | null {
    const first = this.pieces.find((piece) => piece.source !== null);
    if (!first?.source) return null;
    const text = this.text.slice(0, MAX_QUOTED_CHARS);
    const base = { document: first.source.document, path: first.source.path, text };
    return this.isUnbroken() ? { ...base, span: { start: first.start, end: first.start + this.length } } : base;
  }

  private isUnbroken(): boolean {
    const [first] = this.pieces;
    return this.pieces.length === 1 && first !== undefined && first.source !== null;
  }
}

/** Adds a piece, merging it with the one before where both are neighbours in the same source. */
function append(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  const isNeighbour =
    last !== undefined &&
    last.source !== null &&
    last.source === piece.source &&
    last.unresolved === null &&
    piece.unresolved === null &&
    last.start + last.text.length === piece.start;
  if (!isNeighbour) {
    pieces.push(piece);
    return;
  }
  pieces[pieces.length - 1] = { ...last, text: last.text + piece.text };
}
