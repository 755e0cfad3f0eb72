import { describe, expect, it } from '@jest/globals';
import type { PipelinePlace } from './schedule.js';
import { passesOf, warmUpPasses } from './schedule.js';

const place = (changes: Partial<PipelinePlace>): PipelinePlace => ({
  stage: 0,
  stages: 4,
  chunks: 1,
  microBatches: 8,
  ...changes,
});

/** Most micro-batches between their forward and their backward pass. */
function mostInFlight(passes: ReturnType<typeof passesOf>): number {
  let now = 0;
  let most = 0;
  for (const { pass } of passes) {
    now += pass === 'forward' ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

describe('one forward, one backward', () => {
  it.each([
    [0, 4],
    [1, 3],
    [3, 1],
  ])('stage %i of 4 has %i micro-batches in flight', (stage, inFlight) => {
    expect(mostInFlight(passesOf(place({ stage }), '1f1b'))).toBe(inFlight);
  });

  it('has no more in flight than there are micro-batches', () => {
    expect(mostInFlight(passesOf(place({ microBatches: 2 }), '1f1b'))).toBe(2);
  });
});

describe('GPipe', () => {
  it('runs all forward passes first, on every stage', () => {
    expect(mostInFlight(passesOf(place({ stage: 3 }), 'gpipe'))).toBe(8);
  });
});

describe('interleaved stages', () => {
  it('warm up with two passes for each later stage and one for each stage and further part', () => {
    expect(warmUpPasses(place({ chunks: 2 }))).toBe(2 * 3 + 4);
    expect(warmUpPasses(place({ chunks: 2, stage: 3 }))).toBe(4);
  });

  it('take as many micro-batches as there are stages through one part, then through the next', () => {
    const passes = passesOf(place({ stages: 2, chunks: 2, microBatches: 4 }), 'interleaved');
    expect(passes.slice(0, 4)).toEqual([0, 0, 1, 1].map((chunk) => ({ pass: 'forward', chunk })));
    expect(passes.filter(({ pass }) => pass === 'backward').map(({ chunk }) => chunk)).toEqual([
      1, 1, 0, 0, 1, 1, 0, 0,
    ]);
    expect(passes).toHaveLength(16);
  });
});
