import { describe, expect, it } from '@jest/globals';
import { AHEAD_MS, isDue, isLate } from './wall-clock.js';

const NOW = Date.UTC(2026, 10, 20, 12);
const DAY_MS = 86_400_000;

describe('what comes late', () => {
  it('is older than what is known', () => {
    expect(isLate(NOW - 1, NOW, NOW)).toBe(true);
    expect(isLate(NOW - DAY_MS, NOW, NOW)).toBe(true);
    expect(isLate(NOW, NOW, NOW)).toBe(false);
  });

  it('is not what was measured after the clock was set back', () => {
    expect(isLate(NOW, NOW + 2 * DAY_MS, NOW)).toBe(false);
    expect(isLate(NOW, NOW + AHEAD_MS, NOW)).toBe(true);
  });
});

describe('what is to be done again', () => {
  it('is due after its time', () => {
    expect(isDue(-Infinity, 1_000, NOW)).toBe(true);
    expect(isDue(NOW - 999, 1_000, NOW)).toBe(false);
    expect(isDue(NOW - 1_000, 1_000, NOW)).toBe(true);
  });

  it('is due where the clock was set back', () => expect(isDue(NOW + DAY_MS, 1_000, NOW)).toBe(true));
});
