import type { Architecture } from '../model/definition.js';
import type { RunValues } from '../run/training-run.js';
import type { EngineTensor } from './autograd/graph.js';
import type { MemoryEvents } from './events.js';
import type { ModelOnDevice } from './simulate.js';
import { modelOnDevice } from './simulate.js';
import type { SimulationOptions } from './simulate.js';
import { operation } from './autograd/operation-names.js';

/** Ways of spreading optimizer states and gradients leave a model that is not trained whole. */
const SHARDS_TRAINED_STATE: ReadonlySet<string> = new Set(['ddp', 'zero1', 'zero2', 'distributed-optimizer']);
/** Weights in the type that is computed with, as DeepSpeed's engines hold them. */
const COMPUTED: Partial<Record<RunValues['precision'], RunValues['precision']>> = {
  'amp-bf16': 'bf16',
  'amp-fp16': 'fp16',
};

/** A frozen model under the run's sharding: whole, or in parts that are gathered layer by layer. */
function frozen(values: RunValues): RunValues {
  const { parallelism, precision } = values;
  const sharding = SHARDS_TRAINED_STATE.has(parallelism.sharding) ? 'none' : parallelism.sharding;
  const isZero = parallelism.sharding.startsWith('zero');
  return {
    ...values,
    peft: { ...values.peft, method: 'none' },
    activationCheckpointing: 'none',
    gradientAccumulationSteps: 1,
    precision: isZero ? (COMPUTED[precision] ?? precision) : precision,
    parallelism:
      sharding === 'zero3' ? { ...parallelism, sharding: 'fsdp-full', fsdpVersion: 2 } : { ...parallelism, sharding },
  };
}

/**
 * The passes of a model that is not trained: batch, forward without gradients, outputs dropped. Every allocation and free
 * in order, in as many iterations as asked for; parameters that were gathered are given up after each.
 */
export function simulateForward(
  values: RunValues,
  architecture: Architecture,
  options: SimulationOptions,
): MemoryEvents {
  const model = modelOnDevice(frozen(values), architecture, options);
  const { engine, states } = model;
  engine.gradEnabled = false;
  model.strategy.begin([]);
  for (let iteration = 1; iteration <= options.iterations; iteration++) pass(model, architecture, iteration);
  const total = states.reduce((sum, { counts }) => sum + counts.total, 0);
  return { ...engine.recorder.finish(), parameters: { total, trainable: 0 } };
}

function pass(
  { engine, strategy, operations, sizes, autocast }: ModelOnDevice,
  architecture: Architecture,
  iteration: number,
): void {
  engine.recorder.phase('input', iteration);
  const batch = new Map<string, EngineTensor>();
  for (const { name, shape, dtype, madeBy } of architecture.inputs(sizes))
    batch.set(name, engine.hold(engine.empty(shape, dtype, operation(madeBy))));
  engine.recorder.phase('forward', iteration);
  engine.autocast = autocast;
  strategy.around?.beforeForward?.();
  const { loss, outputs } = architecture.forward(operations[0]!, batch, sizes);
  const results = [loss, ...outputs].map((tensor) => engine.hold(tensor as EngineTensor));
  engine.autocast = null;
  engine.clearAutocastCache();
  strategy.around?.afterForward?.();
  strategy.afterEvaluation?.();
  for (const tensor of [...results, ...batch.values()]) engine.release(tensor);
}
