/** A half-open range of character offsets, `start` to `end`, in the text named beside it. */
export interface Span {
  start: number;
  end: number;
}

/** A place that a value was read from, precise enough to patch it. */
export interface SourcePlace {
  /** `manifest`, or a file given alongside: `configmap/<name>/<key>`, `file/<path>`. */
  document: string;
  /** JSON path from the document's root, such as `spec.template.spec.containers[0].args[3]`; empty for a whole file. */
  path: string;
  /** Where in the string at `path` the value itself stands. */
  span?: Span;
  /** The text that was read, at most 200 characters. */
  text: string;
}

/** Where a value came from. Every figure that Plimsoll shows can be followed to one of these. */
export type Evidence =
  | { kind: 'declared'; place: SourcePlace }
  | { kind: 'read'; place: SourcePlace }
  | { kind: 'default'; of: string; version: string | null; note?: string }
  | { kind: 'assumed'; reason: string }
  /** `place`: where the one number stands that it was worked out from, where a change of it could be written. */
  | { kind: 'derived'; from: readonly string[]; rule: string; place?: SourcePlace };

/** One field of a training run: its value, where it came from and, where that is uncertain, the values considered. */
export interface Setting<T> {
  value: T;
  evidence: Evidence;
  /** Present where the evidence is `assumed`: the least and the most memory-hungry value considered. */
  range?: { low: T; high: T };
}

/** A field that decides memory and that nothing says: why, and what a person can write to settle it. */
export interface Unknown {
  field: string;
  reason: string;
  /** An example for the annotation `plimsoll.dev/run`, such as `model: meta-llama/Llama-3.1-8B`. */
  declare?: string;
}
