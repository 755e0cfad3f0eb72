import { describe, expect, it } from '@jest/globals';
import { loadFacts } from '../advisor/facts.js';
import { reading } from '../../test/builders/readings.js';
import { Backfill } from './backfill.js';
import type { InventorySource, Stretch } from './sources.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const NOW = Date.UTC(2026, 10, 20, 12, 20);
const context = { gpus: loadFacts().gpus, now: () => NOW, signal: new AbortController().signal };
const options = { lengthMs: 3 * HOUR_MS, windowMs: 15 * MINUTE_MS };

/** A source that keeps history, with what it was asked for; `answers` tells of each question whether it is answered. */
function history(answers: (question: number) => boolean): { source: InventorySource; asked: Stretch[] } {
  const asked: Stretch[] = [];
  const source: InventorySource = {
    name: 'history',
    collect: () => Promise.resolve({ readings: [], results: [], nodes: null }),
    async *backfill(_, stretch) {
      asked.push(stretch);
      const outcome = answers(asked.length) ? ('ok' as const) : ('timeout' as const);
      yield await Promise.resolve({ readings: [reading({ seenAtMs: stretch.fromMs })], results: [], nodes: null });
      const result = { target: 'history', outcome, problem: null, durationMs: 1, malformedLines: 0 };
      yield { readings: [], results: [result], nodes: null };
    },
  };
  return { source, asked };
}

const inHours = (stretches: readonly Stretch[]): number[][] =>
  stretches.map(({ fromMs, toMs }) =>
    [(NOW - fromMs) / HOUR_MS, (NOW - toMs) / HOUR_MS].map((h) => Number(h.toFixed(2))),
  );

describe('the past of a source that keeps history', () => {
  it('is asked for hour by hour, from a whole window on, up to the start and no further', async () => {
    const { source, asked } = history(() => true);
    const backfill = new Backfill([source], options, NOW);
    const taken: number[] = [];
    for (let i = 0; i < 10; i += 1) await backfill.next(context, (readings) => taken.push(readings.length));
    expect(inHours(asked)).toEqual([
      [2.83, 2.33],
      [2.33, 1.33],
      [1.33, 0.33],
      [0.33, 0],
    ]);
    expect(backfill.remainingMs).toBe(0);
    expect(taken.reduce((a, b) => a + b)).toBe(4);
  });

  it('is asked for again where an hour failed', async () => {
    const { source, asked } = history((question) => question !== 2);
    const backfill = new Backfill([source], options, NOW);
    for (let i = 0; i < 5; i += 1) await backfill.next(context, () => undefined);
    expect(inHours(asked)[1]).toEqual(inHours(asked)[2]);
    expect(backfill.remainingMs).toBe(0);
  });

  it('is given up where five questions in a row failed', async () => {
    const { source, asked } = history(() => false);
    const backfill = new Backfill([source], options, NOW);
    for (let i = 0; i < 10; i += 1) await backfill.next(context, () => undefined);
    expect(asked).toHaveLength(5);
    expect(backfill.remainingMs).toBe(0);
  });

  it('is not asked for where it is not wanted, or the source keeps none', async () => {
    const { source, asked } = history(() => true);
    const without = { ...history(() => true).source, backfill: undefined };
    for (const [sources, lengthMs] of [
      [[source], 0],
      [[without], HOUR_MS],
    ] as const) {
      const backfill = new Backfill(sources, { ...options, lengthMs }, NOW);
      expect(backfill.remainingMs).toBe(0);
      await backfill.next(context, () => undefined);
    }
    expect(asked).toEqual([]);
  });
});
