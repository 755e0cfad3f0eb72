import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../model/architecture.js';
import type { RunValues } from '../run/training-run.js';
import { rankViewOf } from './rank-view-of.js';
import { simulate } from './simulate.js';
import { tinyRun } from './tiny-run.spec-data.js';

const [HIDDEN, INTERMEDIATE, LAYERS, HEADS, VOCABULARY] = [256, 512, 2, 4, 1000];
const model = {
  name: 'tiny',
  modelType: 'llama',
  config: {
    hidden_size: HIDDEN,
    intermediate_size: INTERMEDIATE,
    num_hidden_layers: LAYERS,
    num_attention_heads: HEADS,
    vocab_size: VOCABULARY,
  },
};

function run(parallelism: Partial<RunValues['parallelism']>, rest: Partial<RunValues> = {}) {
  const plain = tinyRun({ framework: { name: 'torchtitan', packages: {} }, precision: 'bf16', ...rest });
  const values = { ...plain, parallelism: { ...plain.parallelism, ...parallelism } };
  const architecture = architectureOf(model, 'causal-lm', rankViewOf(values));
  const options = { iterations: 2, gradientAddition: 'in-place', computeCapability: 9 } as const;
  return { architecture, events: simulate(values, architecture, options) };
}

/** Sizes of the blocks that an operation makes. */
const sizesOf = ({ events, sizes, operations, operationNames }: ReturnType<typeof simulate>, name: string): number[] =>
  [...events]
    .filter((event) => event >= 0 && operationNames[operations[event]!] === name)
    .map((event) => sizes[event]!);

describe('a rank of torchtitan', () => {
  const split = 2 * HIDDEN * VOCABULARY + LAYERS * (4 * HIDDEN * HIDDEN + 3 * HIDDEN * INTERMEDIATE);
  const norms = (2 * LAYERS + 1) * HIDDEN;

  it('holds its slice of every split layer and all of the norms', () => {
    expect(run({}).architecture.parameterCount).toBe(split + norms);
    expect(run({ tensor: 4 }).architecture.parameterCount).toBe(split / 4 + norms);
  });

  it('gathers the sequence before split layers and keeps its part of the sum after them', () => {
    const { events } = run({ tensor: 4 });
    const [batch, length] = [2, 64];
    const whole = batch * length * HIDDEN * 2;
    const gathers = sizesOf(events, 'all_gather_into_tensor');
    const scatters = sizesOf(events, 'reduce_scatter');
    const forwardGathers = 2 * LAYERS + 1;
    const backwardGathers = 2 * LAYERS + 1;
    expect(gathers).toEqual(new Array(2 * (forwardGathers + backwardGathers)).fill(whole));
    expect(new Set(scatters)).toEqual(new Set([whole / 4]));
  });

  it('has its part of the sequence and lets keys and values come round', () => {
    const { events } = run({ context: 2 });
    const keys = (2 * 64 * HIDDEN * 2) / 2;
    const largest = Math.max(...sizesOf(events, 'ring_attention'));
    expect(largest).toBe(2 * 2 * keys);
    expect(sizesOf(events, 'randint')).toEqual(new Array(4).fill((2 * 64 * 8) / 2));
  });
});

describe('linear layers in 8 bit', () => {
  const kept = (precision: RunValues['precision']) => {
    const { events, sizes, phases, categories } = run({}, { precision }).events;
    const end = phases.findLast(({ name }) => name === 'backward')!.firstEvent;
    let bytes = 0;
    for (const event of events.subarray(0, end)) {
      const block = event >= 0 ? event : -event - 1;
      if (categories[block] === 'activations') bytes += (event >= 0 ? 1 : -1) * sizes[block]!;
    }
    return bytes;
  };

  it('keep as much for backward as in 16 bit', () => {
    expect(kept('fp8')).toBe(kept('amp-bf16'));
  });

  it('copy both operands of each product in one byte an element', () => {
    const copies = sizesOf(run({}, { precision: 'fp8' }).events, 'to_float8');
    const perLayer = 7 * 3 * 2;
    expect(copies.length).toBe(2 * LAYERS * perLayer);
    expect(copies[0]).toBe(2 * 64 * HIDDEN);
  });
});

describe('a model that another library does not have', () => {
  it('is refused where it would have to be split', () => {
    const view = rankViewOf({ ...tinyRun(), parallelism: { ...tinyRun().parallelism, tensor: 2 } });
    const gpt2 = { name: 'tiny', modelType: 'gpt2', config: { n_layer: 2, n_embd: 64, n_head: 2, vocab_size: 500 } };
    expect(() => architectureOf(gpt2, 'causal-lm', view)).toThrow('splitting model type "gpt2"');
  });
});
