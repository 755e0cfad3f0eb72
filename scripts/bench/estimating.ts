import { loadFacts } from '../../src/advisor/facts.js';
import type { Facts } from '../../src/advisor/facts.js';
import { loadGrammars } from '../../src/advisor/load-grammars.js';
import { parseAllocatorConfig } from '../../src/memory/allocator/config.js';
import { replay } from '../../src/memory/allocator/replay.js';
import type { DeviceTraits } from '../../src/memory/estimate.js';
import { estimate } from '../../src/memory/estimator.js';
import { forecast } from '../../src/memory/forecast.js';
import { valuesOf } from '../../src/run/fields.js';
import type { Benchmark, Finding } from './benchmark.js';
import { finding, shown } from './benchmark.js';
import type { Paired } from './measure.js';
import { inTurn, integerLoop, LOOP_STEPS, processorMs } from './measure.js';
import type { NamedRun } from './trainings.js';
import { readTrainings } from './trainings.js';

export const A100: DeviceTraits = { model: 'NVIDIA A100-SXM4-80GB', vendor: 'nvidia', computeCapability: 8 };
const BUDGET_MS = 600;
/** The engine is much code, of which each run uses some: it is compiled over tens of estimates. */
const WARM_UP_ROUNDS = 12;
const LOOP = `a loop of ${LOOP_STEPS / 1e6} million integer steps`;

/** Training run to estimate, nothing remembered; then one run of engine and allocator, and the allocator alone. */
export const estimating: Benchmark = {
  name: 'estimating',
  about:
    'training run to estimate without memory of earlier ones; one forecast of it, and the allocator alone; time of the processor',
  async run(): Promise<readonly Finding[]> {
    const facts = loadFacts();
    const runs = readTrainings(await loadGrammars());
    for (let round = 0; round < WARM_UP_ROUNDS; round++)
      for (const { run } of runs) estimate({ run, device: A100, facts });
    return runs.flatMap((named) => [...findings(named, facts)]);
  },
};

function* findings({ what, run }: NamedRun, facts: Facts): Generator<Finding> {
  const timed = (work: () => unknown): Paired => inTurn(work, integerLoop, { budgetMs: BUDGET_MS, clock: processorMs });
  yield finding(
    `${what}: estimate`,
    timed(() => estimate({ run, device: A100, facts })),
    LOOP,
  );
  const { values, events } = forecast(valuesOf(run), { device: A100, models: facts.models });
  const perEvent = ({ subject }: Paired): string => `${shown((subject.median * 1e6) / events.events.length)} ns/event`;
  const once = timed(() => forecast(valuesOf(run), { device: A100, models: facts.models }));
  yield finding(
    `${what}: one forecast, engine and allocator`,
    once,
    LOOP,
    `${events.events.length} events`,
    perEvent(once),
  );
  const { config } = parseAllocatorConfig(values.allocator);
  const allocator = timed(() => replay(events, config));
  yield finding(`${what}: allocator`, allocator, LOOP, perEvent(allocator));
}
