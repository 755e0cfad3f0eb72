import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../model/architecture.js';
import type { Task } from '../run/training-run.js';
import type { MemoryEvents } from './events.js';
import { simulate } from './simulate.js';
import { tinyRun } from './tiny-run.spec-data.js';

const VOCABULARY = 8192;
const config = {
  num_hidden_layers: 2,
  hidden_size: 128,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 256,
  vocab_size: VOCABULARY,
};

function trained(task: Task): MemoryEvents {
  const values = tinyRun({ task, precision: 'bf16', microBatchSize: 4 });
  const model = architectureOf({ name: 'tiny', modelType: 'llama', config }, task);
  return simulate(values, model, { iterations: 2, gradientAddition: 'in-place', computeCapability: 8 });
}

/** The largest sum of live blocks beyond parameters and states of the second step. */
function peak({ events, sizes }: MemoryEvents): number {
  let live = 0;
  let most = 0;
  for (const event of events) {
    live += event >= 0 ? sizes[event]! : -sizes[-event - 1]!;
    most = Math.max(most, live);
  }
  return most;
}

/** Logits of a batch in 16 bits. */
const LOGITS = 4 * 64 * VOCABULARY * 2;

describe('training that compares answers or models', () => {
  it('keeps log-probabilities of all tokens for preferences in the type of the logits, not in fp32', () => {
    expect(peak(trained('preference'))).toBeLessThan(peak(trained('causal-lm')));
  });

  it('copies logits over a temperature for policies', () => {
    expect(peak(trained('rl')) - peak(trained('preference'))).toBeGreaterThan(0);
  });

  it('makes several things as large as the logits of student and teacher for distillation', () => {
    expect(peak(trained('distillation')) - peak(trained('preference'))).toBeGreaterThan(2 * LOGITS);
  });

  it('is not taken to be the same in programs with losses of their own', () => {
    const view = {
      code: 'litgpt',
      adapted: false,
      tensor: 1,
      sequence: false,
      context: 1,
      expert: 1,
      stage: null,
    } as const;
    const model = { name: 'tiny', modelType: 'llama', config };
    expect(() => architectureOf(model, 'preference', view)).toThrow('preference is not covered');
  });
});
