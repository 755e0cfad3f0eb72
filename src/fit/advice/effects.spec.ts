import { describe, expect, it } from '@jest/globals';
import { RUN_VALUES } from '../../../test/builders/run.js';
import type { RunValues } from '../../run/training-run.js';
import { effectsOf, movedBytesPerStep, operationsPerSample, slowerBy } from './effects.js';
import type { Counted } from './effects.js';

const WHOLE = { total: 8e9, trainable: 8e9 };
const ADAPTED = { total: 8e9, trainable: 2e7 };
/** Llama 3.1 8B. */
const CONFIG = { num_hidden_layers: 32, hidden_size: 4096 };
const { parallelism, peft } = RUN_VALUES;

const counted = (values: Partial<RunValues>, parameters = WHOLE, config: Counted['config'] = null): Counted => ({
  values: { ...RUN_VALUES, ...values },
  parameters,
  config,
});
const ratio = (before: Counted, after: Counted): number => effectsOf(before, after).operationsPerSample;
const spread = (sharding: RunValues['parallelism']['sharding'], over: Partial<RunValues> = {}): Counted =>
  counted({ ...over, parallelism: { ...parallelism, sharding, data: 8, shardSize: 8 }, worldSize: 8 });

describe('operations for a sample', () => {
  it('are six for each parameter and token where all are trained and attention is left out', () => {
    expect(operationsPerSample(counted({ sequenceLength: 2048 }))).toBe(6 * 8e9 * 2048);
  });

  it('are a third more with checkpointing', () => {
    expect(ratio(counted({}), counted({ activationCheckpointing: 'full' }))).toBeCloseTo(4 / 3, 12);
  });

  it('are half more with checkpointing where only adapters are trained: no gradients of weights stand beside', () => {
    const ckpt = counted({ activationCheckpointing: 'full' }, ADAPTED);
    expect(ratio(counted({}, ADAPTED), ckpt)).toBeCloseTo(1.5, 2);
  });

  it('are a third less with adapters', () => {
    expect(ratio(counted({}), counted({ peft: { ...peft, method: 'lora' } }, ADAPTED))).toBeCloseTo(2 / 3, 2);
  });

  it('are a little more where only the attention is run again, by its share', () => {
    const before = counted({ sequenceLength: 8192 }, WHOLE, CONFIG);
    const after = counted({ sequenceLength: 8192, activationCheckpointing: 'selective' }, WHOLE, CONFIG);
    const attention = 4 * 32 * 4096 * 8192;
    expect(ratio(before, after)).toBeCloseTo(1 + attention / (6 * 8e9 + 3 * attention), 12);
  });

  it('fall faster than the tokens where attention has its share', () => {
    const [long, short] = [8192, 4096].map((sequenceLength) => counted({ sequenceLength }, WHOLE, CONFIG));
    const attention = 4 * 32 * 4096 * 8192;
    const fewer = (6 * 8e9 + 1.5 * attention) / (6 * 8e9 + 3 * attention);
    expect(ratio(long!, short!)).toBeCloseTo(fewer / 2, 12);
  });

  it('stay with another micro-batch, whose steps become more', () => {
    const after = counted({ microBatchSize: 2, gradientAccumulationSteps: 4 });
    expect(effectsOf(counted({}), after)).toMatchObject({ operationsPerSample: 1, stepsPerBatch: 4 });
    expect(slowerBy(effectsOf(counted({}), after))).toEqual([]);
  });

  it('go with the pixels of an image', () => {
    const sized = (side: number): Counted => counted({ sequenceLength: null, imageSize: [side, side] });
    expect(ratio(sized(224), sized(112))).toBe(0.25);
  });
});

describe('bytes between devices for an optimizer step', () => {
  it('are half more in shards of everything than for DDP in the same type', () => {
    const [ddp, fsdp] = (['ddp', 'fsdp-full'] as const).map((sharding) => spread(sharding, { precision: 'bf16' }));
    expect(movedBytesPerStep(ddp!)).toBe(2 * 8e9 * 2 * (7 / 8));
    expect(movedBytesPerStep(fsdp!) / movedBytesPerStep(ddp!)).toBe(1.5);
  });

  it('grow with accumulation in shards, which are gathered for each pass, and not for DDP', () => {
    const times = (sharding: 'ddp' | 'fsdp-full'): number =>
      movedBytesPerStep(spread(sharding, { gradientAccumulationSteps: 4 })) / movedBytesPerStep(spread(sharding));
    expect([times('ddp'), times('fsdp-full')]).toEqual([1, 4]);
  });

  it('are none on one device', () => {
    expect(movedBytesPerStep(counted({}))).toBe(0);
  });

  it('are told where they become more', () => {
    const moved = effectsOf(spread('ddp', { precision: 'bf16' }), spread('fsdp-full', { precision: 'bf16' }));
    expect(slowerBy(moved)).toEqual(['each GPU sends 39.1 GiB instead of 26.1 GiB for an optimizer step']);
  });
});
