import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { node, snapshot } from '../../test/builders/cluster.js';
import type { BuiltNode } from '../../test/builders/cluster.js';
import { estimateOf, run } from '../../test/builders/run.js';
import { podSet, workload } from '../../test/builders/workload.js';
import type { Estimate } from '../memory/estimate.js';
import type { ObservedUse } from '../observation/observed-use.js';
import { indexCluster } from './cluster.js';
import { narrowed } from './observed-need.js';
import type { Seen } from './observed-need.js';
import { fitWorkload } from './workload-fit.js';
import type { WorkloadFit } from './workload-fit.js';

const GIB = 1024 ** 3;
const DAY_MS = 86_400_000;
const A100 = 'NVIDIA A100-SXM4-80GB';

/** Allocated 50, reserved 54, on the device 55 GiB; runs on no less than 52. */
const ESTIMATE: Estimate = {
  ...estimateOf({ low: 50 * GIB, expected: 52 * GIB, high: 56 * GIB }),
  allocatedBytes: { low: 48 * GIB, expected: 50 * GIB, high: 54 * GIB },
  reservedBytes: { low: 52 * GIB, expected: 54 * GIB, high: 58 * GIB },
  deviceBytes: { low: 53 * GIB, expected: 55 * GIB, high: 59 * GIB },
};

interface UseChange extends Partial<Omit<ObservedUse, 'usedBytes' | 'capacityBytes' | 'besideBytes' | 'device'>> {
  usedGib?: number;
  capacityGib?: number;
  besideGib?: number;
  model?: string;
  capability?: number | null;
}

function use({ usedGib = 61, capacityGib = 79, besideGib = 0, model = A100, capability = 8, ...rest }: UseChange = {}) {
  const device = { deviceClass: model, model, vendor: 'nvidia' as const, computeCapability: capability };
  const bytes = { usedBytes: usedGib * GIB, capacityBytes: capacityGib * GIB, besideBytes: besideGib * GIB };
  return {
    standing: 'measured',
    device,
    ...bytes,
    atMs: DAY_MS,
    launch: 'l-1',
    run: 'w-1/0',
    ...rest,
  } satisfies ObservedUse;
}

const seen = (uses: readonly ObservedUse[], change: Partial<Seen> = {}): Seen => ({
  uses,
  launch: 'l-1',
  isSettled: true,
  ...change,
});
const traits = { model: A100, vendor: 'nvidia', computeCapability: 8 } as const;
const inGib = (uses: readonly ObservedUse[], change: Partial<Seen> = {}, estimate: Estimate | null = ESTIMATE) => {
  const found = narrowed(estimate, seen(uses, change), traits);
  if (found === null) return null;
  const { low, expected, high } = found.requiredBytes;
  return [found.basis.standing, low / GIB, expected / GIB, high / GIB];
};

describe('what a run needs, by what earlier runs showed', () => {
  it('is at most what it used with room to spare, less what the allocator gives back', () => {
    expect(inGib([use({ usedGib: 61 })])).toEqual(['measured', 50, 58, 61]);
    expect(inGib([use({ usedGib: 45 })])).toEqual(['measured', 41, 42, 45]);
  });

  it('is what the largest of several runs used', () => {
    expect(inGib([use({ usedGib: 61 }), use({ usedGib: 64, run: 'w-2/0' })])?.[3]).toBe(64);
  });

  it('is not what it used near the capacity: only that the device was enough', () => {
    expect(inGib([use({ standing: 'upper-bound', usedGib: 78, capacityGib: 79 })])).toEqual([
      'upper-bound',
      50,
      52,
      56,
    ]);
    expect(inGib([use({ standing: 'upper-bound', usedGib: 50, capacityGib: 51 })])).toEqual([
      'upper-bound',
      50,
      51,
      51,
    ]);
  });

  it('is more than the device had left where it was out of memory', () => {
    expect(inGib([use({ standing: 'out-of-memory', capacityGib: 70 })])).toEqual(['out-of-memory', 70.7, 70.7, 70.7]);
    expect(inGib([use({ standing: 'out-of-memory', capacityGib: 79, besideGib: 30 })])?.[1]).toBe(50);
  });

  it('lies between a device that was too small and what it used on a larger one', () => {
    const uses = [use({ standing: 'out-of-memory', capacityGib: 40 }), use({ usedGib: 45 })];
    expect(inGib(uses)).toEqual(['measured', 41, 42, 45]);
    expect(inGib([use({ standing: 'out-of-memory', capacityGib: 44 }), use({ usedGib: 45 })])?.[1]).toBeCloseTo(44.44);
  });

  it('is not certain where it ran and was out of memory at one size', () => {
    const uses = [use({ standing: 'out-of-memory', capacityGib: 79 }), use({ usedGib: 70 })];
    expect(inGib(uses)).toEqual(['contradictory', 50, 52, expect.closeTo(79.79)]);
  });

  it('is not decided by a run that still grows', () => {
    expect(inGib([use({ standing: 'so-far' })])).toBeNull();
    expect(inGib([])).toBeNull();
  });

  it('is not decided by another launch where the settings leave something open', () => {
    expect(inGib([use()], { isSettled: false, launch: 'other' })).toBeNull();
    expect(inGib([use()], { isSettled: false })).not.toBeNull();
  });

  it('is not decided by a run on devices of another kind', () => {
    expect(inGib([use({ model: 'NVIDIA H100 80GB HBM3', capability: 9 })])).toBeNull();
    expect(inGib([use({ model: 'NVIDIA A100-SXM4-40GB' })])).not.toBeNull();
    expect(inGib([use({ model: 'unheard of', capability: null })])).toBeNull();
  });

  it('is known of what cannot be estimated, as far as it was seen', () => {
    expect(inGib([use({ usedGib: 61 })], {}, null)).toEqual(['measured', 0, 61, 61]);
    expect(inGib([use({ standing: 'out-of-memory', capacityGib: 70 })], {}, null)?.[1]).toBeCloseTo(70.7);
    const elsewhere = use({ standing: 'out-of-memory', model: 'NVIDIA A100-SXM4-40GB', capacityGib: 39 });
    expect(inGib([elsewhere], {}, null)).toBeNull();
  });

  it('is an interval in order, whatever was seen', () => {
    const standing = fc.constantFrom(
      'measured' as const,
      'upper-bound' as const,
      'out-of-memory' as const,
      'so-far' as const,
    );
    const drawn = fc.record({
      standing,
      usedGib: fc.double({ min: 0, max: 79, noNaN: true }),
      capacityGib: fc.double({ min: 1, max: 79, noNaN: true }),
      besideGib: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(
          drawn.map((change) => use(change)),
          { maxLength: 6 },
        ),
        fc.boolean(),
        (uses, isEstimated) => {
          const found = narrowed(isEstimated ? ESTIMATE : null, seen(uses), traits);
          if (found === null) return;
          const { low, expected, high } = found.requiredBytes;
          expect(low).toBeGreaterThanOrEqual(0);
          expect(expected).toBeGreaterThanOrEqual(low);
          expect(high).toBeGreaterThanOrEqual(expected);
          expect(narrowed(isEstimated ? ESTIMATE : null, seen(uses.toReversed()), traits)).toEqual(found);
        },
      ),
    );
  });
});

