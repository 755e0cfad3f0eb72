/** A middle value that outliers do not move, and how far values lie from it. */
export interface RobustSpread {
  median: number;
  /** Median of the absolute deviations from the median. */
  mad: number;
  count: number;
}

/** The middle of the values; of an even number the mean of the two in the middle. NaN where there are none. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Median and median absolute deviation; fewer than half of the values, however wild, move neither beyond the others. */
export function robustSpread(values: readonly number[]): RobustSpread {
  const median = medianOf(values);
  return { median, mad: medianOf(values.map((value) => Math.abs(value - median))), count: values.length };
}

/**
 * What makes the median absolute deviation of normally distributed values their standard deviation: 1 ÷ Φ⁻¹(3/4).
 * Source: Rousseeuw and Croux, "Alternatives to the median absolute deviation", 1993.
 */
export const MAD_TO_SIGMA = 1.4826;
