import { describe, expect, it } from '@jest/globals';
import { DEFAULT_ALLOCATOR_CONFIG } from './allocator/config.js';
import { replay } from './allocator/replay.js';
import { roundingOf } from './allocator/rounding.js';
import { breakdownOf, liveByCategory } from './breakdown.js';
import type { MemoryEvents } from './events.js';
import { timelineOf } from './timeline.js';

const MIB = 2 ** 20;

/** Weights, then a layer's output and a temporary that dies, twice. */
const LIST: MemoryEvents = {
  sizes: [30 * MIB, 12 * MIB, 1000, 12 * MIB, 1000],
  streams: new Uint8Array(5),
  categories: ['parameters', 'activations', 'temporaries', 'activations', 'temporaries'],
  operations: new Uint16Array(5),
  operationNames: ['mm'],
  events: Int32Array.from([0, 1, 2, -3, 3, 4, -5, -2, -4]),
  phases: [
    { name: 'model', iteration: 1, firstEvent: 0 },
    { name: 'forward', iteration: 1, firstEvent: 1 },
    { name: 'backward', iteration: 1, firstEvent: 7 },
  ],
};

describe('breakdown', () => {
  const round = roundingOf(DEFAULT_ALLOCATOR_CONFIG);

  it('counts what is alive at the peak, rounded to blocks', () => {
    expect([...liveByCategory(LIST, 5, round)]).toEqual([
      ['parameters', 30 * MIB],
      ['activations', 24 * MIB],
      ['temporaries', 1024],
    ]);
  });

  it('adds up to reserved and outside', () => {
    const { peakReservedBytes, peakAllocatedEvent } = replay(LIST, DEFAULT_ALLOCATOR_CONFIG);
    const live = liveByCategory(LIST, peakAllocatedEvent, round);
    const parts = breakdownOf(live, peakReservedBytes, [{ category: 'context', bytes: 500 * MIB }]);
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(peakReservedBytes + 500 * MIB);
    expect(parts.map(({ category }) => category)).toEqual([
      'parameters',
      'activations',
      'temporaries',
      'cached',
      'context',
    ]);
  });
});

describe('timeline', () => {
  it('keeps at most 200 points and the peak among them', () => {
    const count = 5000;
    const long: MemoryEvents = {
      ...LIST,
      sizes: new Array<number>(count).fill(512),
      streams: new Uint8Array(count),
      categories: new Array<'activations'>(count).fill('activations'),
      operations: new Uint16Array(count),
      events: Int32Array.from({ length: count }, (_, index) => index),
    };
    const { series, peakAllocatedBytes } = replay(long, DEFAULT_ALLOCATOR_CONFIG, Infinity, { series: true });
    const points = timelineOf(long, series!);
    expect(points.length).toBeLessThanOrEqual(200);
    expect(Math.max(...points.map((point) => point.allocatedBytes))).toBe(peakAllocatedBytes);
  });

  it('shows every phase that has events', () => {
    const { series } = replay(LIST, DEFAULT_ALLOCATOR_CONFIG, Infinity, { series: true });
    expect(new Set(timelineOf(LIST, series!).map(({ phase }) => phase))).toEqual(
      new Set(['model', 'forward', 'backward']),
    );
  });
});
