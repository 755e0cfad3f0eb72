import Table from 'cli-table3';
import type { ScoredRun } from './score.js';
import { errorOf } from './score.js';
import type { Report, Summary } from './summary.js';

const percent = (share: number | null): string => (share === null ? '–' : `${(share * 100).toFixed(1)} %`);

const COLUMNS = ['runs', 'answered', 'median', 'mean', 'p90', 'worst', '±10 %', 'under', 'inside', 'width'];

const rowOf = (name: string, summary: Summary): string[] => [
  name.slice(0, 50),
  String(summary.runs),
  percent(summary.coverage),
  percent(summary.medianAbsoluteError),
  percent(summary.meanAbsoluteError),
  percent(summary.p90AbsoluteError),
  percent(summary.worstAbsoluteError),
  percent(summary.within10Percent),
  percent(summary.underPredictedBy10Percent),
  percent(summary.insideInterval),
  percent(summary.medianIntervalWidth),
];

const FURTHEST = 15;

/** The report as tables: all runs, then by group, then the runs that are furthest off, then reasons for no answer. */
export function printReport(report: Report, runs: readonly ScoredRun[]): void {
  const print = (title: string, rows: readonly string[][]): void => {
    const table = new Table({ head: [title, ...COLUMNS], style: { head: [], border: [], compact: true } });
    table.push(...rows);
    console.log(table.toString());
  };
  print('all', [rowOf('all', report)]);
  for (const [name, groups] of Object.entries(report.by)) {
    print(
      name,
      Object.entries(groups)
        .sort(([, a], [, b]) => b.runs - a.runs)
        .map(([key, summary]) => rowOf(key, summary)),
    );
  }
  printFurthest(runs);
  printUnanswered(runs);
}

function printFurthest(runs: readonly ScoredRun[]): void {
  const answered = runs.filter((run) => run.answered);
  const furthest = answered.sort((a, b) => Math.abs(errorOf(b)) - Math.abs(errorOf(a))).slice(0, FURTHEST);
  const table = new Table({
    head: ['furthest off', 'compared', 'measured', 'predicted', 'error'],
    style: { head: [], border: [], compact: true },
  });
  for (const run of furthest) {
    const predicted = run.predicted?.[run.compared].expectedGib ?? 0;
    table.push([run.id, run.compared, run.measuredGib.toFixed(2), predicted.toFixed(2), percent(errorOf(run))]);
  }
  console.log(table.toString());
}

function printUnanswered(runs: readonly ScoredRun[]): void {
  const reasons = new Map<string, number>();
  for (const { answered, reason } of runs) {
    if (answered || reason === null) continue;
    const kind = reason.replace(/"[^"]*"/, '…').slice(0, 100);
    reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
  }
  for (const [reason, count] of [...reasons].sort(([, a], [, b]) => b - a).slice(0, FURTHEST)) {
    console.log(`not answered ${String(count).padStart(5)}  ${reason}`);
  }
}
