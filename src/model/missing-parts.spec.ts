import { describe, expect, it } from '@jest/globals';
import { architectureOf, MODEL_TYPES } from './architecture.js';
import { whatIsMissing } from './missing-parts.js';
import type { ModelConfig } from './resolved-model.js';

const model = (modelType: string, config: ModelConfig = {}) => ({ name: 'some/model', modelType, config });
const dimensions: ModelConfig = { hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4 };

describe('models that cannot be run', () => {
  it('are told which of their parts is missing', () => {
    expect(() => architectureOf(model('mamba2'), 'causal-lm')).toThrow('its state-space layers are not');
    expect(() => architectureOf(model('qwen3_next'), 'causal-lm')).toThrow('its gated delta nets are not');
  });

  it('are told how to be declared where they are described and of no known type', () => {
    expect(() => architectureOf(model('newest', dimensions), 'causal-lm')).toThrow('declare that one as model_type');
    expect(whatIsMissing(model('newest'))).toBe('model type "newest" is not covered');
  });

  it('are not shown a name of any length', () => {
    expect(whatIsMissing(model('x'.repeat(100_000))).length).toBeLessThan(200);
  });

  it('are not among those that can', () => {
    const reasons = MODEL_TYPES.map((type) => whatIsMissing(model(type)));
    for (const reason of reasons) expect(reason).toMatch(/ is not covered$/);
  });
});
