/**
 * Holds the memory engine against recorded runs of real PyTorch code on fake tensors.
 *   npm run accuracy -- --oracle FILE [--json]
 *   npx tsx scripts/oracle.ts FILE --events TIMELINE.json.gz     first difference between event lists
 *   npx tsx scripts/oracle.ts FILE --digest TIMELINE.json.gz     digest of a recorded event list, as tests hold it
 *   npx tsx scripts/oracle.ts FILE --only PATTERN                only runs whose id matches
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { NotEstimable } from '../src/memory/not-estimable.js';
import { UnsupportedModel } from '../src/model/unsupported-model.js';
import type { Prediction } from './oracle/predict.js';
import { predict, simulateRecord } from './oracle/predict.js';
import type { OracleRecord } from './oracle/record.js';
import { firstDifference, iterationsOf, readTimeline, recordedDigest } from './oracle/timeline.js';

interface Comparison {
  id: string;
  answered: boolean;
  reason: string | null;
  predictedAllocatedBytes: number | null;
  oracleAllocatedBytes: number;
  predictedReservedBytes: number | null;
  oracleReservedBytes: number;
  predictedPhase: string | null;
  oraclePhase: string;
  /** Live blocks, each rounded, without the allocator's unsplit remainders. */
  predictedLiveBytes: number | null;
  oracleLiveBytes: number;
}

export function readOracle(file: string): OracleRecord[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as OracleRecord)
    .filter((record) => record.error === undefined);
}

const PHASES: Record<string, string> = { zero_grad: 'zero-grad' };

function attempt(record: OracleRecord): Prediction | string {
  try {
    return predict(record);
  } catch (error) {
    if (error instanceof UnsupportedModel || error instanceof NotEstimable) return error.message;
    throw new Error(record.id, { cause: error });
  }
}

const NO_PREDICTION = { allocatedBytes: null, reservedBytes: null, phase: null, peakBytes: null };

function compare(record: OracleRecord): Comparison {
  const outcome = attempt(record);
  const answered = typeof outcome !== 'string';
  const prediction = answered ? outcome : NO_PREDICTION;
  return {
    id: record.id,
    answered,
    reason: answered ? null : outcome,
    predictedAllocatedBytes: prediction.allocatedBytes,
    oracleAllocatedBytes: record.peak_allocated_bytes_simulated,
    predictedReservedBytes: prediction.reservedBytes,
    oracleReservedBytes: record.peak_reserved_bytes_simulated,
    predictedPhase: prediction.phase,
    oraclePhase: PHASES[record.peak_phase] ?? record.peak_phase,
    predictedLiveBytes: prediction.peakBytes,
    oracleLiveBytes: record.peak_allocated_bytes,
  };
}

const deviation = (predicted: number | null, oracle: number): number => ((predicted ?? NaN) - oracle) / oracle;
const percent = (value: number): string => (value === 0 ? '=' : `${value > 0 ? '+' : ''}${(100 * value).toFixed(3)} %`);

function printTable(runs: readonly Comparison[]): void {
  for (const run of runs) {
    if (!run.answered) {
      console.log(`${run.id.padEnd(76)} ${run.reason ?? ''}`);
      continue;
    }
    const cells = [
      percent(deviation(run.predictedLiveBytes, run.oracleLiveBytes)),
      percent(deviation(run.predictedAllocatedBytes, run.oracleAllocatedBytes)),
      percent(deviation(run.predictedReservedBytes, run.oracleReservedBytes)),
    ].map((cell) => cell.padStart(12));
    const phase = run.predictedPhase === run.oraclePhase ? '' : `${run.predictedPhase} instead of ${run.oraclePhase}`;
    console.log(`${run.id.padEnd(76)}${cells.join('')} ${phase}`);
  }
  printSummary(
    runs.filter((run) => run.answered),
    runs.length,
  );
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

function printSummary(answered: readonly Comparison[], total: number): void {
  const live = answered.map((run) => Math.abs(deviation(run.predictedLiveBytes, run.oracleLiveBytes)));
  const allocated = answered.map((run) => Math.abs(deviation(run.predictedAllocatedBytes, run.oracleAllocatedBytes)));
  const reserved = answered.map((run) => Math.abs(deviation(run.predictedReservedBytes, run.oracleReservedBytes)));
  const phases = answered.filter((run) => run.predictedPhase === run.oraclePhase).length;
  console.log(`answered ${answered.length} of ${total}; phase right in ${phases}`);
  for (const [name, errors] of Object.entries({ live, allocated, reserved })) {
    const exact = errors.filter((error) => error === 0).length;
    const [median, tail] = [quantile(errors, 0.5), quantile(errors, 0.95)].map((value) => (100 * value).toFixed(3));
    console.log(`${name.padEnd(10)} exact ${exact}, median ${median} %, 95th percentile ${tail} %`);
  }
}

/** Compares every run of a file and prints the table, or JSON and nothing else. */
export function compareOracle(file: string, options: { json: boolean; only?: string }): void {
  const pattern = new RegExp(options.only ?? '');
  const runs = readOracle(file)
    .filter(({ id }) => pattern.test(id))
    .map(compare);
  if (options.json) console.log(JSON.stringify({ runs }));
  else printTable(runs);
}

function compareEvents(file: string, timelines: readonly string[]): void {
  const records = new Map(readOracle(file).map((record) => [record.id, record]));
  for (const path of timelines) {
    const timeline = readTimeline(path);
    const record = records.get(timeline.id);
    if (record === undefined) throw new Error(`${file} has no run ${timeline.id}`);
    const difference = firstDifference(simulateRecord(record, iterationsOf(timeline)), timeline);
    console.log(`${timeline.id}: ${difference ?? `same (${timeline.events.length} events)`}`);
  }
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      events: { type: 'string', multiple: true },
      digest: { type: 'string', multiple: true },
      only: { type: 'string' },
    },
  });
  const file = positionals[0];
  if (file === undefined) throw new Error('usage: npx tsx scripts/oracle.ts FILE [--events TIMELINE] [--only PATTERN]');
  if (values.digest) {
    const timelines = values.digest.map(readTimeline);
    console.log(JSON.stringify(Object.fromEntries(timelines.map((one) => [one.id, recordedDigest(one)]))));
  } else if (values.events) compareEvents(file, values.events);
  else compareOracle(file, { json: false, only: values.only });
}

if (process.argv[1]?.endsWith('oracle.ts')) main();
