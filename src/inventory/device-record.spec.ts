import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { reading } from '../../test/builders/readings.js';
import { CAPACITY_HORIZON_MS, currentReading, DAY_MS, observed } from './device-record.js';
import type { DeviceRecord } from './device-record.js';
import type { DeviceReading } from './reading.js';

const NOW = reading().seenAtMs;
const after = (...readings: Partial<DeviceReading>[]): DeviceRecord => {
  const [first, ...rest] = readings.map(reading);
  return rest.reduce((record, each) => observed(record, each, NOW), observed(undefined, first ?? reading(), NOW));
};
const capacity = (record: DeviceRecord): number => currentReading(record).capacityBytes;

describe('what is known of a device', () => {
  it('is its largest capacity of a week, and its use of now', () => {
    const record = after(
      { capacityBytes: 81e9, usedBytes: 0 },
      { capacityBytes: 70e9, usedBytes: 60e9, seenAtMs: NOW + 6 * DAY_MS },
    );
    expect(currentReading(record)).toMatchObject({ capacityBytes: 81e9, usedBytes: 60e9, seenAtMs: NOW + 6 * DAY_MS });
    expect(
      capacity(observed(record, reading({ capacityBytes: 70e9, seenAtMs: NOW + 8 * DAY_MS }), NOW + 8 * DAY_MS)),
    ).toBe(70e9);
  });

  it.each([{ migProfile: '1g.10gb' }, { driverVersion: '590.48' }, { model: 'NVIDIA A100-SXM4-40GB' }])(
    'starts over when the same key becomes another device: %j',
    (change) => {
      const before = after({ capacityBytes: 81e9, migProfile: '3g.40gb' });
      const record = observed(
        before,
        reading({ capacityBytes: 9e9, migProfile: '3g.40gb', seenAtMs: NOW + 1, ...change }),
        NOW + 1,
      );
      expect(capacity(record)).toBe(9e9);
      expect(record.capacitySinceMs).toBe(NOW + 1);
    },
  );

  it('does not start over because an exporter leaves a label out', () => {
    const record = after(
      { capacityBytes: 81e9 },
      { capacityBytes: 70e9, driverVersion: null, model: '', seenAtMs: NOW + 1 },
    );
    expect(capacity(record)).toBe(81e9);
  });

  it('is not set back by a reading that comes late', () => {
    const late = { usedBytes: 9, seenAtMs: NOW - 1, capacityBytes: 82e9 };
    const record = after({ usedBytes: 5, capacityBytes: 80e9 }, late);
    expect(currentReading(record)).toMatchObject({ usedBytes: 5, capacityBytes: 82e9 });
    expect(capacity(after({ capacityBytes: 80e9 }, { ...late, driverVersion: 'old' }))).toBe(80e9);
  });

  it('is what is read after the clock was set back, whatever was read before', () => {
    const before = observed(undefined, reading({ usedBytes: 5, seenAtMs: NOW + 2 * DAY_MS }), NOW + 2 * DAY_MS);
    const record = observed(before, reading({ usedBytes: 9, seenAtMs: NOW }), NOW);
    expect(currentReading(record)).toMatchObject({ usedBytes: 9, seenAtMs: NOW });
  });

  it('is never less than what was last seen, and stays small', () => {
    const step = fc.record({ capacityBytes: fc.integer({ min: 1, max: 100 }), days: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        let seenAtMs = NOW;
        let record: DeviceRecord | undefined;
        for (const { capacityBytes, days } of steps) {
          seenAtMs += days * DAY_MS;
          record = observed(record, reading({ capacityBytes, seenAtMs }), seenAtMs);
          expect(capacity(record)).toBeGreaterThanOrEqual(capacityBytes);
        }
        expect(record?.days.length).toBeLessThanOrEqual(CAPACITY_HORIZON_MS / DAY_MS);
      }),
    );
  });
});
