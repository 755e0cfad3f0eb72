import type { MeasuredRun } from './measured-run.js';
import type { ScoredRun } from './score.js';
import { errorOf } from './score.js';

/** Statistics of a set of runs; shares and errors as fractions. null where nothing was answered. */
export interface Summary {
  runs: number;
  answered: number;
  coverage: number;
  medianAbsoluteError: number | null;
  meanAbsoluteError: number | null;
  p90AbsoluteError: number | null;
  worstAbsoluteError: number | null;
  within10Percent: number | null;
  underPredictedBy10Percent: number | null;
  insideInterval: number | null;
  medianIntervalWidth: number | null;
}

/** The value below which a share of the sorted values lies. */
function quantile(sorted: readonly number[], share: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

const shareOf = <T>(values: readonly T[], test: (value: T) => boolean): number | null =>
  values.length === 0 ? null : values.filter(test).length / values.length;

function isInside(run: ScoredRun): boolean {
  const interval = run.predicted?.[run.compared];
  return interval !== undefined && run.measuredGib >= interval.lowGib && run.measuredGib <= interval.highGib;
}

function relativeWidth(run: ScoredRun): number {
  const interval = run.predicted?.[run.compared];
  return interval === undefined ? 0 : (interval.highGib - interval.lowGib) / interval.expectedGib;
}

/** Summarises scored runs. */
export function summarise(runs: readonly ScoredRun[]): Summary {
  const answered = runs.filter((run) => run.answered);
  const errors = answered.map((run) => Math.abs(errorOf(run))).sort((a, b) => a - b);
  const widths = answered.map(relativeWidth).sort((a, b) => a - b);
  return {
    runs: runs.length,
    answered: answered.length,
    coverage: runs.length === 0 ? 0 : answered.length / runs.length,
    medianAbsoluteError: quantile(errors, 0.5),
    meanAbsoluteError: mean(errors),
    p90AbsoluteError: quantile(errors, 0.9),
    worstAbsoluteError: errors.at(-1) ?? null,
    within10Percent: shareOf(errors, (error) => error <= 0.1),
    underPredictedBy10Percent: shareOf(answered, (run) => errorOf(run) < -0.1),
    insideInterval: shareOf(answered, isInside),
    medianIntervalWidth: quantile(widths, 0.5),
  };
}

/** By what the runs are grouped. */
const GROUPINGS: Readonly<Record<string, (record: MeasuredRun) => string>> = {
  source: (record) => record.source.split(':')[0] ?? record.source,
  family: (record) => record.family,
  framework: (record) => record.framework,
  peft: (record) => record.peft?.type ?? 'none',
  gpus: (record) => String(record.gpus ?? 'unknown'),
};

export interface Report extends Summary {
  by: Record<string, Record<string, Summary>>;
}

/** The summary of all runs, and of each group. */
export function reportOf(records: readonly MeasuredRun[], runs: readonly ScoredRun[]): Report {
  const recordById = new Map(records.map((record) => [record.id, record]));
  const by = Object.entries(GROUPINGS).map(([name, keyOf]) => {
    const groups = groupBy(runs, (run) => keyOf(recordById.get(run.id)!));
    return [name, Object.fromEntries([...groups].map(([key, members]) => [key, summarise(members)]))] as const;
  });
  return { ...summarise(runs), by: Object.fromEntries(by) };
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}
