import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { architectureOf } from '../../model/architecture.js';
import type { Architecture } from '../../model/definition.js';
import type { RunValues, Task } from '../../run/training-run.js';
import type { MemoryEvents } from '../events.js';
import { rankViewOf } from '../rank-view-of.js';
import type { SimulationOptions } from '../simulate.js';
import { simulate } from '../simulate.js';
import { tinyRun } from '../tiny-run.spec-data.js';

const WIDTHS = { hidden_size: 64, intermediate_size: 96, num_attention_heads: 4, num_key_value_heads: 2 };
const LAYERS = 10;

/** Small models, each with something that its layers share, hand on or do in turns. */
const MODELS: readonly { modelType: string; task: Task; config: Record<string, unknown> }[] = [
  { modelType: 'llama', task: 'causal-lm', config: {} },
  { modelType: 'gemma2', task: 'causal-lm', config: { head_dim: 16, sliding_window: 8 } },
  { modelType: 'smollm3', task: 'causal-lm', config: { no_rope_layer_interval: 4 } },
  { modelType: 'qwen3_moe', task: 'causal-lm', config: { num_experts: 4, moe_intermediate_size: 32, head_dim: 16 } },
  { modelType: 'gpt2', task: 'causal-lm', config: { n_embd: 64, n_head: 4, n_layer: LAYERS } },
  { modelType: 'opt', task: 'causal-lm', config: { ffn_dim: 96 } },
  { modelType: 'bert', task: 'sequence-classification', config: {} },
  { modelType: 'vit', task: 'image-classification', config: { image_size: 32, patch_size: 8 } },
  { modelType: 't5', task: 'seq2seq', config: { d_model: 64, d_ff: 96, d_kv: 16, num_heads: 4, num_layers: LAYERS } },
];

function model(place: number, values: RunValues): Architecture {
  const { modelType, task, config } = MODELS[place]!;
  const sizes = { ...WIDTHS, num_hidden_layers: LAYERS, vocab_size: 200, tie_word_embeddings: false };
  return architectureOf({ name: 'tiny', modelType, config: { ...sizes, ...config } }, task, rankViewOf(values));
}

const OPTIONS: SimulationOptions = { iterations: 2, gradientAddition: 'in-place', computeCapability: 9 };

/** The events with blocks numbered as they are born; frees that follow each other are in no order. */
function told({ events, sizes, streams, categories, operations, phases }: MemoryEvents): readonly string[] {
  const numbers = new Map<number, number>();
  const lines: string[] = [];
  let frees: number[] = [];
  const close = (): void => {
    lines.push(...frees.sort((a, b) => a - b).map((number) => `free ${number}`));
    frees = [];
  };
  const begins = new Set(phases.map(({ firstEvent }) => firstEvent));
  events.forEach((event, at) => {
    if (event >= 0 || begins.has(at)) close();
    if (begins.has(at)) lines.push('phase');
    if (event < 0) frees.push(numbers.get(-event - 1)!);
    else {
      numbers.set(event, numbers.size);
      lines.push([sizes, streams, categories, operations].map((column) => column[event]).join(' '));
    }
  });
  close();
  return lines;
}

/** Copies of layers have numbers behind those of everything that was run. */
const isCopied = ({ events }: MemoryEvents): boolean => {
  let last = -1;
  return events.some((event) => {
    const isLower = event >= 0 && event < last;
    if (event >= 0) last = event;
    return isLower;
  });
};

function expectTheSame(place: number, values: RunValues): MemoryEvents {
  const short = simulate(values, model(place, values), OPTIONS);
  const whole = simulate(values, model(place, values), { ...OPTIONS, runsEveryLayer: true });
  expect(told(short)).toEqual(told(whole));
  expect(short.parameters).toEqual(whole.parameters);
  return short;
}

const run = (changes: Partial<RunValues>): RunValues =>
  tinyRun({ sequenceLength: 16, targetSequenceLength: 8, imageSize: [32, 32], numClasses: 10, ...changes });

const spread = (changes: Partial<RunValues['parallelism']>): RunValues['parallelism'] => ({
  ...tinyRun().parallelism,
  ...changes,
});

