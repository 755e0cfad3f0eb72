import { describe, expect, it } from '@jest/globals';
import type { Task } from '../run/training-run.js';
import { architectureOf } from './architecture.js';
import type { ModelConfig } from './resolved-model.js';
import { UnsupportedModel } from './unsupported-model.js';

const llama = (hidden: number, intermediate: number, layers: number, rest: ModelConfig): ModelConfig => ({
  hidden_size: hidden,
  intermediate_size: intermediate,
  num_hidden_layers: layers,
  ...rest,
});

/** Parameter counts as `sum(p.numel() for p in model.parameters())` gives them for the released models. */
const COUNTS: readonly (readonly [string, string, Task, ModelConfig, number])[] = [
  ['gpt2', 'gpt2', 'causal-lm', {}, 124_439_808],
  [
    'TinyLlama-1.1B',
    'llama',
    'causal-lm',
    llama(2048, 5632, 22, { num_attention_heads: 32, num_key_value_heads: 4, vocab_size: 32000 }),
    1_100_048_384,
  ],
  [
    'Llama-3-8B',
    'llama',
    'causal-lm',
    llama(4096, 14336, 32, { num_attention_heads: 32, num_key_value_heads: 8, vocab_size: 128256 }),
    8_030_261_248,
  ],
  [
    'Mistral-7B',
    'mistral',
    'causal-lm',
    llama(4096, 14336, 32, { num_attention_heads: 32, num_key_value_heads: 8, vocab_size: 32000 }),
    7_241_732_096,
  ],
  [
    'Qwen2.5-0.5B',
    'qwen2',
    'causal-lm',
    llama(896, 4864, 24, {
      num_attention_heads: 14,
      num_key_value_heads: 2,
      vocab_size: 151936,
      tie_word_embeddings: true,
    }),
    494_032_768,
  ],
  [
    'Qwen3-8B',
    'qwen3',
    'causal-lm',
    llama(4096, 12288, 36, { num_attention_heads: 32, num_key_value_heads: 8, head_dim: 128, vocab_size: 151936 }),
    8_190_735_360,
  ],
  [
    'Mixtral-8x7B',
    'mixtral',
    'causal-lm',
    llama(4096, 14336, 32, {
      num_attention_heads: 32,
      num_key_value_heads: 8,
      vocab_size: 32000,
      num_local_experts: 8,
    }),
    46_702_792_704,
  ],
  [
    'gemma-2-2b',
    'gemma2',
    'causal-lm',
    llama(2304, 9216, 26, { num_attention_heads: 8, num_key_value_heads: 4, head_dim: 256, vocab_size: 256000 }),
    2_614_341_888,
  ],
  [
    'pythia-410m',
    'gpt_neox',
    'causal-lm',
    { hidden_size: 1024, num_hidden_layers: 24, num_attention_heads: 16, vocab_size: 50304 },
    405_334_016,
  ],
  ['bert-base', 'bert', 'sequence-classification', {}, 109_483_778],
  [
    'roberta-base',
    'roberta',
    'sequence-classification',
    { vocab_size: 50265, max_position_embeddings: 514, type_vocab_size: 1 },
    124_647_170,
  ],
  [
    'camembert-base',
    'camembert',
    'sequence-classification',
    { vocab_size: 32005, max_position_embeddings: 514, type_vocab_size: 1 },
    110_623_490,
  ],
  ['vit-base', 'vit', 'image-classification', {}, 86_567_656],
  ['resnet18', 'torchvision', 'image-classification', { architecture: 'resnet18' }, 11_689_512],
  ['resnet50', 'torchvision', 'image-classification', { architecture: 'resnet50' }, 25_557_032],
  ['resnext50_32x4d', 'torchvision', 'image-classification', { architecture: 'resnext50_32x4d' }, 25_028_904],
  ['wide_resnet50_2', 'torchvision', 'image-classification', { architecture: 'wide_resnet50_2' }, 68_883_240],
  ['vgg16', 'torchvision', 'image-classification', { architecture: 'vgg16' }, 138_357_544],
  ['vgg19_bn', 'torchvision', 'image-classification', { architecture: 'vgg19_bn' }, 143_678_248],
];

describe('architectures have as many parameters as the released models', () => {
  it.each(COUNTS)('%s', (...row) => {
    const [name, modelType, task, config, count] = row;
    expect(architectureOf({ name, modelType, config }, task).parameterCount).toBe(count);
  });
});

describe('models that cannot be written', () => {
  it('are refused by their type', () => {
    const model = { name: 'some/model', modelType: 'constructor', config: {} };
    expect(() => architectureOf(model, 'causal-lm')).toThrow(UnsupportedModel);
  });

  it('are refused where a dimension is missing or absurd', () => {
    const model = (config: ModelConfig) => ({ name: 'some/llama', modelType: 'llama', config });
    expect(() => architectureOf(model({}), 'causal-lm')).toThrow('no hidden_size');
    expect(() => architectureOf(model({ hidden_size: 1e12 }), 'causal-lm')).toThrow(
      'hidden_size must be a whole number',
    );
  });
});
