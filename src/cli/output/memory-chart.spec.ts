import { describe, expect, it } from '@jest/globals';
import type { Phase, TimelinePoint } from '../../memory/estimate.js';
import { bar, memoryChart, relativeWidth } from './memory-chart.js';

const GIB = 1024 ** 3;
const stretch = (phase: Phase, iteration: number, gib: readonly number[]): TimelinePoint[] =>
  gib.map((height) => ({ phase, iteration, allocatedBytes: height * GIB, reservedBytes: height * GIB }));

const timeline = [
  ...stretch('model', 1, [1, 1]),
  ...stretch('forward', 1, [2, 3, 4, 5, 6, 7, 8, 8]),
  ...stretch('backward', 1, [8, 7, 6, 5, 4, 3, 2, 2, 2]),
  ...stretch('step', 1, [3, 3, 3, 3, 3]),
  ...stretch('forward', 2, [4, 5, 6, 7, 8, 8, 8, 8]),
];

describe('memory over the iterations', () => {
  it('draws one column for each stretch, with phases and iterations under it', () => {
    expect(`\n${memoryChart(timeline, { columns: 60, height: 4 })}`).toBe(`
  8.0 ┤       ▄███▄               ▄████
  6.0 ┤     ▄███████▄           ▄██████
  4.0 ┤   ▄███████████▄   ▄▄▄▄▄████████
  2.0 ┤▄▄██████████████████████████████
       m forward backward step forward
       │ iteration 1           │ iteration 2`);
  });

  it('takes the highest of what falls into one column', () => {
    const chart = memoryChart(
      stretch(
        'forward',
        1,
        Array.from({ length: 500 }, (_, at) => (at === 250 ? 9 : 1)),
      ),
      {
        columns: 47,
        height: 3,
      },
    );
    expect(chart.split('\n')[0]).toMatch(/9\.0 ┤ +█$/);
  });

  it('is empty without a timeline', () => {
    expect(memoryChart([], { columns: 80, height: 4 })).toBe('');
  });
});

describe('bars and widths', () => {
  it('a bar is as long as its share', () => {
    expect(bar(1)).toBe('█'.repeat(24));
    expect(bar(0.5)).toBe('█'.repeat(12));
    expect(bar(1 / 192)).toBe('▏');
    expect(bar(0)).toBe('');
  });

  it('an interval is as wide as half its span', () => {
    expect(relativeWidth({ low: 98, expected: 100, high: 102 })).toBe('±2 %');
    expect(relativeWidth({ low: 100, expected: 100, high: 100 })).toBe('±0.0 %');
  });
});
