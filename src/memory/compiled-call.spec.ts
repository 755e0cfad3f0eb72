import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../model/architecture.js';
import type { RunValues } from '../run/training-run.js';
import type { MemoryEvents } from './events.js';
import { simulate } from './simulate.js';
import { tinyRun } from './tiny-run.spec-data.js';

const [HIDDEN, INTERMEDIATE, LAYERS, TOKENS] = [256, 512, 4, 128];
const tiny = architectureOf(
  {
    name: 'tiny',
    modelType: 'llama',
    config: {
      hidden_size: HIDDEN,
      intermediate_size: INTERMEDIATE,
      num_hidden_layers: LAYERS,
      num_attention_heads: 4,
      vocab_size: 1000,
    },
  },
  'causal-lm',
);

const run = (changes: Partial<RunValues>): MemoryEvents =>
  simulate(tinyRun({ precision: 'bf16', ...changes }), tiny, {
    iterations: 2,
    gradientAddition: 'in-place',
    computeCapability: 9,
  });

/** Bytes of activations alive when backward begins for the last time. */
function keptForBackward({ events, sizes, categories, phases }: MemoryEvents): number {
  const end = phases.findLast(({ name }) => name === 'backward')!.firstEvent;
  let bytes = 0;
  for (const event of events.subarray(0, end)) {
    const block = event >= 0 ? event : -event - 1;
    if (categories[block] === 'activations') bytes += (event >= 0 ? 1 : -1) * sizes[block]!;
  }
  return bytes;
}

/** What one layer keeps, the difference between runs of as many layers being the rest of the model's. */
const ofLayers = (bytes: number, outside: number): number => (bytes - outside) / LAYERS / TOKENS;

/** A mean in fp32 for each row of the two norms. */
const ROW_SUMS = 2 * 4;

/** To within what does not follow the tokens: attention's seeds. */
const expectBytes = (actual: number, wanted: number): void => expect(Math.abs(actual - wanted)).toBeLessThan(2);

describe('a compiled block', () => {
  const outside = keptForBackward(run({ activationCheckpointing: 'full' })) - LAYERS * TOKENS * HIDDEN * 2;

  it('keeps what products and attention give and read, and no other pointwise results', () => {
    const perToken = ofLayers(keptForBackward(run({ compile: 'default' })), outside);
    const [x, q, k, v, attended, projected] = [HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN];
    const logSumExp = (4 * 4) / 2;
    const products = x + q + k + v + attended + logSumExp + projected + 2 * INTERMEDIATE;
    const readByProducts = HIDDEN + HIDDEN + INTERMEDIATE;
    expectBytes(perToken, 2 * (products + readByProducts) + ROW_SUMS);
  });

  it('keeps every second product under selective checkpointing, without those that backward does not read', () => {
    const compiled = { compile: 'default', activationCheckpointing: 'selective' } as const;
    const perToken = ofLayers(keptForBackward(run(compiled)), outside);
    const [x, q, v, attended, logSumExp] = [HIDDEN, HIDDEN, HIDDEN, HIDDEN, (4 * 4) / 2];
    expectBytes(perToken, 2 * (x + q + v + attended + logSumExp + INTERMEDIATE) + ROW_SUMS);
  });

  it('keeps every second product of selective checkpointing that is not compiled, read or not', () => {
    const perToken = ofLayers(keptForBackward(run({ activationCheckpointing: 'selective' })), outside);
    const [x, q, v, down, attended, logSumExp] = [HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, (4 * 4) / 2];
    expectBytes(perToken, 2 * (x + q + v + down + attended + logSumExp + INTERMEDIATE));
  });

  it('goes through where an adapter makes tensors of nothing', () => {
    const { peft } = tinyRun();
    const adapted = run({ compile: 'default', precision: 'amp-bf16', peft: { ...peft, method: 'boft' } });
    expect(adapted.events.length).toBeGreaterThan(0);
  });

  it('has the 8-bit copies of weights of a library that it does not see into', () => {
    const float8 = (compile: RunValues['compile']): number => {
      const { operations, operationNames } = run({ precision: 'fp8', kernels: ['transformer-engine'], compile });
      const number = operationNames.indexOf('to_float8');
      return operations.reduce((count, operation) => count + (operation === number ? 1 : 0), 0);
    };
    expect(float8('none')).toBeGreaterThan(0);
    expect(float8('default')).toBe(float8('none'));
  });
});
