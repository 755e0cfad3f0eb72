import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../model/architecture.js';
import type { RunValues } from '../run/training-run.js';
import type { MemoryEvents } from './events.js';
import { NotEstimable } from './not-estimable.js';
import { simulate } from './simulate.js';
import { tinyRun } from './tiny-run.spec-data.js';

const gpt2 = architectureOf(
  { name: 'tiny', modelType: 'gpt2', config: { n_layer: 2, n_embd: 64, n_head: 2, vocab_size: 500 } },
  'causal-lm',
);

const run = (changes: Partial<RunValues> = {}): MemoryEvents =>
  simulate(tinyRun(changes), gpt2, { iterations: 3, gradientAddition: 'in-place', computeCapability: 8 });

function peakOf({ events, sizes }: MemoryEvents): number {
  let live = 0;
  let peak = 0;
  for (const event of events) {
    live += event >= 0 ? sizes[event]! : -sizes[-event - 1]!;
    peak = Math.max(peak, live);
  }
  return peak;
}

function leftOver({ events, categories }: MemoryEvents): Set<string> {
  const live = new Set<number>();
  for (const event of events) {
    if (event >= 0) live.add(event);
    else if (!live.delete(-event - 1)) throw new Error(`event ${event} frees what is not there`);
  }
  return new Set([...live].map((block) => categories[block]!));
}

const adam = (optimizer: Partial<RunValues['optimizer']>): Partial<RunValues> => ({
  optimizer: { ...tinyRun().optimizer, ...optimizer },
});

const WAYS: readonly (readonly [string, Partial<RunValues>])[] = [
  ['fp32', {}],
  ['autocast with a gradient scaler', { precision: 'amp-fp16' }],
  ['pure bf16', { precision: 'bf16' }],
  ['eager attention', { attention: 'eager', precision: 'amp-bf16' }],
  ['math attention', { attention: 'sdpa-math', precision: 'bf16' }],
  ['checkpointing every second layer', { activationCheckpointing: { everyNthLayer: 2 } }],
  ['accumulation and clipping', { gradientAccumulationSteps: 2, gradientClipping: true }],
  ['fused AdamW', adam({ implementation: 'fused' })],
  ['Adafactor', adam({ name: 'adafactor' })],
  [
    'LoRA',
    { peft: { method: 'lora', rank: 4, dropout: 0.1, targetModules: 'all-linear', modulesToSave: [], weights: null } },
  ],
  ['LoRA with checkpointing', { peft: { ...tinyRun().peft, method: 'lora' }, activationCheckpointing: 'full' }],
];

describe('a training loop', () => {
  it('keeps what softmax was given, too, up to torch 1.10', () => {
    const sizes = { microBatchSize: 8, sequenceLength: 512 };
    const eager = (torch: string): number =>
      peakOf(run({ attention: 'eager', framework: { name: 'pytorch', packages: { torch } }, ...sizes }));
    const [layers, heads, scoreBytes] = [2, 2, 8 * 512 * 512 * 4];
    expect(eager('1.10.2') - eager('1.11.0')).toBeGreaterThanOrEqual(layers * heads * scoreBytes);
    expect(eager('1.11.0')).toBe(eager('1.13.1'));
  });

  it.each(WAYS)('frees what it made and keeps what must stay: %s', (_, changes) => {
    const left = leftOver(run(changes));
    const mayStay = ['parameters', 'buffers', 'gradients', 'optimizer-state', 'inputs', 'activations', 'temporaries'];
    expect([...left].filter((category) => !mayStay.includes(category))).toEqual([]);
    expect(left.has('parameters')).toBe(true);
  });

  it.each(WAYS)('repeats itself from the second iteration on: %s', (_, changes) => {
    const events = run(changes);
    const starts = events.phases
      .filter(({ name }) => name === 'input')
      .map(({ firstEvent, iteration }) => ({ firstEvent, iteration }));
    const startOf = (iteration: number): number => starts.find((start) => start.iteration === iteration)!.firstEvent;
    const signed = [...events.events].map((event) => (event >= 0 ? events.sizes[event]! : -events.sizes[-event - 1]!));
    expect(signed.slice(startOf(3))).toEqual(signed.slice(startOf(2), startOf(3)));
  });

  it('needs more with a larger batch, a longer sequence and more layers kept', () => {
    const base = peakOf(run());
    expect(peakOf(run({ microBatchSize: 4 }))).toBeGreaterThan(base);
    expect(peakOf(run({ sequenceLength: 128 }))).toBeGreaterThan(base);
    expect(peakOf(run({ activationCheckpointing: 'full' }))).toBeLessThan(base);
  });

  it('takes flash attention only where the device has it', () => {
    const values = tinyRun({ precision: 'bf16' });
    const kernels = [7.5, 8.0].map((computeCapability) => {
      const { operations, operationNames } = simulate(values, gpt2, {
        iterations: 1,
        gradientAddition: 'in-place',
        computeCapability,
      });
      return new Set([...operations].map((number) => operationNames[number]!)).has(
        'scaled_dot_product_flash_attention',
      );
    });
    expect(kernels).toEqual([false, true]);
  });

  it('names an optimizer that it cannot run', () => {
    expect(() => run(adam({ name: 'galore-adamw', implementation: '8bit' }))).toThrow(NotEstimable);
  });
});
