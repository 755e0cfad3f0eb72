import type { ModelCatalog } from '../../model/catalog.js';
import { architectureOf } from '../../model/architecture.js';
import type { ModelConfig } from '../../model/resolved-model.js';
import { UnsupportedModel } from '../../model/unsupported-model.js';
import { valuesOf } from '../../run/fields.js';
import type { RunValues, TrainingRun } from '../../run/training-run.js';
import { cudaContext } from '../device/cuda-context.js';
import { sumOf } from '../device/mechanism.js';
import type { DeviceTraits, Estimate, Interval } from '../estimate.js';
import { forecast } from '../forecast.js';
import { NotEstimable } from '../not-estimable.js';
import { roundingOf } from '../allocator/rounding.js';
import { resolveModel } from '../resolve-model.js';
import { placedBytes } from './resting.js';

interface Context {
  device: DeviceTraits;
  models: ModelCatalog;
}

/** What an engine cannot do without, by what it is for; bytes on one device. */
export interface EngineNeed {
  weights: number;
  /** Keys and values: of one sequence of the longest length, or where it has no share to fill, of all that are generated at once. */
  cache: number;
  /** Of one forward pass over a sequence. */
  activations: number;
  parameters: number;
}

/** Engines keep weights in 16 bits unless they are quantised, and keys and values in 16 bits too (vLLM's `dtype`, `kv_cache_dtype`). */
const HALF = 2;
const WEIGHT_BYTES: Partial<Record<RunValues['quantization'], number>> = { fp8: 1, int8: 1, int4: 0.5, nf4: 0.5 };

const numberIn = (config: ModelConfig, names: readonly string[]): number | null => {
  const found = names.map((name) => config[name]).find((value) => typeof value === 'number');
  return typeof found === 'number' ? found : null;
};

/** Bytes of keys and values for each token over all layers; 0 where the configuration does not say it. */
export function cacheBytesPerToken(config: ModelConfig): number {
  const layers = numberIn(config, ['num_hidden_layers', 'n_layer', 'num_layers']);
  const heads = numberIn(config, ['num_attention_heads', 'n_head', 'num_heads']);
  const hidden = numberIn(config, ['hidden_size', 'n_embd', 'd_model']);
  if (layers === null || heads === null || hidden === null) return 0;
  const keyHeads = numberIn(config, ['num_key_value_heads']) ?? heads;
  const size = numberIn(config, ['head_dim']) ?? hidden / heads;
  return 2 * layers * keyHeads * size * HALF;
}

/** The model in one piece, forward only. */
function asForward(values: RunValues): RunValues {
  return {
    ...values,
    activity: 'forward',
    task: 'causal-lm',
    precision: 'bf16',
    microBatchSize: 1,
    quantization: 'none',
    parallelism: { ...values.parallelism, sharding: 'none', shardSize: 1, tensor: 1, pipeline: 1, context: 1 },
  };
}

/** Throws NotEstimable where the model is not known. */
export function engineNeed(values: RunValues, { device, models }: Context): EngineNeed {
  const whole = asForward(values);
  const model = resolveModel(whole, models);
  const { sharing } = values;
  const ranks = values.parallelism.tensor * values.parallelism.pipeline;
  const rows = sharing.deviceShare === null ? values.microBatchSize : 1;
  try {
    const { parameterCount } = architectureOf(model, 'causal-lm');
    const { unlimited, allocator, events } = forecast(whole, { device, models });
    return {
      weights: sharing.borrowsWeights ? 0 : (parameterCount * (WEIGHT_BYTES[values.quantization] ?? HALF)) / ranks,
      cache: (cacheBytesPerToken(model.config) * (values.sequenceLength ?? 1) * rows) / ranks,
      activations: Math.max(0, unlimited.peakAllocatedBytes - placedBytes(events, roundingOf(allocator))),
      parameters: parameterCount,
    };
  } catch (error) {
    if (!(error instanceof UnsupportedModel)) throw error;
    throw new NotEstimable([{ field: 'model', reason: error.message }]);
  }
}

const interval = ({ weights, cache, activations }: EngineNeed): Interval => ({
  low: weights + cache,
  expected: weights + cache + activations,
  high: weights + cache + activations,
});

/** Never a share of nothing. */
const SMALLEST_SHARE = 0.001;

/**
 * An engine that generates beside the training: what it cannot do without, and what it takes, which is its share of the
 * device where it was given one (vLLM's `gpu_memory_utilization`, SGLang's `mem_fraction_static`): the rest of the share
 * becomes cache.
 */
export function engineEstimate(run: TrainingRun, context: Context): Estimate {
  const values = valuesOf(run);
  const need = engineNeed(values, context);
  const needed = interval(need);
  const { deviceShare } = values.sharing;
  const outside = cudaContext.bytes(values, context.device);
  const taken = Math.round((deviceShare ?? 0) * (context.device.usableBytes ?? 0));
  const held = { low: needed.low, expected: Math.max(needed.expected, taken), high: Math.max(needed.high, taken) };
  const deviceBytes = sumOf(held, outside);
  const share = Math.max(deviceShare ?? 1, SMALLEST_SHARE);
  const least = sumOf(
    { low: needed.low / share, expected: needed.expected / share, high: needed.high / share },
    outside,
  );
  return {
    allocatedBytes: held,
    reservedBytes: held,
    deviceBytes,
    minimumCapacityBytes: rounded(least),
    breakdown: [
      { category: 'context', bytes: outside.expected },
      { category: 'inference-engine', bytes: held.expected },
    ],
    peak: { phase: 'generate', iteration: 1, operation: 'generate' },
    timeline: [],
    contributors: [],
    parameters: { total: need.parameters, trainable: 0 },
    notes: [],
  };
}

const rounded = ({ low, expected, high }: Interval): Interval => ({
  low: Math.round(low),
  expected: Math.round(expected),
  high: Math.round(high),
});
