import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../../model/architecture.js';
import { float16, float32 } from '../../model/dtype.js';
import type { Architecture } from '../../model/definition.js';
import type { MemoryEvents } from '../events.js';
import type { RunValues } from '../../run/training-run.js';
import { simulate } from '../simulate.js';
import { tinyRun } from '../tiny-run.spec-data.js';
import { reserveBytes } from './recurrent.js';

const model = (config: Record<string, string | number | boolean>): Architecture =>
  architectureOf(
    { name: 'tiny', modelType: 'rnn', config: { vocab: 100, embedding: 16, hidden: 32, ...config } },
    'causal-lm',
  );

const train = (architecture: Architecture, changes: Partial<RunValues> = {}): MemoryEvents =>
  simulate(tinyRun(changes), architecture, { iterations: 2, gradientAddition: 'in-place', computeCapability: 8 });

const largest = ({ operationNames, operations, sizes }: MemoryEvents, name: string): number =>
  Math.max(0, ...sizes.filter((_, block) => operationNames[operations[block]!] === name));

const layer = { cell: 'lstm', inFeatures: 16, hidden: 32, layers: 2, directions: 1, dropout: 0, weights: [] } as const;

describe('recurrent layers', () => {
  it('count the weights of each layer and direction, with two biases', () => {
    const one = 4 * 32 * (16 + 32) + 8 * 32;
    const two = 4 * 32 * (32 + 32) + 8 * 32;
    expect(model({}).parameterCount).toBe(100 * 16 + one + two + 32 * 100 + 100);
    const both = 2 * (3 * 32 * (16 + 32) + 6 * 32) + 2 * (3 * 32 * (64 + 32) + 6 * 32);
    expect(model({ cell: 'gru', bidirectional: true }).parameterCount).toBe(100 * 16 + both + 64 * 100 + 100);
  });

  it('keep gates and cell state of each step, what one layer hands to the next, and a mask of dropout', () => {
    expect(reserveBytes(layer, 10, 4, float32)).toBe(10 * 4 * 32 * (2 * 5 + 1) * 4);
    expect(reserveBytes({ ...layer, dropout: 0.5 }, 10, 4, float16)).toBe(10 * 4 * 32 * ((2 * 5 + 1) * 2 + 1));
  });

  it('keep twice as much for twice the steps of truncated back-propagation', () => {
    const [short, long] = [35, 70].map((sequenceLength) =>
      largest(train(model({}), { sequenceLength }), 'cudnn_rnn_reserve'),
    );
    expect(short).toBeGreaterThan(0);
    expect(long).toBe(2 * short!);
  });

  it('cast their weights into one buffer under autocast', () => {
    const weights = 4 * 32 * (16 + 32) + 8 * 32 + 4 * 32 * (32 + 32) + 8 * 32;
    expect(largest(train(model({}), { precision: 'amp-fp16' }), '_cudnn_rnn_flatten_weight')).toBe(2 * weights);
    expect(largest(train(model({})), '_cudnn_rnn_flatten_weight')).toBe(0);
  });
});
