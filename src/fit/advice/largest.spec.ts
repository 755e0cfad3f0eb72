import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { estimateOf, run } from '../../../test/builders/run.js';
import { valuesOf } from '../../run/fields.js';
import type { RunValues, TrainingRun } from '../../run/training-run.js';
import type { EstimateOutcome } from '../workload-fit.js';
import { largest } from './largest.js';
import type { Largest, LargestQuestion } from './largest.js';

const GIB = 1024 ** 3;
const device = { model: 'NVIDIA A100-SXM4-80GB', vendor: 'nvidia', computeCapability: 8 } as const;
const FAMILY = [
  { name: 'small', parameters: 1e9 },
  { name: 'medium', parameters: 7e9 },
  { name: 'large', parameters: 70e9 },
];

/** Needs `gib` of its values, exactly. */
const needing =
  (gib: (values: RunValues) => number) =>
  (edited: TrainingRun): EstimateOutcome => {
    const bytes = gib(valuesOf(edited)) * GIB;
    return { estimate: estimateOf({ low: bytes, expected: bytes, high: bytes }) };
  };

const asked = (overrides: Partial<LargestQuestion>): Largest | string =>
  largest({
    scale: 'micro-batch',
    run: run(),
    device,
    capacityBytes: 80 * GIB,
    estimate: needing(({ microBatchSize }) => 10 + microBatchSize),
    family: FAMILY,
    positions: null,
    ...overrides,
  });

describe('the largest that still fits', () => {
  it('is the last that fits, with what is left, and the next is too large', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 60, noNaN: true }),
        fc.integer({ min: 1, max: 79 }),
        (perSample, base) => {
          const found = asked({ estimate: needing(({ microBatchSize }) => base + microBatchSize * perSample) });
          if (typeof found === 'string') throw new Error(found);
          const most = Math.min(65_536, Math.floor((80 - base) / perSample));
          expect(Math.abs(Number(found.fits?.value ?? 0) - most)).toBeLessThanOrEqual(1);
          if (found.fits !== null) expect(found.fits.requiredBytes.high).toBeLessThanOrEqual(80 * GIB);
          if (found.next !== null) expect(found.next.requiredBytes.high).toBeGreaterThan(80 * GIB);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('says what is left: 80 GiB less 10 and one for each sample', () => {
    expect(asked({})).toMatchObject({ fits: { value: '70', marginBytes: 0 }, next: { value: '71' }, ends: null });
  });

  it('keeps the global batch true', () => {
    let seen: RunValues[] = [];
    asked({
      estimate: (edited) => {
        seen = [...seen, valuesOf(edited)];
        return needing(({ microBatchSize }) => microBatchSize)(edited);
      },
    });
    expect(seen.every((values) => values.globalBatchSize === values.microBatchSize)).toBe(true);
  });

  it('is a model of the family by its parameters', () => {
    const estimate = needing(({ model }) => (FAMILY.find(({ name }) => name === model?.name)?.parameters ?? 0) / 5e8);
    expect(asked({ scale: 'model', estimate })).toMatchObject({ fits: { value: 'medium' }, next: { value: 'large' } });
  });

  it('is nothing where not even the smallest fits, and has no end where all do', () => {
    expect(asked({ estimate: needing(() => 90) })).toMatchObject({ fits: null, next: { value: '1' } });
    const all = asked({ estimate: needing(() => 1), scale: 'model' });
    expect(all).toMatchObject({ fits: { value: 'large' }, next: null, ends: 'the scale ends there' });
  });

  it('ends where the model refuses, and says why', () => {
    const estimate = (edited: TrainingRun): EstimateOutcome =>
      (valuesOf(edited).sequenceLength ?? 0) > 1024
        ? { unknown: [{ field: 'sequenceLength', reason: 'the model has 1024 positions' }] }
        : needing(() => 1)(edited);
    expect(asked({ scale: 'sequence-length', estimate })).toMatchObject({
      fits: { value: '1024' },
      ends: 'the model has 1024 positions',
    });
  });

  it('is no longer than the positions that the model has', () => {
    const found = asked({ scale: 'sequence-length', estimate: needing(() => 1), positions: 1024 });
    expect(found).toMatchObject({ fits: { value: '1024' }, next: null, ends: 'the scale ends there' });
  });

  it('is not asked of what the run does not have', () => {
    expect(asked({ scale: 'image-size' })).toBe('no image size is known of it');
    expect(asked({ scale: 'lora-rank' })).toBe('it trains no adapters');
    expect(asked({ scale: 'model', family: [] })).toContain('no family');
  });
});
