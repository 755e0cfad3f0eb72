import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { decodeCursor, encodeCursor, pageOf } from './paging.js';
import { ProblemError } from './problem.js';

describe('paging', () => {
  it('gives every item once, in order, whatever the page size', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 10 }), (names, limit) => {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = pageOf(names, (name) => name, { limit, cursor });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          seen.push(...page.items);
          cursor = page.next ?? undefined;
        } while (cursor !== undefined);
        expect(seen).toEqual([...names].sort((a, b) => (a < b ? -1 : 1)));
      }),
    );
  });

  it('refuses a cursor that was not given out', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeCursor(text, z.tuple([z.string(), z.literal('ours')]))).toThrow(ProblemError);
      }),
    );
    expect(decodeCursor(encodeCursor(['a', 1]), z.tuple([z.string(), z.number()]))).toEqual(['a', 1]);
  });
});
