import type { Estimate, Interval } from '../../src/memory/estimate.js';
import type { Setting } from '../../src/run/setting.js';
import { ALONE } from '../../src/run/device-runs.js';
import type { RunValues, TrainingRun } from '../../src/run/training-run.js';

const GROUPS = new Set(['optimizer', 'peft', 'parallelism', 'offload', 'trainingStep', 'sharing']);

/** Values of a plain fine-tuning of a causal language model on one device. */
export const RUN_VALUES: RunValues = {
  program: { id: 'trl', name: 'TRL sft', version: null },
  framework: { name: 'pytorch', packages: {} },
  model: { name: 'meta-llama/Llama-3.1-8B', catalogId: 'meta-llama/Llama-3.1-8B', config: null },
  task: 'causal-lm',
  microBatchSize: 8,
  rowsPerSample: 1,
  gradientAccumulationSteps: 1,
  globalBatchSize: 8,
  sequenceLength: 2048,
  targetSequenceLength: null,
  imageSize: null,
  frames: null,
  numClasses: null,
  precision: 'amp-bf16',
  weights: null,
  optimizer: { name: 'adamw', implementation: 'foreach', momentum: 0, weightDecay: 0, amsgrad: false },
  gradientClipping: true,
  activationCheckpointing: 'none',
  attention: 'sdpa',
  loss: 'standard',
  kernels: [],
  packing: false,
  dropout: null,
  peft: { method: 'none', rank: null, dropout: 0, targetModules: null, modulesToSave: [], weights: null },
  quantization: 'none',
  parallelism: {
    sharding: 'none',
    shardSize: 1,
    fsdpVersion: 2,
    data: 1,
    tensor: 1,
    sequence: false,
    pipeline: 1,
    pipelineSchedule: '1f1b',
    virtualStages: 1,
    context: 1,
    expert: 1,
    gradientAsBucketView: false,
  },
  offload: { parameters: false, optimizer: false, activations: false },
  compile: 'none',
  ema: false,
  channelsLast: false,
  allocator: '',
  worldSize: 1,
  nodes: 1,
  processesPerNode: 1,
  trainingStep: { keepsOutputs: false, castsOutputs: true, compilesLoss: true, fullPrecisionEmbeddings: true },
  prefetchedBatches: 0,
  activity: 'train',
  sharing: ALONE,
};

const byDefault = (value: unknown): Setting<unknown> => ({
  value,
  evidence: { kind: 'default', of: 'pytorch', version: null },
});

/** A run with the given values, each by default. */
export function run(overrides: Partial<RunValues> = {}): TrainingRun {
  const settings: Record<string, unknown> = {};
  for (const [key, value] of Object.entries({ ...RUN_VALUES, ...overrides })) {
    const members = Object.entries(value ?? {}).map(([member, inner]) => [member, byDefault(inner)]);
    settings[key] = GROUPS.has(key) ? Object.fromEntries(members) : byDefault(value);
  }
  return settings as unknown as TrainingRun;
}

/** An estimate that needs the given bytes in every figure. */
export function estimateOf(bytes: Interval): Estimate {
  return {
    allocatedBytes: bytes,
    reservedBytes: bytes,
    deviceBytes: bytes,
    minimumCapacityBytes: bytes,
    breakdown: [{ category: 'parameters', bytes: bytes.expected }],
    peak: { phase: 'backward', iteration: 2, operation: 'linear' },
    timeline: [],
    contributors: [],
    parameters: { total: 1, trainable: 1 },
    notes: [],
  };
}