describe('equal layers that are written down instead of run', () => {
  const settings = fc.record<Partial<RunValues>>({
    precision: fc.constantFrom('fp32', 'bf16', 'amp-bf16', 'amp-fp16'),
    activationCheckpointing: fc.constantFrom('none', 'full', 'selective'),
    attention: fc.constantFrom('eager', 'sdpa', 'sdpa-math'),
    gradientAccumulationSteps: fc.constantFrom(1, 2, 3),
    gradientClipping: fc.boolean(),
    dropout: fc.constantFrom(null, 0, 0.1),
    kernels: fc.constantFrom([], ['liger'], ['optimizer-in-backward']),
    compile: fc.constantFrom('none', 'none', 'default'),
    peft: fc.constantFrom(
      tinyRun().peft,
      { ...tinyRun().peft, method: 'lora', rank: 4, targetModules: 'all-linear' },
      { ...tinyRun().peft, method: 'frozen-backbone' },
    ),
    offload: fc.constantFrom(tinyRun().offload, { ...tinyRun().offload, activations: true }),
    parallelism: fc.constantFrom(
      spread({}),
      spread({ sharding: 'ddp', data: 2 }),
      spread({ sharding: 'ddp', data: 2, gradientAsBucketView: true }),
      spread({ sharding: 'zero1', shardSize: 2, data: 2 }),
      spread({ sharding: 'zero2', shardSize: 2, data: 2 }),
      spread({ sharding: 'zero3', shardSize: 2, data: 2 }),
      spread({ sharding: 'fsdp-full', shardSize: 2, data: 2 }),
      spread({ sharding: 'fsdp-grad-op', shardSize: 2, data: 2, fsdpVersion: 1 }),
      spread({ sharding: 'fsdp-full', shardSize: 2, data: 2, fsdpVersion: 1 }),
    ),
  });

  it('do the same as where each is run, whatever the model and the settings', () => {
    const places = fc.constantFrom(...MODELS.keys());
    fc.assert(
      fc.property(places, settings, (place, changes) => {
        expectTheSame(place, run(changes));
      }),
      { numRuns: 80, seed: 20_261_130 },
    );
  });

  it.each(['none', 'full'] as const)(
    'make most of a plain decoder, with checkpointing %s',
    (activationCheckpointing) => {
      expect(isCopied(expectTheSame(0, run({ activationCheckpointing, precision: 'bf16' })))).toBe(true);
    },
  );

  it.each([1, 2] as const)('are found where FSDP %i shards each', (fsdpVersion) => {
    const parallelism = spread({ sharding: 'fsdp-full', shardSize: 2, data: 2, fsdpVersion });
    expect(isCopied(expectTheSame(0, run({ parallelism, precision: 'amp-bf16' })))).toBe(true);
  });

  it('are not assumed where layers turn and do not turn their heads by turns', () => {
    expect(isCopied(expectTheSame(2, run({})))).toBe(false);
  });

  it('are not assumed where only some layers are recomputed', () => {
    expect(isCopied(expectTheSame(0, run({ activationCheckpointing: { everyNthLayer: 2 } })))).toBe(false);
  });

  it('are the same in each micro-batch of a pipeline stage', () => {
    const parallelism = spread({ pipeline: 2, data: 1 });
    const megatron = run({
      program: { id: 'megatron', name: 'megatron-lm', version: null },
      framework: { name: 'megatron', packages: {} },
      gradientAccumulationSteps: 4,
      precision: 'bf16',
      parallelism,
    });
    const view = { ...rankViewOf(megatron), stage: { from: 0, to: 9, embeds: true, hasHead: false } };
    const config = { ...WIDTHS, num_hidden_layers: 18, vocab_size: 200 };
    const stage = (): Architecture =>
      architectureOf({ name: 'tiny', modelType: 'llama', config }, 'causal-lm', { ...view, code: 'megatron' });
    const options = { ...OPTIONS, stage: 0 };
    const short = simulate(megatron, stage(), options);
    expect(told(short)).toEqual(told(simulate(megatron, stage(), { ...options, runsEveryLayer: true })));
    expect(isCopied(short)).toBe(true);
  });
});
