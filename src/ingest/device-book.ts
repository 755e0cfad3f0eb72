import { CAPACITY_HORIZON_MS, currentReading, observed } from '../inventory/device-record.js';
import type { DeviceRecord } from '../inventory/device-record.js';
import { deviceKey } from '../inventory/reading.js';
import type { DeviceReading } from '../inventory/reading.js';

/** Every device that was seen within the horizon, with what it showed. */
export class DeviceBook {
  #records = new Map<string, DeviceRecord>();

  get size(): number {
    return this.#records.size;
  }

  /** Takes readings in at the time `nowMs`, and returns the records of the devices that they are of. */
  observe(readings: readonly DeviceReading[], nowMs: number): readonly DeviceRecord[] {
    return readings.map((reading) => {
      const key = deviceKey(reading);
      const record = observed(this.#records.get(key), reading, nowMs);
      this.#records.set(key, record);
      return record;
    });
  }

  /** Takes stored records in: of a device that both know, what was seen last stands, and the capacities of both count. */
  merge(records: readonly DeviceRecord[]): void {
    for (const stored of records) {
      const key = deviceKey(stored.last);
      const known = this.#records.get(key);
      this.#records.set(key, known === undefined ? stored : mergedRecord(known, stored));
    }
  }

  /** Devices that were not seen for the horizon are forgotten. */
  forget(nowMs: number): void {
    for (const [key, { last }] of this.#records) {
      if (nowMs - last.seenAtMs > CAPACITY_HORIZON_MS) this.#records.delete(key);
    }
  }

  records(): readonly DeviceRecord[] {
    return [...this.#records.values()];
  }

  /** The last reading of each device with the largest capacity of the horizon. */
  current(): readonly DeviceReading[] {
    return this.records().map(currentReading);
  }
}

function mergedRecord(known: DeviceRecord, stored: DeviceRecord): DeviceRecord {
  const [older, newer] = known.last.seenAtMs >= stored.last.seenAtMs ? [stored, known] : [known, stored];
  const { last, capacitySinceMs } = observed(older, newer.last, newer.last.seenAtMs);
  const isSame = capacitySinceMs === older.capacitySinceMs;
  if (!isSame) return newer;
  return { last, capacitySinceMs, days: largestByDay([...older.days, ...newer.days]) };
}

function largestByDay(days: DeviceRecord['days']): DeviceRecord['days'] {
  const largest = new Map<number, number>();
  for (const { startMs, capacityBytes } of days) {
    largest.set(startMs, Math.max(largest.get(startMs) ?? 0, capacityBytes));
  }
  return [...largest].sort(([a], [b]) => a - b).map(([startMs, capacityBytes]) => ({ startMs, capacityBytes }));
}
