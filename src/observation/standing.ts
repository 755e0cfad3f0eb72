import { ownPeakOf } from './device-use.js';
import type { DeviceUse } from './device-use.js';
import type { PodObservation } from './pod-observation.js';

/**
 * What an observation is worth to an answer. `measured`: what the run takes where it is not short of memory.
 * `upper-bound`: it ran, with all the memory it could get: it needs no more than that, maybe less. `out-of-memory`: the
 * device was too small. `so-far`: it still grows, or ended for a reason of its own. `too-short`: no step of the optimizer
 * can be counted on. `mixed`: others used the device as well, and nothing tells the shares apart.
 */
export const STANDINGS = ['measured', 'upper-bound', 'out-of-memory', 'so-far', 'too-short', 'mixed'] as const;
export type Standing = (typeof STANDINGS)[number];

export interface StandingRules {
  /** For how long a pod must have been seen to use memory. */
  leastMs: number;
  /** For how long a peak must have held before a run that goes on is taken at its word. */
  steadyMs: number;
}

const MINUTE_MS = 60_000;
export const STANDING_DEFAULTS: StandingRules = { leastMs: 2 * MINUTE_MS, steadyMs: 30 * MINUTE_MS };

/** What counts, by the setting of the service. */
export const rulesOf = ({ observedLeastMs }: { observedLeastMs: number }): StandingRules => ({
  ...STANDING_DEFAULTS,
  leastMs: observedLeastMs,
});

/** One sample may be of the moment in which weights were loaded, and two of the first step. */
const LEAST_SAMPLES = 3;

/**
 * Share of the capacity beyond which the caching allocator may have been short: before an allocation fails it gives back
 * what it holds without need, so that a run that reached its limit shows the limit, not its need. It falls short as soon
 * as one segment does not fit any more, and the largest of a language model (logits) take gigabytes: a tenth of the card.
 */
const NEAR_CAPACITY = 0.9;

/** What the observation is worth. */
export function standingOf({ use, ending }: PodObservation, rules: StandingRules = STANDING_DEFAULTS): Standing {
  if (use.sharing === 'mixed') return 'mixed';
  if (ending === 'out-of-gpu-memory') return use.sharing === 'alone' ? 'out-of-memory' : 'mixed';
  if (!isLong(use, rules)) return 'too-short';
  const hasSettled = ending === 'completed' || use.lastAtMs - use.grownAtMs >= rules.steadyMs;
  if (!hasSettled) return 'so-far';
  return use.peakBytes > use.capacityBytes * NEAR_CAPACITY ? 'upper-bound' : 'measured';
}

const isLong = ({ startedAtMs, lastAtMs, samples }: DeviceUse, { leastMs }: StandingRules): boolean =>
  startedAtMs !== null && samples >= LEAST_SAMPLES && lastAtMs - startedAtMs >= leastMs;

/** Whether the observation says what the run takes: it can be held against the estimate. */
export function isComparable(observation: PodObservation, rules: StandingRules): boolean {
  return standingOf(observation, rules) === 'measured' && ownPeakOf(observation.use) > 0;
}
