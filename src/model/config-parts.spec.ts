import { describe, expect, it } from '@jest/globals';
import { architectureOf } from './architecture.js';
import type { ModelConfig } from './resolved-model.js';

const text: ModelConfig = { hidden_size: 64, intermediate_size: 96, num_hidden_layers: 2, vocab_size: 128 };
const heads: ModelConfig = { num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16 };
const experts: ModelConfig = { num_local_experts: 2, intermediate_size_mlp: 96, interleave_moe_layer_step: 1 };

describe('configurations that describe a language model beside another', () => {
  it('are read for Llama 4 as if its text_config stood alone', () => {
    const inside: ModelConfig = { ...text, ...heads, ...experts };
    const nested = { name: 'nested', modelType: 'llama4', config: { text_config: inside, vision_config: {} } };
    const alone = { name: 'alone', modelType: 'llama4_text', config: inside };
    const [a, b] = [nested, alone].map((model) => architectureOf(model, 'causal-lm').parameterCount);
    expect(a).toBe(b);
  });

  it('count the vision tower of Gemma 3, and refuse one that is not described', () => {
    const inside: ModelConfig = { ...text, ...heads };
    const vision: ModelConfig = {
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 1,
      vision_use_head: false,
    };
    const model = (config: ModelConfig) => ({ name: 'gemma', modelType: 'gemma3', config });
    const whole = architectureOf(model({ text_config: inside, vision_config: vision }), 'causal-lm');
    const alone = architectureOf({ name: 'alone', modelType: 'gemma3_text', config: inside }, 'causal-lm');
    const patches = 32 * 3 * 16 * 16 + 32 + 14 * 14 * 32;
    const layer = 4 * (32 * 32 + 32) + (32 * 48 + 48) + (48 * 32 + 32) + 2 * 64;
    const rest = 64 + 32 * 64 + 32;
    expect(whole.parameterCount - alone.parameterCount).toBe(patches + layer + rest);
    expect(() => architectureOf(model({ text_config: inside }), 'causal-lm')).toThrow('no vision_config');
  });
});
