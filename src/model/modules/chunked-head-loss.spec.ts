import { describe, expect, it } from '@jest/globals';
import { tinyRun } from '../../memory/tiny-run.spec-data.js';
import type { RunValues } from '../../run/training-run.js';
import { architectureOf } from '../architecture.js';
import { conventionsOf } from '../../memory/loop-conventions.js';
import { roundedPeaks } from '../../../scripts/oracle/predict.js';
import { simulate } from '../../memory/simulate.js';
import { uncovered } from '../../memory/coverage.js';

const MODEL = {
  name: 'small',
  modelType: 'llama',
  config: {
    num_hidden_layers: 2,
    hidden_size: 256,
    intermediate_size: 512,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 32000,
  },
};

function peakOf(changes: Partial<RunValues>): number {
  const values = tinyRun({ sequenceLength: 2048, precision: 'bf16', ...changes });
  const options = { iterations: 2, computeCapability: 9, conventions: conventionsOf(values) };
  return roundedPeaks(
    simulate(values, architectureOf(MODEL, values.task), { ...options, gradientAddition: 'in-place' }),
  ).peakBytes;
}

const trl = (version: string): Partial<RunValues> => ({
  loss: 'chunked',
  program: { id: 'trl', name: 'TRL sft', version },
  framework: { name: 'trl', packages: { trl: version } },
});

describe('the loss of TRL in which logits never exist as a whole', () => {
  it.each(['1.7.0', '1.8.0', '1.13.0', '1.15.0'])('takes less than all logits would, in release %s', (version) => {
    const logits = 2 * 2048 * 32000 * 4;
    expect(peakOf(trl(version))).toBeLessThan(peakOf({}) - logits);
  });

  it('grows with the sequence by what the hidden states take, not the logits', () => {
    const growth = peakOf({ ...trl('1.8.0'), sequenceLength: 4096 }) - peakOf(trl('1.8.0'));
    expect(growth).toBeLessThan(2 * 2048 * 32000 * 2);
  });

  it.each(['fsdp-full', 'zero3', 'zero2', 'ddp'] as const)('is estimated under %s', (sharding) => {
    const parallelism = { ...tinyRun().parallelism, sharding, shardSize: sharding === 'ddp' ? 1 : 4, data: 4 };
    const changes = { worldSize: 4, processesPerNode: 4, parallelism };
    expect(peakOf({ ...trl('1.8.0'), ...changes })).toBeLessThan(peakOf(changes));
    expect(peakOf({ ...trl('1.15.0'), ...changes })).toBeLessThan(peakOf(changes));
  });

  it('is refused where no program is known that chunks it, and for distillation', () => {
    expect(uncovered(tinyRun({ loss: 'chunked' })).map(({ field }) => field)).toEqual(['loss']);
    expect(uncovered(tinyRun(trl('1.8.0')))).toEqual([]);
    expect(uncovered(tinyRun({ ...trl('1.15.0'), task: 'distillation' })).map(({ field }) => field)).toEqual(['loss']);
  });
});
