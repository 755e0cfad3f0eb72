import { accuracyOf } from './accuracy.js';
import type { Accuracy } from './accuracy.js';
import { lastSeenMs } from './pod-observation.js';
import type { PodObservation } from './pod-observation.js';
import { medianOf } from './robust.js';
import type { StandingRules } from './standing.js';

/** Estimates against what was used, of runs last seen within one step of time. */
export interface AccuracyStep {
  atMs: number;
  runs: number;
  medianError: number | null;
  medianAbsoluteError: number | null;
  outOfMemory: number;
}

/** The steps in which runs were compared or out of memory, oldest first. All groups together: each weighs as its runs do. */
export function accuracySteps(
  observations: readonly PodObservation[],
  rules: StandingRules,
  stepMs: number,
): AccuracyStep[] {
  const steps = new Map<number, PodObservation[]>();
  for (const observation of observations) {
    const atMs = Math.floor(lastSeenMs(observation) / stepMs) * stepMs;
    const step = steps.get(atMs);
    if (step === undefined) steps.set(atMs, [observation]);
    else step.push(observation);
  }
  return [...steps]
    .sort(([a], [b]) => a - b)
    .map(([atMs, within]) => stepOf(atMs, accuracyOf(within, rules)))
    .filter(({ runs, outOfMemory }) => runs > 0 || outOfMemory > 0);
}

function stepOf(atMs: number, groups: readonly Accuracy[]): AccuracyStep {
  const total = (pick: (group: Accuracy) => number): number => groups.reduce((sum, group) => sum + pick(group), 0);
  return {
    atMs,
    runs: total(({ runs }) => runs),
    medianError: middle(groups, ({ medianError }) => medianError),
    medianAbsoluteError: middle(groups, ({ medianAbsoluteError }) => medianAbsoluteError),
    outOfMemory: total(({ outOfMemory }) => outOfMemory),
  };
}

/** The middle over groups, each as often as it has runs. */
function middle(groups: readonly Accuracy[], pick: (group: Accuracy) => number | null): number | null {
  const values = groups.flatMap((group) => {
    const value = pick(group);
    return value === null ? [] : Array.from({ length: group.runs }, () => value);
  });
  return values.length === 0 ? null : medianOf(values);
}
