import { ownPeakOf } from './device-use.js';
import type { PodObservation } from './pod-observation.js';
import { medianOf, robustSpread } from './robust.js';
import { isComparable, standingOf } from './standing.js';
import type { StandingRules } from './standing.js';

/** What runs have in common whose estimates are judged together. */
export interface AccuracyGroup {
  cluster: string;
  framework: string;
  program: string | null;
  programVersion: string | null;
  torch: string | null;
}

/** How estimates of one group compare with what was observed. Errors are shares of what was used: 0.05 is 5 % too much. */
export interface Accuracy extends AccuracyGroup {
  /** Distinct runs that were compared. */
  runs: number;
  /** Pods that were compared. */
  pods: number;
  /** Middle of (estimated − used) ÷ used; negative where estimates are too low. null: nothing was compared. */
  medianError: number | null;
  /** Median absolute deviation of the errors from their middle. */
  errorSpread: number | null;
  /** Middle of the absolute errors. */
  medianAbsoluteError: number | null;
  /** Share of the runs whose use lay within the interval of their estimate. */
  withinInterval: number | null;
  /** Share of the runs that used over 10 % more than was expected. */
  under: number | null;
  /** Runs that were out of GPU memory, and those of them for which even the highest reading fitted. */
  outOfMemory: number;
  outOfMemoryUnforeseen: number;
}

type Comparable = PodObservation & { run: NonNullable<PodObservation['run']> };

/** How much more than expected is called too low. */
const UNDER = 0.1;

/** Accuracy by group, groups with most runs first. Runs of the same settings count once, by their middle. */
export function accuracyOf(observations: Iterable<PodObservation>, rules: StandingRules): Accuracy[] {
  const groups = grouped([...observations].filter(isJudged), (observation) => JSON.stringify(groupOf(observation)));
  const all = [...groups].map(([key, members]) => ({ key, accuracy: accuracyWithin(members, rules) }));
  return all
    .filter(({ accuracy }) => accuracy.runs > 0 || accuracy.outOfMemory > 0)
    .sort((a, b) => b.accuracy.runs - a.accuracy.runs || (a.key < b.key ? -1 : 1))
    .map(({ accuracy }) => accuracy);
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function isJudged(observation: PodObservation): observation is Comparable {
  return observation.run !== null && observation.run.estimate !== null;
}

function groupOf({ cluster, run }: Comparable): AccuracyGroup {
  const { framework, program, programVersion, torch } = run;
  return { cluster, framework, program, programVersion, torch };
}

function accuracyWithin(members: readonly Comparable[], rules: StandingRules): Accuracy {
  const compared = members.filter((observation) => isComparable(observation, rules));
  const byRun = [...grouped(compared, ({ run }) => run.fingerprint).values()];
  const errors = byRun.map((pods) => medianOf(pods.map(errorOf)));
  const share = (holds: (pods: readonly Comparable[]) => boolean): number | null =>
    byRun.length === 0 ? null : byRun.filter(holds).length / byRun.length;
  const { median, mad } = robustSpread(errors);
  const failed = members.filter((observation) => standingOf(observation, rules) === 'out-of-memory');
  return {
    ...groupOf(members[0]!),
    runs: byRun.length,
    pods: compared.length,
    medianError: orNull(median),
    errorSpread: orNull(mad),
    medianAbsoluteError: orNull(medianOf(errors.map(Math.abs))),
    withinInterval: share((pods) => isWithin(pods)),
    under: share((pods) => medianOf(pods.map(errorOf)) < -UNDER / (1 + UNDER)),
    outOfMemory: countRuns(failed),
    outOfMemoryUnforeseen: countRuns(failed.filter(wasPromised)),
  };
}

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
const countRuns = (observations: readonly Comparable[]): number =>
  new Set(observations.map(({ run }) => run.fingerprint)).size;

/** (estimated − used) ÷ used */
export function errorOf({ run, use }: Comparable): number {
  const used = ownPeakOf(use);
  return ((run.estimate?.deviceBytes.expected ?? 0) - used) / used;
}

function isWithin(pods: readonly Comparable[]): boolean {
  const used = medianOf(pods.map(({ use }) => ownPeakOf(use)));
  const interval = pods[0]?.run.estimate?.deviceBytes;
  return interval !== undefined && interval.low <= used && used <= interval.high;
}

function wasPromised({ run, use }: Comparable): boolean {
  const room = use.capacityBytes - (use.baselineBytes ?? 0);
  return run.estimate !== null && run.estimate.minimumCapacityBytes.high <= room;
}
