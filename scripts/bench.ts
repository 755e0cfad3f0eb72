/**
 * Times the product, warm, each part against something measured in the same run. Under a minute in all.
 *   npm run bench                    everything
 *   npm run bench -- NAME ...        only these
 *   npm run -s bench -- --json       for programs; times in milliseconds
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Benchmark, Finding } from './bench/benchmark.js';
import { shown } from './bench/benchmark.js';
import { BENCHMARKS } from './bench/table.js';

function wanted(names: readonly string[]): readonly Benchmark[] {
  const stranger = names.find((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
  if (stranger !== undefined)
    throw new Error(`no benchmark ${stranger}; there are ${BENCHMARKS.map(({ name }) => name).join(', ')}`);
  return names.length === 0 ? BENCHMARKS : BENCHMARKS.filter(({ name }) => names.includes(name));
}

function printFinding({ what, times, ratio, to, figures }: Finding): void {
  const { median, p10, p90, repetitions } = times;
  const spread = `${shown(p10)} to ${shown(p90)}, ${repetitions} times`;
  console.log(`  ${what.padEnd(50)} ${shown(median).padStart(7)} ms (${spread}); ${shown(ratio)} x ${to}`);
  if (figures.length > 0) console.log(`  ${''.padEnd(50)} ${figures.join(', ')}`);
}

/** What the figures were measured on. */
function machine(): { node: string; cpu: string; processors: number; load: number } {
  const [load = 0] = loadavg();
  return { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', processors: availableParallelism(), load };
}

async function main(): Promise<void> {
  const options = { json: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const on = machine();
  if (!values.json) console.log(`node ${on.node}, ${on.processors} processors (${on.cpu}), load ${on.load.toFixed(1)}`);
  const results = [];
  for (const benchmark of wanted(positionals)) {
    const findings = await benchmark.run();
    results.push({ name: benchmark.name, findings });
    if (values.json) continue;
    console.log(`${benchmark.name}: ${benchmark.about}`);
    findings.forEach(printFinding);
  }
  if (values.json) console.log(JSON.stringify({ machine: on, benchmarks: results }));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
