import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { loadFacts } from '../../src/advisor/facts.js';
import type { Estimate, Interval } from '../../src/memory/estimate.js';
import { estimate } from '../../src/memory/estimator.js';
import { NotEstimable } from '../../src/memory/not-estimable.js';
import { tinyRun } from '../../src/memory/tiny-run.spec-data.js';
import type { RunValues, Task } from '../../src/run/training-run.js';
import {
  attentionSchema,
  lossSchema,
  optimizerImplementationSchema,
  optimizerNameSchema,
  peftMethodSchema,
  precisionSchema,
  quantizationSchema,
  shardingSchema,
  taskSchema,
} from '../../src/run/training-run.js';
import { run } from '../builders/run.js';

/** Whatever is combined, the answer is a sound estimate or the fields that stand in its way, never an error or a hang. */
const RUNS = Number(process.env['PLIMSOLL_RUNS'] ?? 60);
const facts = loadFacts();
const DEVICE = { model: 'NVIDIA A100-SXM4-40GB', vendor: 'nvidia', computeCapability: 8 } as const;

const llama = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 1000,
};

const gpt2 = { model_type: 'gpt2', n_embd: 64, n_layer: 3, n_head: 4, vocab_size: 1000, n_positions: 256 };
const t5 = { model_type: 't5', d_model: 64, d_kv: 16, d_ff: 128, num_layers: 2, num_heads: 4, vocab_size: 1000 };

/** One small model of each build, the same code as for large ones; images at the smallest size that networks take. */
const MODELS: Record<string, { task: Task; config: Record<string, unknown> | null }> = {
  llama: { task: 'causal-lm', config: llama },
  qwen3: { task: 'causal-lm', config: { ...llama, model_type: 'qwen3', head_dim: 16 } },
  mixtral: {
    task: 'causal-lm',
    config: { ...llama, model_type: 'mixtral', num_local_experts: 4, num_experts_per_tok: 2 },
  },
  gpt2: { task: 'causal-lm', config: gpt2 },
  bert: { task: 'masked-lm', config: { ...llama, model_type: 'bert', max_position_embeddings: 256 } },
  t5: { task: 'seq2seq', config: t5 },
  resnet18: { task: 'image-classification', config: null },
  vit_b_16: { task: 'image-classification', config: null },
};

const TARGETS = [null, 'all-linear', ['q_proj', 'v_proj'], ['query'], ['c_attn'], ['gate_proj']] as const;
const kernels = fc.subarray(['liger', 'unsloth', 'transformer-engine', 'apex', 'cut-cross-entropy'], { maxLength: 2 });
const degree = fc.constantFrom(1, 2, 4);
/** Mostly one thing is out of the ordinary; rarely everything. */
const seldom = <T>(usual: T, all: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 3 }, { arbitrary: fc.constantFrom(...all), weight: 2 });
const rarely = fc.oneof({ arbitrary: fc.constant(false), weight: 4 }, { arbitrary: fc.constant(true), weight: 1 });

const checkpointing = fc.oneof(
  fc.constantFrom('none', 'none', 'selective', 'full'),
  fc.constantFrom({ everyNthLayer: 2 }, { modules: ['core_attn'] }, { modules: ['mlp'] }),
);

const parallelism = fc.record({
  sharding: seldom('none', shardingSchema.options),
  shardSize: degree,
  fsdpVersion: fc.constantFrom(1, 2),
  data: degree,
  tensor: seldom(1, [1, 2, 4]),
  sequence: rarely,
  pipeline: seldom(1, [1, 2]),
  pipelineSchedule: fc.constantFrom('gpipe', '1f1b', 'interleaved'),
  virtualStages: seldom(1, [1, 2]),
  context: seldom(1, [1, 2]),
  expert: seldom(1, [1, 2]),
  gradientAsBucketView: rarely,
}) as fc.Arbitrary<RunValues['parallelism']>;

const peft = fc.record({
  method: seldom('none', peftMethodSchema.options),
  rank: fc.constantFrom(null, 4, 8),
  dropout: fc.constantFrom(0, 0.05),
  targetModules: fc.constantFrom(...TARGETS),
  modulesToSave: fc.constantFrom([], [], ['lm_head'], ['classifier']),
  weights: fc.constantFrom(null, null, 'fp32', 'bf16'),
}) as fc.Arbitrary<RunValues['peft']>;

