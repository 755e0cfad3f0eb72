import type { Estimate, Interval } from '../memory/estimate.js';
import type { Unknown } from '../run/setting.js';
import type { Basis, NarrowedNeed } from './observed-need.js';

/** Memory that one process of a pod set needs on devices of one model. */
export type Need =
  | {
      kind: 'estimated';
      requiredBytes: Interval;
      deviceBytes: Interval;
      estimates: readonly RoleEstimate[];
      /** A program that was only guessed from its flags; null: all programs are known. */
      guessed: string | null;
      /** Where earlier runs of the same settings decide: what they showed. */
      basis?: Basis;
    }
  | { kind: 'unknown'; unknown: readonly Unknown[] };

export interface RoleEstimate {
  role: string;
  device: string;
  estimate: Estimate;
}

/** Role under which the estimate of all runs of a device together is shown. */
export const TOGETHER = 'all together';

/**
 * The need of what runs on one device: one run, or several with the estimate of all of them together. Of a program that
 * is only guessed nothing is certain but what its flags are called: adapters, quantisation and whether it trains at all
 * may lie in its code, so that it may need anything less.
 */
export function needOf(estimates: readonly RoleEstimate[], together: Estimate, guessed: string | null): Need {
  const required = together.minimumCapacityBytes;
  return {
    kind: 'estimated',
    requiredBytes: guessed === null ? required : { ...required, low: 0 },
    deviceBytes: together.deviceBytes,
    estimates,
    guessed,
  };
}

/** The need where earlier runs decide. What was measured stands, whether the program is known or not. */
export function observedNeed(estimates: readonly RoleEstimate[], { requiredBytes, basis }: NarrowedNeed): Need {
  const deviceBytes = estimates[0]?.estimate.deviceBytes ?? requiredBytes;
  return { kind: 'estimated', requiredBytes, deviceBytes, estimates, guessed: null, basis };
}

/** The need of a changed run, as far as the run it was changed from used more than was expected. */
export function shiftedNeed(need: Need, shiftBytes: number): Need {
  if (need.kind === 'unknown' || shiftBytes <= 0 || need.basis !== undefined) return need;
  const { low, expected, high } = need.requiredBytes;
  return { ...need, requiredBytes: { low, expected: expected + shiftBytes, high: high + shiftBytes } };
}