const a100 = node('n1', [{ gib: 79, count: 8 }]);
const a100Small = node('n2', [{ model: 'NVIDIA A100-SXM4-40GB', gib: 39.5, count: 8 }]);

function fitted(uses: readonly ObservedUse[], nodes: readonly BuiltNode[], change: Partial<Seen> = {}): WorkloadFit {
  return fitWorkload({
    workload: workload([podSet()]),
    runs: [{ podSet: 'main', role: 'model', training: true, run: run(), unknown: [] }],
    cluster: indexCluster(snapshot(...nodes)),
    estimate: () => ({ estimate: ESTIMATE }),
    estimateTogether: () => ({ together: ESTIMATE, alone: [] }),
    traitsOf: (model) => ({ model, vendor: 'nvidia', computeCapability: 8 }),
    seen: () => seen(uses, change),
  });
}

describe('the verdict on a run that was seen before', () => {
  it('says what it used, next to the estimate', () => {
    const fit = fitted([use({ usedGib: 61 })], [a100]);
    expect(fit).toMatchObject({ verdict: 'fits', excessBytes: 6 * GIB });
    expect(fit.reason).toBe(`used 61.0 GiB before (estimate 52.0 GiB), the device has 79.0 GiB (${A100})`);
    expect(fit.observed).toEqual([
      expect.objectContaining({ standing: 'measured', usedBytes: 61 * GIB, runs: 1, decides: true }),
    ]);
  });

  it('is will-not-fit on devices of the size on which it was out of memory', () => {
    const fit = fitted([use({ standing: 'out-of-memory' })], [a100]);
    expect(fit.verdict).toBe('will-not-fit');
    expect(fit.reason).toBe(
      `was out of memory with 79.0 GiB before (estimate 52.0 GiB), the device has 79.0 GiB (${A100})`,
    );
    expect(fitted([use({ standing: 'out-of-memory', besideGib: 30 })], [a100]).verdict).toBe('fits');
  });

  it('fits a smaller device where it used less than was expected', () => {
    expect(fitted([], [a100Small]).verdict).toBe('will-not-fit');
    expect(fitted([use({ usedGib: 38 })], [a100Small]).verdict).toBe('fits');
  });

  it('is tight where it ran and was out of memory on such devices', () => {
    const uses = [use({ standing: 'out-of-memory' }), use({ usedGib: 70, run: 'w-2/0' })];
    expect(fitted(uses, [a100])).toMatchObject({ verdict: 'tight' });
  });

  it('is that of the estimate where what was seen does not decide, and what was seen is told', () => {
    const open = { isSettled: false, launch: 'other' };
    const fit = fitted([use({ standing: 'out-of-memory' })], [a100], open);
    expect(fit).toMatchObject({ verdict: 'fits', observed: [{ decides: false, standing: 'out-of-memory' }] });
    expect(fit.reason).toMatch(/^needs 52\.0 GiB/);
  });
});
