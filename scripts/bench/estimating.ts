import { loadFacts } from '../../src/advisor/facts.js';
import type { Facts } from '../../src/advisor/facts.js';
import { loadGrammars } from '../../src/advisor/load-grammars.js';
import { parseAllocatorConfig } from '../../src/memory/allocator/config.js';
import { replay } from '../../src/memory/allocator/replay.js';
import type { DeviceTraits } from '../../src/memory/estimate.js';
import { estimate } from '../../src/memory/estimator.js';
import { forecast } from '../../src/memory/forecast.js';
import { resolveModel } from '../../src/memory/resolve-model.js';
import { simulate } from '../../src/memory/simulate.js';
import { architectureOf } from '../../src/model/architecture.js';
import { valuesOf } from '../../src/run/fields.js';
import type { Benchmark, Finding } from './benchmark.js';
import { finding, shown } from './benchmark.js';
import type { Paired } from './measure.js';
import { inTurn, integerLoop, LOOP_STEPS } from './measure.js';
import type { NamedRun } from './trainings.js';
import { readTrainings } from './trainings.js';

export const A100: DeviceTraits = { model: 'NVIDIA A100-SXM4-80GB', vendor: 'nvidia', computeCapability: 8 };
const BUDGET_MS = 400;
const LOOP = `a loop of ${LOOP_STEPS / 1e6} million integer steps`;

/** Training run to estimate, nothing remembered; then its two largest parts alone. */
export const estimating: Benchmark = {
  name: 'estimating',
  about: 'training run to estimate without memory of earlier ones; engine and allocator apart',
  async run(): Promise<readonly Finding[]> {
    const facts = loadFacts();
    const runs = readTrainings(await loadGrammars());
    return runs.flatMap((named) => [...findings(named, facts)]);
  },
};

function* findings({ what, run }: NamedRun, facts: Facts): Generator<Finding> {
  const timed = (work: () => unknown): Paired => inTurn(work, integerLoop, { budgetMs: BUDGET_MS });
  yield finding(
    `${what}: estimate`,
    timed(() => estimate({ run, device: A100, facts })),
    LOOP,
  );
  const { values, events } = forecast(valuesOf(run), { device: A100, models: facts.models });
  const perEvent = ({ subject }: Paired): string => `${shown((subject.median * 1e6) / events.events.length)} ns/event`;
  const engine = timed(() => {
    const architecture = architectureOf(resolveModel(values, facts.models), values.task);
    return simulate(values, architecture, OPTIONS);
  });
  yield finding(`${what}: engine`, engine, LOOP, `${events.events.length} events`, perEvent(engine));
  const { config } = parseAllocatorConfig(values.allocator);
  const allocator = timed(() => replay(events, config));
  yield finding(`${what}: allocator`, allocator, LOOP, perEvent(allocator));
}

/** As forecasts are made. */
const OPTIONS = { iterations: 2, gradientAddition: 'in-place', computeCapability: 8 } as const;
