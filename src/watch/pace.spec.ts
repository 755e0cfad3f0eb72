import { describe, expect, it } from '@jest/globals';
import { Pace } from './pace.js';

describe('a pace', () => {
  it('lets a burst through at once, and what comes after at its rate', async () => {
    const pace = new Pace({ perSecond: 50, burst: 5 });
    const start = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => pace.step()));
    expect(performance.now() - start).toBeLessThan(15);
    await Promise.all(Array.from({ length: 5 }, () => pace.step()));
    expect(performance.now() - start).toBeGreaterThan(95);
  });

  it('saves up no more than a burst, however long nothing was done', async () => {
    let nowMs = 0;
    const pace = new Pace({ perSecond: 1, burst: 2, nowMs: () => nowMs });
    nowMs = 3_600_000;
    await pace.step();
    await pace.step();
    const third = pace.step().then(() => 'let through');
    expect(await Promise.race([third, new Promise((done) => setTimeout(done, 20, 'held'))])).toBe('held');
    nowMs += 1_000;
    expect(await third).toBe('let through');
  });
});
