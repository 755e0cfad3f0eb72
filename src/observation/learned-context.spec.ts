import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { observation } from '../../test/builders/observation.js';
import { learnedContexts } from './learned-context.js';
import type { PodObservation } from './pod-observation.js';
import { medianOf, robustSpread } from './robust.js';
import { STANDING_DEFAULTS } from './standing.js';

const MIB = 1024 ** 2;
const contextsOf = (observations: readonly PodObservation[]) => learnedContexts(observations, STANDING_DEFAULTS);

/** A run that takes so much beside the allocator, where 512 MiB were reckoned with. */
function runTaking(contextMib: number, index: number, change: Parameters<typeof observation>[0] = {}): PodObservation {
  const estimateGib = 10 + index;
  const usedGib = estimateGib + (contextMib - 512) / 1024;
  return observation({
    id: `p-${index}/0`,
    fingerprint: `f-${index}`,
    workload: `w-${index}`,
    estimateGib,
    usedGib,
    ...change,
  });
}

const runs = (contextsMib: readonly number[]): PodObservation[] =>
  contextsMib.map((mib, index) => runTaking(mib, index));

describe('the context of a stack', () => {
  it('is the median of what eight distinct runs imply, within three deviations', () => {
    const [learned, ...others] = contextsOf(runs([690, 695, 700, 700, 700, 700, 705, 710]));
    expect(others).toEqual([]);
    expect(learned).toMatchObject({ framework: 'pytorch', torch: '2.4', cuda: '12.1', runs: 8 });
    expect(learned?.bytes.expected).toBeCloseTo(700 * MIB, -3);
    expect(learned?.bytes.low).toBeLessThan(700 * MIB);
    expect(learned?.bytes.high).toBeLessThan(740 * MIB);
  });

  it('is not learned from seven runs, nor from eight pods of the same settings', () => {
    expect(contextsOf(runs(Array.from({ length: 7 }, () => 700)))).toEqual([]);
    const same = Array.from({ length: 9 }, (_, index) => runTaking(700, index, { fingerprint: 'f' }));
    expect(contextsOf(same)).toEqual([]);
  });

  it('is not learned where the rest differs from run to run: that is something else', () => {
    expect(contextsOf(runs([300, 500, 700, 900, 1100, 1300, 1500, 1700]))).toEqual([]);
  });

  it.each([
    ['less than any context takes', 20],
    ['more than any context takes', 4000],
  ])('is not learned where it would be %s', (_, mib) => {
    expect(contextsOf(runs(Array.from({ length: 10 }, () => mib)))).toEqual([]);
  });

  it('is that of its own stack and device alone', () => {
    const other = Array.from({ length: 8 }, (_, index) => runTaking(400, 50 + index, { run: { torch: '1.13.1' } }));
    const learned = contextsOf([...runs(Array.from({ length: 8 }, () => 700)), ...other]);
    expect(learned.map(({ torch, bytes }) => [torch, Math.round(bytes.expected / MIB)])).toEqual([
      ['1.13', 400],
      ['2.4', 700],
    ]);
  });

  it('takes no notice of runs near the capacity, of shared devices, and of runs that were too short', () => {
    const odd = [
      runTaking(5000, 90, { usedGib: 78 }),
      runTaking(5000, 91, { sharing: 'mixed' }),
      runTaking(5000, 92, { minutes: 1 }),
    ];
    expect(contextsOf([...runs(Array.from({ length: 7 }, () => 700)), ...odd])).toEqual([]);
  });

  const amounts = fc.array(fc.integer({ min: 650, max: 750 }), { minLength: 8, maxLength: 30 });

  it('does not depend on the order of the runs', () => {
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 29 }), (mibs, by) => {
        const all = runs(mibs);
        const turned = [...all.slice(by), ...all.slice(0, by)].reverse();
        expect(contextsOf(turned)).toEqual(contextsOf(all));
      }),
    );
  });

  it('is not moved beyond the others by less than half of wild ones', () => {
    fc.assert(
      fc.property(amounts, fc.array(fc.integer({ min: -5000, max: 60_000 }), { maxLength: 7 }), (mibs, wild) => {
        const outliers = wild.map((mib, index) =>
          runTaking(512, 40 + index, { usedGib: Math.max(1, 15 + mib / 1024) }),
        );
        const [learned] = contextsOf([...runs(mibs), ...outliers.slice(0, Math.floor((mibs.length - 1) / 2))]);
        if (learned === undefined) return; // too far apart to be one constant
        expect(learned.bytes.expected / MIB).toBeGreaterThanOrEqual(Math.min(...mibs) - 0.01);
        expect(learned.bytes.expected / MIB).toBeLessThanOrEqual(Math.max(...mibs) + 0.01);
      }),
    );
  });

  it('grows where what is used grows, and never shrinks for it', () => {
    fc.assert(
      fc.property(amounts, fc.integer({ min: 0, max: 200 }), (mibs, more) => {
        const [before, after] = [contextsOf(runs(mibs)), contextsOf(runs(mibs.map((mib) => mib + more)))];
        const step = (after[0]?.bytes.expected ?? NaN) - (before[0]?.bytes.expected ?? NaN);
        expect(step / MIB).toBeCloseTo(more, 3);
      }),
    );
  });
});

describe('a median with its spread', () => {
  const values = fc.array(fc.double({ min: -1e12, max: 1e12, noNaN: true }), { minLength: 1, maxLength: 40 });

  it('has as many values above as below, whatever their order', () => {
    fc.assert(
      fc.property(values, (drawn) => {
        const { median, mad } = robustSpread(drawn);
        expect(drawn.filter((value) => value < median).length).toBeLessThanOrEqual(drawn.length / 2);
        expect(drawn.filter((value) => value > median).length).toBeLessThanOrEqual(drawn.length / 2);
        expect(mad).toBeGreaterThanOrEqual(0);
        expect(medianOf(drawn.toReversed())).toBe(median);
      }),
    );
  });

  it('never falls where values rise', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.double({ min: 0, max: 1e12, noNaN: true }), (drawn, position, more) => {
        const raised = drawn.map((value, index) => (index === position % drawn.length ? value + more : value));
        expect(medianOf(raised)).toBeGreaterThanOrEqual(medianOf(drawn));
      }),
    );
  });

  it('of nothing is no number', () => {
    expect(medianOf([])).toBeNaN();
  });
});