const optimizer = fc.record({
  name: seldom('adamw', optimizerNameSchema.options),
  implementation: seldom('foreach', optimizerImplementationSchema.options),
  momentum: fc.constantFrom(0, 0.9),
  weightDecay: fc.constantFrom(0, 0.01),
  amsgrad: rarely,
}) as fc.Arbitrary<RunValues['optimizer']>;

const changes = fc.record({
  otherTask: seldom(null, [null, null, ...taskSchema.options]),
  microBatchSize: fc.integer({ min: 1, max: 5 }),
  rowsPerSample: fc.constantFrom(1, 1, 2),
  gradientAccumulationSteps: fc.constantFrom(1, 1, 2, 3),
  sequenceLength: fc.constantFrom(64, 64, 48, 33, 1, null),
  targetSequenceLength: fc.constantFrom(null, 16),
  imageSize: fc.constantFrom([64, 64], [224, 224], [33, 97], null),
  numClasses: fc.constantFrom(null, 10),
  precision: fc.constantFrom(...precisionSchema.options),
  weights: fc.constantFrom(null, null, 'fp32', 'fp16', 'bf16'),
  optimizer,
  gradientClipping: fc.boolean(),
  activationCheckpointing: checkpointing,
  attention: seldom('sdpa', attentionSchema.options),
  loss: seldom('standard', lossSchema.options),
  kernels,
  packing: rarely,
  dropout: fc.constantFrom(null, 0, 0.1),
  peft,
  quantization: seldom('none', quantizationSchema.options),
  parallelism,
  offload: fc.record({ parameters: rarely, optimizer: rarely, activations: rarely }),
  compile: seldom('none', ['none', 'default', 'reduce-overhead', 'max-autotune']),
  ema: rarely,
  channelsLast: rarely,
  allocator: fc.constantFrom('', '', 'expandable_segments:True', 'max_split_size_mb:64'),
  activity: seldom('train', ['train', 'forward']),
}) as fc.Arbitrary<Partial<RunValues> & { otherTask: Task | null }>;

const FIGURES = ['allocatedBytes', 'reservedBytes', 'deviceBytes', 'minimumCapacityBytes'] as const;
const ordered = ({ low, expected, high }: Interval): boolean => 0 < low && low <= expected && expected <= high;

/** What is not sound about an estimate. */
function faults(answer: Estimate): string[] {
  const unordered = FIGURES.filter((figure) => !ordered(answer[figure]) || !Number.isFinite(answer[figure].high));
  const { allocatedBytes, reservedBytes, deviceBytes, breakdown } = answer;
  const nested = (['low', 'expected', 'high'] as const).filter(
    (end) => allocatedBytes[end] > reservedBytes[end] || reservedBytes[end] > deviceBytes[end],
  );
  const sum = breakdown.reduce((total, { bytes }) => total + bytes, 0);
  return [...unordered, ...nested, ...(sum === deviceBytes.expected ? [] : [`a breakdown of ${sum} bytes`])];
}

function answerOf(values: RunValues): Estimate | NotEstimable {
  try {
    return estimate({ run: run(values), device: DEVICE, facts });
  } catch (error) {
    if (error instanceof NotEstimable) return error;
    throw error;
  }
}

describe('any settings of a run', () => {
  it.each(Object.keys(MODELS))(
    '%s: give a sound estimate, or name the fields that are in the way',
    (name) => {
      const { task, config } = MODELS[name]!;
      const model = { name, catalogId: null, config } as RunValues['model'];
      fc.assert(
        fc.property(changes, ({ otherTask, ...changed }) => {
          const answer = answerOf(tinyRun({ ...changed, task: otherTask ?? task, model }));
          if (answer instanceof NotEstimable) expect(answer.unknown.every(({ field }) => field.length > 0)).toBe(true);
          else expect(faults(answer)).toEqual([]);
        }),
        { numRuns: RUNS },
      );
    },
    120_000,
  );
});
