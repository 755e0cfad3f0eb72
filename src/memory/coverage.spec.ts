import { describe, expect, it } from '@jest/globals';
import { loadFacts } from '../advisor/facts.js';
import type { PeftMethod, RunValues } from '../run/training-run.js';
import { uncovered } from './coverage.js';
import { forecast } from './forecast.js';
import { NotEstimable } from './not-estimable.js';
import { resolveModel } from './resolve-model.js';
import { tinyRun } from './tiny-run.spec-data.js';

const CONTEXT = {
  device: { model: 'NVIDIA A100-SXM4-40GB', vendor: 'nvidia', computeCapability: 8 },
  models: loadFacts().models,
} as const;
const { parallelism, peft } = tinyRun();

/** Fields that stand in the way of an estimate, each with its reason. */
function refusals(changes: Partial<RunValues>): Record<string, string> {
  try {
    forecast(tinyRun(changes), CONTEXT);
    return {};
  } catch (error) {
    if (!(error instanceof NotEstimable)) throw error;
    return Object.fromEntries(error.unknown.map(({ field, reason }) => [field, reason]));
  }
}

const named = (name: string, config: Record<string, unknown> | null = null): Partial<RunValues> => ({
  model: { name, catalogId: null, config: config as NonNullable<RunValues['model']>['config'] },
});
const GPT2 = named('gpt2', { model_type: 'gpt2', n_embd: 64, n_layer: 2, n_head: 4, vocab_size: 100 });
const LLAMA = named('tiny', {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 100,
});
const adapted = (method: PeftMethod, rank: number | null = null): Partial<RunValues> => ({
  peft: { ...peft, method, rank },
});

describe('sequences over tensor-parallel ranks', () => {
  const over = (tensor: number, sequenceLength: number, sequence = true): readonly string[] =>
    uncovered(tinyRun({ sequenceLength, parallelism: { ...parallelism, tensor, sequence } })).map(({ field }) => field);

  it('are shared out where they divide', () => expect(over(4, 64)).toEqual([]));
  it('stand in the way where they do not', () => expect(over(4, 66)).toEqual(['sequenceLength']));
  it('are shared out by plans of PyTorch without being asked for', () =>
    expect(over(2, 33, false)).toEqual(['sequenceLength']));
});

describe('adapters that a layer does not take', () => {
  it('are refused beside weights that are stored as [in, out]', () => {
    expect(refusals({ ...GPT2, ...adapted('glora') })['peft.method']).toContain('stored as [in, out]');
    expect(refusals({ ...GPT2, ...adapted('lora') })).toEqual({});
    expect(refusals({ ...LLAMA, ...adapted('glora') })).toEqual({});
  });

  it('are refused where their blocks do not divide its features', () => {
    expect(refusals({ ...LLAMA, ...adapted('c3a', 48) })['peft.method']).toContain('blocks of 48 features');
    expect(refusals({ ...LLAMA, ...adapted('c3a', 32) })).toEqual({});
  });

  it('are refused where they leave nothing to train', () => {
    const vit = { ...named('vit_b_16'), task: 'image-classification', sequenceLength: null } as const;
    expect(refusals({ ...vit, ...adapted('prefix') })['peft.method']).toContain('leaves nothing in vit_b_16');
  });
});

describe('beside a quantised weight', () => {
  it.each(['dora', 'glora', 'hra', 'shira'] as const)('%s makes it again, sharded or not', (method) => {
    const quantised = { ...LLAMA, ...adapted(method), quantization: 'nf4', precision: 'bf16' } as const;
    const sharded = { ...parallelism, sharding: 'fsdp-full', shardSize: 2 } as const;
    for (const one of [parallelism, sharded]) {
      const { events } = forecast(tinyRun({ ...quantised, parallelism: one }), CONTEXT);
      expect(events.operationNames).toContain('dequantize');
    }
  });
});

describe('images of another size', () => {
  const vit = { ...named('vit_b_16'), task: 'image-classification', sequenceLength: null } as const;

  it('stand in the way where a network has a position for each patch', () => {
    const reason = 'vit_b_16 does not run on images of 64 × 96 pixels';
    expect(refusals({ ...vit, imageSize: [64, 96] })).toEqual({ imageSize: reason });
  });

  it('are run by networks without', () => {
    expect(refusals({ ...vit, ...named('resnet18'), imageSize: [64, 96] })).toEqual({});
  });
});

describe('a name that several libraries have', () => {
  const trained = (id: string, name: string): string => {
    const program = { id, name: id, version: null };
    const values = tinyRun({ ...named(name), program, task: 'image-classification', sequenceLength: null });
    return resolveModel(values, CONTEXT.models).modelType;
  };

  it('is that of the program’s own library, where it has one', () => {
    expect(trained('timm', 'vit_base_patch16_224')).toBe('timm');
    expect(trained('timm', 'resnet50')).toBe('timm');
    expect(trained('pytorch-imagenet', 'resnet50')).toBe('torchvision');
    expect(trained('hf-examples', 'google/vit-base-patch16-224')).toBe('vit');
  });
});
