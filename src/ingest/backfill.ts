import type { DeviceReading } from '../inventory/reading.js';
import type { CollectContext, InventorySource, TargetResult } from './sources.js';

const HOUR_MS = 3_600_000;

/** Failures in a row after which a source is not asked for the past any more. */
const MOST_FAILURES = 5;

export interface BackfillOptions {
  /** How far back is asked for; 0: not at all. */
  lengthMs: number;
  /** Length of the windows that are stored: the past begins with a whole one. */
  windowMs: number;
}

/** What became of one stretch of the past. */
export interface PastTaken {
  readings: number;
  results: readonly TargetResult[];
}

/**
 * Asks the sources that keep history for what was before this process began to collect: hour by hour, one with each call,
 * the oldest first. An hour that fails is asked for again with the next call; taking the same hour twice changes nothing.
 */
export class Backfill {
  /** Hours that are not taken in yet, of each source that keeps history. */
  readonly #pending: { source: InventorySource; fromMs: number; toMs: number; failures: number }[];

  constructor(sources: readonly InventorySource[], { lengthMs, windowMs }: BackfillOptions, nowMs: number) {
    const fromMs = Math.ceil((nowMs - lengthMs) / windowMs) * windowMs;
    const keep = lengthMs > 0 ? sources.filter((source) => source.backfill !== undefined) : [];
    this.#pending = keep.map((source) => ({ source, fromMs, toMs: nowMs, failures: 0 }));
  }

  /** How much of the past is still to be asked for, in milliseconds. */
  get remainingMs(): number {
    return this.#pending.reduce((most, { fromMs, toMs }) => Math.max(most, toMs - fromMs), 0);
  }

  /** The next hour of each source; `take` is given the readings of one moment after the other. Never rejects. */
  async next(context: CollectContext, take: (readings: readonly DeviceReading[]) => void): Promise<PastTaken> {
    const taken = { readings: 0, results: [] as TargetResult[] };
    for (const each of [...this.#pending]) {
      const toMs = Math.min(each.toMs, Math.floor(each.fromMs / HOUR_MS) * HOUR_MS + HOUR_MS);
      let isWhole = true;
      for await (const part of each.source.backfill?.(context, { fromMs: each.fromMs, toMs }) ?? []) {
        take(part.readings);
        taken.readings += part.readings.length;
        taken.results.push(...part.results);
        isWhole &&= part.results.every(({ outcome }) => outcome === 'ok' || outcome === 'empty');
      }
      each.failures = isWhole ? 0 : each.failures + 1;
      if (isWhole) each.fromMs = toMs;
      if (each.fromMs >= each.toMs || each.failures >= MOST_FAILURES) {
        this.#pending.splice(this.#pending.indexOf(each), 1);
      }
    }
    return taken;
  }
}
