import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { firstUse, furtherUse, ownPeakOf, worstUse } from './device-use.js';
import type { UseSample } from './device-use.js';
import { standingOf } from './standing.js';
import { GIB, MINUTE_MS, observation, steadyUse } from '../../test/builders/observation.js';

const at = (minute: number, usedGib: number, change: Partial<UseSample> = {}): UseSample => ({
  atMs: minute * MINUTE_MS,
  usedBytes: usedGib * GIB,
  capacityBytes: 79 * GIB,
  sharing: 'alone',
  ...change,
});
/** Later than all samples here. */
const NOW_MS = 600 * MINUTE_MS;
const through = (samples: readonly UseSample[], baselineGib: number | null = null) =>
  samples
    .slice(1)
    .reduce(
      (use, sample) => furtherUse(use, sample, NOW_MS),
      firstUse(samples[0]!, baselineGib === null ? null : baselineGib * GIB),
    );

describe('what a pod used of a device', () => {
  it('is its peak, when that was reached, and what it uses now', () => {
    const use = through([at(0, 0.01), at(1, 16), at(2, 61), at(3, 60)]);
    expect(use).toMatchObject({ peakBytes: 61 * GIB, peakAtMs: 2 * MINUTE_MS, currentBytes: 60 * GIB, samples: 3 });
    expect(use.startedAtMs).toBe(MINUTE_MS);
  });

  it('is without what was in use before it came', () => {
    const use = through([at(0, 3), at(1, 3.05), at(2, 20)], 3);
    expect(ownPeakOf(use)).toBe(17 * GIB);
    expect(use.startedAtMs).toBe(2 * MINUTE_MS);
  });

  it('of several devices is that of the worst', () => {
    expect(
      worstUse([steadyUse({ usedGib: 30 }), steadyUse({ usedGib: 50 }), steadyUse({ usedGib: 60, baselineGib: 20 })]),
    ).toEqual(steadyUse({ usedGib: 50 }));
    expect(worstUse([])).toBeNull();
  });

  it('goes on after the clock was set back, and nothing of it lies in the time to come', () => {
    const before = furtherUse(firstUse(at(500, 20), null), at(501, 40), 501 * MINUTE_MS);
    const use = furtherUse(before, at(10, 61), 10 * MINUTE_MS);
    expect(use).toMatchObject({ peakBytes: 61 * GIB, peakAtMs: 10 * MINUTE_MS, startedAtMs: 10 * MINUTE_MS });
    expect(furtherUse(use, at(11, 50), 11 * MINUTE_MS)).toMatchObject({ currentBytes: 50 * GIB, samples: 4 });
  });

  it('does not depend on samples that come twice or late', () => {
    const sample = fc.record({ minute: fc.integer({ min: 0, max: 50 }), gib: fc.integer({ min: 0, max: 79 }) });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1 }), (drawn) => {
        const samples = drawn
          .toSorted((a, b) => a.minute - b.minute)
          .filter(({ minute }, index, all) => minute !== all[index - 1]?.minute)
          .map(({ minute, gib }) => at(minute, gib));
        const repeated = samples.flatMap((one, index) => [one, ...samples.slice(0, index + 1)]);
        expect(through(repeated)).toEqual(through(samples));
        expect(through(samples).peakBytes).toBe(Math.max(...samples.map(({ usedBytes }) => usedBytes)));
      }),
    );
  });
});

describe('what an observation is worth', () => {
  it.each([
    ['a run that ended well with room to spare', {}, 'measured'],
    ['a run that ended well near the capacity', { usedGib: 75 }, 'upper-bound'],
    ['a run that goes on, long at its peak', { ending: null, minutes: 45 }, 'measured'],
    ['a run that goes on, not long at its peak', { ending: null, minutes: 20 }, 'so-far'],
    ['a run that ended well at once', { minutes: 1 }, 'too-short'],
    ['a run that never used the device', { usedGib: 0.05 }, 'too-short'],
    ['a run that failed of something else', { ending: 'failed', minutes: 20 }, 'so-far'],
    ['a run that failed of something else, after long at its peak', { ending: 'failed', minutes: 90 }, 'measured'],
    ['a run out of GPU memory, however short', { ending: 'out-of-gpu-memory', minutes: 0 }, 'out-of-memory'],
    ['a run out of memory of the host', { ending: 'out-of-host-memory', minutes: 20 }, 'so-far'],
    ['a run on a device that others use', { sharing: 'mixed' }, 'mixed'],
    ['out of GPU memory beside others', { sharing: 'own-figure', ending: 'out-of-gpu-memory' }, 'mixed'],
    ['a figure of its own beside others', { sharing: 'own-figure' }, 'measured'],
  ] as const)('%s', (_, change, standing) => {
    expect(standingOf(observation(change))).toBe(standing);
  });
});
