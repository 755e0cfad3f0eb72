/**
 * Holds the estimator against runs that were measured, or against recorded simulations.
 *   npm run accuracy -- --runs FILE [--core] [--json]
 *   npm run accuracy -- --oracle FILE [--json]
 */
import { parseArgs } from 'node:util';
import { loadFacts } from '../src/advisor/facts.js';
import { readMeasuredRuns } from './accuracy/measured-run.js';
import { printReport } from './accuracy/print-report.js';
import { scoreRun } from './accuracy/score.js';
import { reportOf } from './accuracy/summary.js';

const USAGE = 'usage: npm run accuracy -- (--runs FILE [--core] | --oracle FILE) [--json]';

function compareMeasured(file: string, options: { core: boolean; json: boolean }): void {
  const facts = loadFacts();
  const records = readMeasuredRuns(file).filter((record) => !options.core || record.core);
  const runs = records.flatMap((record) => scoreRun(record, facts) ?? []);
  const report = reportOf(records, runs);
  if (options.json) console.log(JSON.stringify({ summary: report, runs }));
  else printReport(report, runs);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string' },
      oracle: { type: 'string' },
      core: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.oracle !== undefined) {
    const { compareOracle } = await import('./oracle.js');
    compareOracle(values.oracle, { json: values.json });
    return;
  }
  if (values.runs === undefined) throw new Error(USAGE);
  compareMeasured(values.runs, { core: values.core, json: values.json });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
