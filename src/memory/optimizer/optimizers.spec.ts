import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../../model/architecture.js';
import type { RunValues } from '../../run/training-run.js';
import { uncovered } from '../coverage.js';
import type { MemoryEvents } from '../events.js';
import { simulate } from '../simulate.js';
import { tinyRun } from '../tiny-run.spec-data.js';

const config = {
  num_hidden_layers: 2,
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  intermediate_size: 512,
  vocab_size: 1000,
  tie_word_embeddings: false,
};
const llama = architectureOf({ name: 'tiny', modelType: 'llama', config }, 'causal-lm');
const MATRICES = 2 * (4 * 256 * 256 + 3 * 256 * 512);
const TABLES = 2 * 1000 * 256;
const NORMS = 5 * 256;

type Choice = Partial<RunValues['optimizer']>;
const withOptimizer = (choice: Choice, rest: Partial<RunValues> = {}): RunValues => {
  const values = tinyRun({ precision: 'bf16', ...rest });
  return { ...values, optimizer: { ...values.optimizer, ...choice } };
};

const run = (values: RunValues): MemoryEvents =>
  simulate(values, llama, { iterations: 2, gradientAddition: 'in-place', computeCapability: 8 });

const stateBytes = ({ sizes, categories }: MemoryEvents): number =>
  sizes.reduce((sum, bytes, block) => sum + (categories[block] === 'optimizer-state' ? bytes : 0), 0);

/** A byte and a 256th of an fp32 scale. */
const EIGHT_BITS = 1 + 4 / 256;

describe('block-wise 8-bit states', () => {
  it('take a byte and their share of a scale, and fp32 where the tensor is small', () => {
    const maps = 2 * 256 * 4;
    const expected = 2 * EIGHT_BITS * (MATRICES + TABLES) + 2 * 4 * NORMS + maps;
    expect(stateBytes(run(withOptimizer({ implementation: '8bit' })))).toBe(expected);
  });

  it.each([
    ['lion', 1],
    ['sgd', 1],
    ['adam', 2],
  ] as const)('%s has %i of them', (name, moments) => {
    const expected = moments * (EIGHT_BITS * (MATRICES + TABLES) + 4 * NORMS + 256 * 4);
    expect(stateBytes(run(withOptimizer({ name, implementation: '8bit' })))).toBe(expected);
  });

  it("stay 32-bit for embeddings where transformers' Trainer pins them", () => {
    const trainingStep = { keepsOutputs: false, castsOutputs: true, compilesLoss: true, fullPrecisionEmbeddings: true };
    const expected = 2 * (EIGHT_BITS * (MATRICES + TABLES / 2) + 4 * (NORMS + TABLES / 2) + 256 * 4);
    expect(stateBytes(run(withOptimizer({ implementation: '8bit' }, { trainingStep })))).toBe(expected);
  });
});

describe('paged states', () => {
  it('leave the device but for those of small tensors', () => {
    const small = 2 * 4 * (NORMS + 2 * 4 * 256 * 256);
    expect(stateBytes(run(withOptimizer({ implementation: 'paged' })))).toBe(small);
  });

  it('keep their scales on the device', () => {
    const paged = stateBytes(run(withOptimizer({ implementation: 'paged-8bit' })));
    const large = 2 * 3 * 256 * 512 + TABLES;
    const whole = stateBytes(run(withOptimizer({ implementation: '8bit' })));
    expect(whole - paged).toBe(2 * large);
  });
});

it.each([
  ['lion', 'foreach', 2],
  ['lion', 'fused', 4],
  ['lamb', 'foreach', 4],
  ['lamb', 'fused', 8],
  ['nadam', 'foreach', 4],
  ['radam', 'for-loop', 4],
  ['adamax', 'foreach', 4],
  ['adadelta', 'foreach', 4],
  ['adagrad', 'foreach', 2],
  ['schedule-free-adamw', 'foreach', 4],
  ['schedule-free-sgd', 'foreach', 2],
] as const)('%s as %s keeps %i bytes for each 16-bit parameter', (name, implementation, bytes) => {
  expect(stateBytes(run(withOptimizer({ name, implementation })))).toBe(bytes * llama.parameterCount);
});

describe('Muon', () => {
  it('keeps one moment of hidden matrices and two of everything else', () => {
    const expected = 2 * MATRICES + 4 * (TABLES + NORMS);
    expect(stateBytes(run(withOptimizer({ name: 'muon' })))).toBe(expected);
  });

  it('is refused where matrices are sharded', () => {
    const values = withOptimizer({ name: 'muon' });
    expect(uncovered(values)).toEqual([]);
    const sharded = { ...values, parallelism: { ...values.parallelism, sharding: 'fsdp-full' as const } };
    expect(uncovered(sharded).map(({ field }) => field)).toEqual(['optimizer.name']);
  });
});

it.each([
  ['galore-adamw', '8bit'],
  ['adafactor', '8bit'],
  ['muon', 'paged'],
] as const)('%s as %s is refused by name', (name, implementation) => {
  const [unknown, ...others] = uncovered(withOptimizer({ name, implementation }));
  expect(others).toEqual([]);
  expect(unknown).toEqual({
    field: 'optimizer.name',
    reason: `optimizer ${name} as ${implementation} is not covered yet`,
  });
});

describe('optimizers that keep less or more than two moments of the parameters', () => {
  const STATES = 2 * (MATRICES + TABLES + NORMS);

  it.each([
    ['adan', 4 * STATES],
    ['ademamix', 3 * STATES],
    ['sophia', 2 * STATES],
    ['lomo', 0],
  ] as const)('%s keeps its own number of them', (name, expected) => {
    expect(stateBytes(run(withOptimizer({ name })))).toBe(expected);
  });

  it('Adam-mini keeps one second moment for each row of a matrix', () => {
    const rows = 2 * (4 * 256 + 2 * 512 + 256) + 2 * 1000;
    expect(stateBytes(run(withOptimizer({ name: 'adam-mini' })))).toBe(STATES + 2 * (rows + 5));
  });

  it('GaLore and APOLLO keep moments of projected gradients of hidden matrices, and of whole ones elsewhere', () => {
    const whole = 2 * 2 * (TABLES + NORMS);
    const low = (rank: number): number => 2 * (4 * 256 * rank + 3 * 512 * rank);
    const projections = (rank: number): number => 2 * (7 * 256 * rank);
    const bytes = (rank: number): number => whole + 2 * (2 * low(rank) + projections(rank));
    expect(stateBytes(run(withOptimizer({ name: 'galore-adamw', implementation: 'for-loop' })))).toBe(bytes(128));
    expect(stateBytes(run(withOptimizer({ name: 'apollo', implementation: 'for-loop' })))).toBe(bytes(1));
  });

  it('Shampoo and SOAP keep square matrices for the sides of each matrix', () => {
    const square = (size: number): number => size * size;
    const layers = 2 * (4 * 2 * square(256) + 3 * (square(256) + square(512)));
    const tables = 2 * (square(1000) + square(256));
    const soap = 2 * STATES + 2 * 2 * (layers + tables);
    const shampoo = STATES + 2 * 2 * (layers + tables + 5 * square(256));
    expect(stateBytes(run(withOptimizer({ name: 'soap' })))).toBe(soap);
    expect(stateBytes(run(withOptimizer({ name: 'shampoo' })))).toBeGreaterThanOrEqual(shampoo);
  });
});
