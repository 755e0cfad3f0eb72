import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../model/architecture.js';
import type { RunValues } from '../run/training-run.js';
import type { MemoryEvents } from './events.js';
import { NotEstimable } from './not-estimable.js';
import { simulate } from './simulate.js';
import { tinyRun } from './tiny-run.spec-data.js';

const denoiser = architectureOf(
  {
    name: 'tiny',
    modelType: 'Krea2Transformer2DModel',
    config: {
      in_channels: 16,
      num_layers: 2,
      attention_head_dim: 32,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      intermediate_size: 256,
      text_hidden_dim: 64,
      num_text_layers: 2,
      text_num_attention_heads: 2,
      text_num_key_value_heads: 2,
      text_intermediate_size: 128,
      axes_dims_rope: [8, 12, 12],
    },
  },
  'diffusion',
);

const train = (changes: Partial<RunValues>): MemoryEvents =>
  simulate(tinyRun({ task: 'diffusion', imageSize: [128, 128], sequenceLength: 16, ...changes }), denoiser, {
    iterations: 2,
    gradientAddition: 'in-place',
    computeCapability: 8,
  });

const adapters = (changes: Partial<RunValues['peft']> = {}): RunValues['peft'] => ({
  method: 'lora',
  rank: 4,
  dropout: 0,
  targetModules: null,
  modulesToSave: [],
  weights: null,
  ...changes,
});

/** Bytes placed before the first batch. */
function placedBytes({ events, sizes, phases }: MemoryEvents): number {
  const end = phases.find(({ name }) => name === 'input')!.firstEvent;
  return events.slice(0, end).reduce((sum, event) => sum + (event >= 0 ? sizes[event]! : 0), 0);
}

describe('training a denoiser', () => {
  const elements = denoiser.parameterCount;

  it('keeps weights in 16 bit under autocast where the run says so', () => {
    expect(placedBytes(train({ precision: 'amp-bf16' }))).toBe(4 * elements);
    expect(placedBytes(train({ precision: 'amp-bf16', weights: 'bf16' }))).toBe(2 * elements);
  });

  it('adapts the projections of attention where no layers are named, in the type asked for', () => {
    const values = { precision: 'amp-bf16', weights: 'bf16' } as const;
    const full = train({ ...values, peft: adapters() });
    const half = train({ ...values, peft: adapters({ weights: 'bf16' }) });
    const adapted = full.parameters!.trainable;
    const perBlock = 4 * (128 + 128 + 128 + 64 + 128 + 64 + 128 + 128);
    const perTextBlock = 4 * 4 * (64 + 64);
    expect(adapted).toBe(2 * perBlock + 4 * perTextBlock);
    expect(placedBytes(full)).toBe(2 * elements + 4 * adapted);
    expect(placedBytes(half)).toBe(2 * elements + 2 * adapted);
  });

  it('says so where the layers named for adapters are none of the model', () => {
    expect(() => train({ peft: adapters({ targetModules: ['q_proj'] }) })).toThrow(NotEstimable);
  });

  it('keeps a copy of all weights for their moving average', () => {
    const bytes = placedBytes(train({ ema: true })) - placedBytes(train({}));
    expect(bytes).toBe(4 * elements);
  });
});

describe('training adapters of a network whose projections are linear layers', () => {
  const unet = architectureOf(
    {
      name: 'tiny',
      modelType: 'UNet2DConditionModel',
      config: {
        block_out_channels: [32, 64],
        down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
        up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
        layers_per_block: 1,
        cross_attention_dim: 32,
        attention_head_dim: 8,
        norm_num_groups: 8,
        use_linear_projection: true,
      },
    },
    'diffusion',
  );

  it('adds a frozen bias, cast anew, to rows that cannot be seen as a matrix', () => {
    const values = tinyRun({
      task: 'diffusion',
      imageSize: [128, 128],
      sequenceLength: 16,
      precision: 'amp-bf16',
      peft: adapters({ targetModules: ['to_q', 'to_v'] }),
    });
    const events = simulate(values, unet, { iterations: 2, gradientAddition: 'in-place', computeCapability: 8 });
    expect(events.parameters!.trainable).toBeGreaterThan(0);
    expect(new Set(events.events).size).toBe(events.events.length);
  });
});
