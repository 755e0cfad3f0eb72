import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { reading } from '../../test/builders/readings.js';
import { WindowBuffer } from './window-buffer.js';

const NOON = Date.UTC(2026, 10, 20, 12);
const MINUTE = 60_000;
const buffer = (mostWaiting = 1_000): WindowBuffer => new WindowBuffer({ seconds: 60, mostWaiting });

describe('windows that wait to be written', () => {
  it('hold the extremes of each device and stretch of time', () => {
    const windows = buffer();
    windows.add([reading({ usedBytes: 5, capacityBytes: 80 }), reading({ uuid: 'GPU-2', usedBytes: null })]);
    windows.add([reading({ usedBytes: 9, capacityBytes: 79, seenAtMs: NOON + 30_000 })]);
    windows.add([reading({ usedBytes: 1, seenAtMs: NOON + MINUTE })]);
    expect(windows.all()).toMatchObject([
      { uuid: 'GPU-1', startMs: NOON, seconds: 60, capacityBytes: 80, usedMinBytes: 5, usedMaxBytes: 9, samples: 2 },
      { uuid: 'GPU-2', startMs: NOON, usedMinBytes: null, usedMaxBytes: null, samples: 1 },
      { uuid: 'GPU-1', startMs: NOON + MINUTE, usedMinBytes: 1, samples: 1 },
    ]);
  });

  it('are kept while they are open, so that they are written whole in the end', () => {
    const windows = buffer();
    windows.add([reading({ usedBytes: 5 }), reading({ usedBytes: 7, seenAtMs: NOON + MINUTE })]);
    windows.written(NOON + MINUTE + 1);
    windows.add([reading({ usedBytes: 9, seenAtMs: NOON + MINUTE + 2 })]);
    expect(windows.all()).toMatchObject([{ startMs: NOON + MINUTE, usedMinBytes: 7, usedMaxBytes: 9, samples: 2 }]);
  });

  it('never exceed their bound by more than the two newest stretches, and lose no sample and no peak', () => {
    const step = fc.record({
      gpu: fc.integer({ min: 0, max: 3 }),
      minutes: fc.integer({ min: 0, max: 2 }),
      used: fc.nat(100),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const windows = buffer(8);
        let seenAtMs = NOON;
        for (const { gpu, minutes, used } of steps) {
          seenAtMs += minutes * MINUTE;
          windows.add([reading({ uuid: `GPU-${gpu}`, usedBytes: used, seenAtMs })]);
          expect(windows.waiting).toBeLessThanOrEqual(8);
        }
        const all = windows.all();
        expect(all.reduce((sum, { samples }) => sum + samples, 0)).toBe(steps.length);
        expect(Math.max(0, ...all.map(({ usedMaxBytes }) => usedMaxBytes ?? 0))).toBe(
          Math.max(0, ...steps.map(({ used }) => used)),
        );
      }),
    );
  });

  it('cover the time of what was merged into them', () => {
    const windows = buffer(2);
    for (const minute of [0, 1, 5, 6]) windows.add([reading({ seenAtMs: NOON + minute * MINUTE })]);
    expect(windows.all()).toMatchObject([
      { startMs: NOON, seconds: 360, samples: 3 },
      { startMs: NOON + 6 * MINUTE, seconds: 60 },
    ]);
    expect(windows.merged).toBe(2);
  });
});
