import type { Paired, Times } from './measure.js';

/** One line of the answer. */
export interface Finding {
  what: string;
  times: Times;
  ratio: number;
  /** What the ratio is to. */
  to: string;
  /** Further figures, in words: events, megabytes a second, ... */
  figures: readonly string[];
}

/** A part of the product that is timed. */
export interface Benchmark {
  name: string;
  /** For people: what is timed. */
  about: string;
  run(): Promise<readonly Finding[]> | readonly Finding[];
}

/** A finding of times that were taken in turn. */
export function finding(what: string, { subject, ratio }: Paired, to: string, ...figures: string[]): Finding {
  return { what, times: subject, ratio, to, figures };
}

/** A number with three digits that count. */
export function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
