import type { Estimate, Interval } from '../memory/estimate.js';
import type { Unknown } from '../run/setting.js';

/** Memory that one process of a pod set needs on devices of one model. */
export type Need =
  | {
      kind: 'estimated';
      requiredBytes: Interval;
      deviceBytes: Interval;
      estimates: readonly RoleEstimate[];
      /** A program that was only guessed from its flags; null: all programs are known. */
      guessed: string | null;
    }
  | { kind: 'unknown'; unknown: readonly Unknown[] };

export interface RoleEstimate {
  role: string;
  device: string;
  estimate: Estimate;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Models that share a process are all resident at once; at the least, only the largest of them peaks. */
function combined(intervals: readonly Interval[]): Interval {
  const [only] = intervals;
  if (intervals.length === 1 && only !== undefined) return only;
  return {
    low: Math.max(0, ...intervals.map((interval) => interval.low)),
    expected: total(intervals.map((interval) => interval.expected)),
    high: total(intervals.map((interval) => interval.high)),
  };
}

/**
 * The need of a process that holds one model (one role) or several (policy, reference, ...). Of a program that is only
 * guessed nothing is certain but what its flags are called: adapters, quantisation and whether it trains at all may lie
 * in its code, so that it may need anything less.
 */
export function needOf(estimates: readonly RoleEstimate[], guessed: string | null): Need {
  const required = combined(estimates.map(({ estimate }) => estimate.minimumCapacityBytes));
  return {
    kind: 'estimated',
    requiredBytes: guessed === null ? required : { ...required, low: 0 },
    deviceBytes: combined(estimates.map(({ estimate }) => estimate.deviceBytes)),
    estimates,
    guessed,
  };
}
