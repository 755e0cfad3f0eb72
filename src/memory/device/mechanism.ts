import type { RunValues } from '../../run/training-run.js';
import type { BreakdownCategory, DeviceTraits, Interval } from '../estimate.js';

/** Something that takes device memory beside the caching allocator, and how sure we are of how much. */
export interface DeviceMechanism {
  /** Names it among the contributors to the interval. */
  readonly name: string;
  readonly category: BreakdownCategory;
  /** What a person can do to narrow the interval; null: nothing short of measuring. */
  readonly remedy: string | null;
  /** Bytes of one process on one device. */
  bytes(run: RunValues, device: DeviceTraits): Interval;
}

export const NOTHING: Interval = { low: 0, expected: 0, high: 0 };

/** An interval from whole MiB. */
export const mebibytes = (low: number, expected: number, high: number): Interval => ({
  low: low * 2 ** 20,
  expected: expected * 2 ** 20,
  high: high * 2 ** 20,
});

/** The interval of `count` equal, independent things. */
export const times = (one: Interval, count: number): Interval => ({
  low: one.low * count,
  expected: one.expected * count,
  high: one.high * count,
});

export const sumOf = (one: Interval, other: Interval): Interval => ({
  low: one.low + other.low,
  expected: one.expected + other.expected,
  high: one.high + other.high,
});
