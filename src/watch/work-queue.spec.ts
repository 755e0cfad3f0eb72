import { describe, expect, it, jest } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { WorkQueue } from './work-queue.js';
import type { WorkQueueOptions } from './work-queue.js';

const queueOf = (options: Partial<WorkQueueOptions>) =>
  new WorkQueue({ handle: () => Promise.resolve(), perSecond: 1000, retryMs: [], failed: () => undefined, ...options });

describe('a work queue', () => {
  it('works on a key once, however often it was added meanwhile', async () => {
    const seen: string[] = [];
    const queue = queueOf({ handle: (key) => Promise.resolve(void seen.push(key)) });
    for (const key of ['a', 'b', 'a', 'a', 'b']) queue.add(key);
    await pause(50);
    expect(seen.sort()).toEqual(['a', 'b']);
  });

  it('works on a key again that was added while it was worked on', async () => {
    let rounds = 0;
    const queue: WorkQueue = queueOf({
      handle: (key) => {
        if (++rounds === 1) queue.add(key);
        return Promise.resolve();
      },
    });
    queue.add('a');
    await pause(50);
    expect(rounds).toBe(2);
  });

  it('is not faster than allowed', async () => {
    let count = 0;
    const queue = queueOf({ perSecond: 50, handle: () => Promise.resolve(void count++) });
    for (let key = 0; key < 100; key++) queue.add(String(key));
    await pause(110);
    await queue.stop();
    expect(count).toBeGreaterThanOrEqual(2);
    expect(count).toBeLessThanOrEqual(7);
  });

  it('goes on at its pace when the clock is set back meanwhile', async () => {
    const seen: string[] = [];
    const clock = jest.spyOn(Date, 'now');
    const setBack = (): void => void clock.mockReturnValue(0);
    const queue = queueOf({ handle: (key) => Promise.resolve(void seen.push(key)).then(setBack) });
    queue.add('a');
    queue.add('b');
    await pause(60);
    clock.mockRestore();
    await queue.stop();
    expect(seen).toEqual(['a', 'b']);
  });

  it('tries again after a failure, and gives up after the last pause', async () => {
    const told: (number | null)[] = [];
    const queue = queueOf({
      handle: () => Promise.reject(new Error('no')),
      retryMs: [5, 10],
      failed: (_key, _error, retryMs) => told.push(retryMs),
    });
    queue.add('a');
    await pause(80);
    expect(told).toEqual([5, 10, null]);
  });

  it('keeps one delayed call per key, and drops it when stopped', async () => {
    let count = 0;
    const queue = queueOf({ handle: () => Promise.resolve(void count++) });
    queue.add('a', 10);
    queue.add('a', 10);
    await pause(40);
    expect(count).toBe(1);
    queue.add('a', 10);
    await queue.stop();
    await pause(40);
    expect(count).toBe(1);
  });
});
