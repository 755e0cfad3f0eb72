import type { DeviceReading } from './reading.js';
import { isLate } from './wall-clock.js';

/** The largest capacity that a device showed over a stretch of time. */
export interface CapacityWindow {
  startMs: number;
  capacityBytes: number;
}

/** What is known of one device: its last reading, and what it showed before. */
export interface DeviceRecord {
  last: DeviceReading;
  /** When it became what it is: a GPU instance that is sliced anew, or another driver, starts over. */
  capacitySinceMs: number;
  /** One per day, oldest first, no older than the horizon. */
  days: readonly CapacityWindow[];
}

export const DAY_MS = 24 * 3_600_000;

/** For how long a capacity that was seen once is believed. */
export const CAPACITY_HORIZON_MS = 7 * DAY_MS;

/**
 * The record after one more reading, at the time `nowMs`. One that comes late changes nothing but the capacity, and not even
 * that where it is of what the device was before.
 */
export function observed(record: DeviceRecord | undefined, reading: DeviceReading, nowMs: number): DeviceRecord {
  if (record === undefined) return begun(reading);
  const comesLate = isLate(reading.seenAtMs, record.last.seenAtMs, nowMs);
  if (isAnother(record.last, reading)) return comesLate ? record : begun(reading);
  const last = comesLate ? record.last : reading;
  return { last, capacitySinceMs: record.capacitySinceMs, days: withCapacity(record.days, reading) };
}

const begun = (reading: DeviceReading): DeviceRecord => ({
  last: reading,
  capacitySinceMs: reading.seenAtMs,
  days: withCapacity([], reading),
});

/** The last reading with the largest capacity of the horizon: a device does not shrink because it is in use. */
export function currentReading(record: DeviceRecord): DeviceReading {
  const capacityBytes = record.days.reduce((most, day) => Math.max(most, day.capacityBytes), record.last.capacityBytes);
  return capacityBytes === record.last.capacityBytes ? record.last : { ...record.last, capacityBytes };
}

/** Whether the same key stands for another device now. A model or driver that one of two readings does not name does not count. */
function isAnother(before: DeviceReading, now: DeviceReading): boolean {
  const differs = (a: string | null, b: string | null): boolean => Boolean(a) && Boolean(b) && a !== b;
  return (
    differs(before.migProfile, now.migProfile) ||
    differs(before.driverVersion, now.driverVersion) ||
    differs(before.model, now.model)
  );
}

function withCapacity(days: readonly CapacityWindow[], reading: DeviceReading): readonly CapacityWindow[] {
  const startMs = Math.floor(reading.seenAtMs / DAY_MS) * DAY_MS;
  const same = days.find((day) => day.startMs === startMs);
  if (same !== undefined && same.capacityBytes >= reading.capacityBytes) return days;
  const others = days.filter((day) => day.startMs !== startMs && startMs - day.startMs < CAPACITY_HORIZON_MS);
  return [...others, { startMs, capacityBytes: reading.capacityBytes }].sort((a, b) => a.startMs - b.startMs);
}
