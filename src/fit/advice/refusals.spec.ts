import { describe, expect, it } from '@jest/globals';
import { RUN_VALUES } from '../../../test/builders/run.js';
import type { RunValues } from '../../run/training-run.js';
import { refusalOf, REFUSALS } from './refusals.js';
import type { Considered } from './refusals.js';

const LLAMA = {
  num_attention_heads: 32,
  num_key_value_heads: 8,
  num_hidden_layers: 32,
  hidden_size: 4096,
  head_dim: 128,
  num_experts: 8,
};

function considered(values: Partial<RunValues>, over: Partial<Considered> = {}): Considered {
  return {
    values: { ...RUN_VALUES, ...values },
    target: { computeCapability: 9, vendor: 'nvidia' },
    modelType: 'llama',
    config: LLAMA,
    ...over,
  };
}

const { parallelism, optimizer, peft, offload } = RUN_VALUES;
const framework = { name: 'pytorch', packages: { transformers: '4.57.0' } };
const image = (name: string): RunValues['model'] => ({ name, catalogId: name, config: null });
const program = (id: string): RunValues['program'] => ({ id, name: id, version: null });

/** By the id of each rule: a run that it stops, and one beside it that it does not. */
const CASES: Readonly<Record<string, { refused: Considered; accepted: Considered }>> = {
  'global batch': {
    refused: considered({ microBatchSize: 3, globalBatchSize: 8 }),
    accepted: considered({ microBatchSize: 4, gradientAccumulationSteps: 2 }),
  },
  'world size': {
    refused: considered({ worldSize: 6, parallelism: { ...parallelism, tensor: 4 } }),
    accepted: considered({ worldSize: 8, parallelism: { ...parallelism, tensor: 4 } }),
  },
  shards: {
    refused: considered({ worldSize: 8, parallelism: { ...parallelism, shardSize: 3 } }),
    accepted: considered({ worldSize: 8, parallelism: { ...parallelism, shardSize: 4 } }),
  },
  experts: {
    refused: considered({ parallelism: { ...parallelism, expert: 3 } }),
    accepted: considered({
      parallelism: { ...parallelism, expert: 4, data: 4 },
      globalBatchSize: 32,
      worldSize: 4,
    }),
  },
  heads: {
    refused: considered({ worldSize: 3, parallelism: { ...parallelism, tensor: 3 } }),
    accepted: considered({ worldSize: 8, parallelism: { ...parallelism, tensor: 8 } }),
  },
  'key and value heads': {
    refused: considered(
      { worldSize: 12, parallelism: { ...parallelism, tensor: 12 } },
      { config: { ...LLAMA, num_attention_heads: 24 } },
    ),
    // Heads are copied where there are fewer of them than ranks.
    accepted: considered({ worldSize: 16, parallelism: { ...parallelism, tensor: 16 } }),
  },
  layers: {
    refused: considered({
      worldSize: 4,
      parallelism: { ...parallelism, pipeline: 4, pipelineSchedule: 'interleaved', virtualStages: 3 },
    }),
    accepted: considered({ worldSize: 4, parallelism: { ...parallelism, pipeline: 4, virtualStages: 3 } }),
  },
  context: {
    refused: considered({ worldSize: 4, sequenceLength: 2052, parallelism: { ...parallelism, context: 4 } }),
    accepted: considered({ worldSize: 4, sequenceLength: 2048, parallelism: { ...parallelism, context: 4 } }),
  },
  'sequence parallel': {
    refused: considered({
      worldSize: 8,
      sequenceLength: 2052,
      parallelism: { ...parallelism, tensor: 8, sequence: true },
    }),
    accepted: considered({ worldSize: 8, parallelism: { ...parallelism, tensor: 8, sequence: true } }),
  },
  'images of a fixed size': {
    refused: considered({
      program: program('torchvision-references'),
      model: image('vit_b_16'),
      imageSize: [160, 160],
    }),
    accepted: considered({
      program: program('torchvision-references'),
      model: image('resnet50'),
      imageSize: [160, 160],
    }),
  },
  'batch norm of one value': {
    refused: considered({ model: image('inception_v3'), microBatchSize: 1, globalBatchSize: 1 }),
    accepted: considered({ model: image('resnet50'), microBatchSize: 1, globalBatchSize: 1 }),
  },
  'flash attention': {
    refused: considered({ attention: 'flash-attention-2', precision: 'fp32' }),
    accepted: considered({ attention: 'flash-attention-2', precision: 'bf16' }),
  },
  'flash attention of wide heads': {
    refused: considered({ attention: 'flash-attention-2' }, { config: { ...LLAMA, head_dim: 320 } }),
    accepted: considered({ attention: 'flash-attention-2' }, { config: { ...LLAMA, head_dim: 256 } }),
  },
  'flash attention of the model': {
    refused: considered({ attention: 'flash-attention-2', framework }, { modelType: 't5' }),
    accepted: considered({ attention: 'flash-attention-2', framework }),
  },
  'sdpa of the model': {
    refused: considered({ attention: 'sdpa', framework }, { modelType: 'deberta-v2' }),
    accepted: considered({ attention: 'eager', framework }, { modelType: 'deberta-v2' }),
  },
  'checkpointing of the model': {
    refused: considered({ activationCheckpointing: 'full', program: program('timm'), model: image('vgg16') }),
    accepted: considered({ activationCheckpointing: 'full', program: program('timm'), model: image('resnet50') }),
  },
  bfloat16: {
    refused: considered({ precision: 'bf16' }, { target: { computeCapability: 7.5, vendor: 'nvidia' } }),
    accepted: considered({ precision: 'fp16' }, { target: { computeCapability: 7.5, vendor: 'nvidia' } }),
  },
  'expandable segments': {
    refused: considered(
      { allocator: 'expandable_segments:True' },
      { target: { computeCapability: null, vendor: 'amd' } },
    ),
    accepted: considered({ allocator: 'expandable_segments:True' }),
  },
  'fused optimizer': {
    refused: considered({ optimizer: { ...optimizer, name: 'adafactor', implementation: 'fused' } }),
    accepted: considered({ optimizer: { ...optimizer, implementation: 'fused' } }),
  },
  '8-bit optimizer': {
    refused: considered({ optimizer: { ...optimizer, name: 'muon', implementation: '8bit' } }),
    accepted: considered({ optimizer: { ...optimizer, implementation: '8bit' } }),
  },
  '8-bit states in shards': {
    refused: considered({
      optimizer: { ...optimizer, implementation: '8bit' },
      parallelism: { ...parallelism, sharding: 'zero2' },
    }),
    accepted: considered({
      optimizer: { ...optimizer, implementation: '8bit' },
      parallelism: { ...parallelism, sharding: 'ddp' },
    }),
  },
  'offloaded optimizer': {
    refused: considered({
      optimizer: { ...optimizer, implementation: 'fused' },
      offload: { ...offload, optimizer: true },
      parallelism: { ...parallelism, sharding: 'zero2' },
    }),
    accepted: considered({
      offload: { ...offload, optimizer: true },
      parallelism: { ...parallelism, sharding: 'zero2' },
    }),
  },
  'adapters and projected gradients': {
    refused: considered({ optimizer: { ...optimizer, name: 'galore-adamw' }, peft: { ...peft, method: 'lora' } }),
    accepted: considered({ peft: { ...peft, method: 'lora' } }),
  },
  'quantised weights without adapters': {
    refused: considered({ quantization: 'nf4' }),
    accepted: considered({ quantization: 'nf4', peft: { ...peft, method: 'lora' } }),
  },
  'quantised weights in shards': {
    refused: considered({
      quantization: 'nf4',
      peft: { ...peft, method: 'lora' },
      parallelism: { ...parallelism, sharding: 'fsdp-full' },
    }),
    accepted: considered({
      quantization: 'nf4',
      peft: { ...peft, method: 'lora' },
      parallelism: { ...parallelism, sharding: 'zero2' },
    }),
  },
};

describe('what frameworks stop at', () => {
  it('has a case for each rule, and each says where it is read', () => {
    expect(Object.keys(CASES).sort()).toEqual(REFUSALS.map(({ id }) => id).sort());
    for (const { source } of REFUSALS)
      expect(source).toMatch(/\.(?:py|cpp)\b|README|#\d+|is_bf16_supported|bitsandbytes/);
  });

  it.each(REFUSALS.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
    const { refused, accepted } = CASES[id]!;
    expect(rule.refuses(refused)).toEqual(expect.any(String));
    expect(rule.refuses(accepted)).toBeNull();
    expect(refusalOf(refused)).not.toBeNull();
    expect(refusalOf(accepted)).toBeNull();
  });
});
