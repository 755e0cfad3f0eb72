import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../../model/architecture.js';
import type { Attention, RunValues } from '../../run/training-run.js';
import type { MemoryEvents } from '../events.js';
import { simulate } from '../simulate.js';
import { tinyRun } from '../tiny-run.spec-data.js';

const HEADS = 2;
const LENGTH = 1024;
const gpt2 = architectureOf(
  { name: 'tiny', modelType: 'gpt2', config: { n_layer: 2, n_embd: 64, n_head: HEADS, vocab_size: 500 } },
  'causal-lm',
);

function run(attention: Attention, changes: Partial<RunValues> = {}): MemoryEvents {
  const values = tinyRun({ attention, precision: 'bf16', sequenceLength: LENGTH, ...changes });
  return simulate(values, gpt2, { iterations: 2, gradientAddition: 'in-place', computeCapability: 8 });
}

const largest = ({ sizes }: MemoryEvents): number => sizes.reduce((most, bytes) => Math.max(most, bytes), 0);
const namesOf = ({ operations, operationNames }: MemoryEvents): Set<string> =>
  new Set([...operations].map((number) => operationNames[number]!));

/** Scores of every query with every key, in bf16. */
const SCORES = tinyRun().microBatchSize * HEADS * LENGTH ** 2 * 2;

describe('attention', () => {
  it.each<Attention>(['eager', 'sdpa-math'])('written out (%s) has the scores of all pairs in memory', (attention) => {
    expect(largest(run(attention))).toBeGreaterThanOrEqual(SCORES);
  });

  it.each<Attention>(['sdpa', 'sdpa-efficient', 'flash-attention-2', 'flash-attention-3', 'xformers', 'flex'])(
    'in one kernel (%s) never has the scores, only a sum for each row',
    (attention) => {
      const events = run(attention);
      expect(largest(events)).toBeLessThan(SCORES);
      const rowSums = tinyRun().microBatchSize * HEADS * LENGTH * 4;
      const { operations, operationNames, sizes } = events;
      const kernels = /^scaled_dot_product_(?:flash|efficient)_attention$/;
      const made = [...sizes].filter((_, block) => kernels.test(operationNames[operations[block]!]!));
      expect(made).toContain(rowSums);
    },
  );

  it('takes the memory-efficient kernel where it is asked for, and where fp32 leaves no other', () => {
    for (const events of [run('sdpa-efficient'), run('sdpa', { precision: 'fp32' })]) {
      expect(namesOf(events).has('scaled_dot_product_efficient_attention')).toBe(true);
      expect(namesOf(events).has('scaled_dot_product_flash_attention')).toBe(false);
    }
  });
});
