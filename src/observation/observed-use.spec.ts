import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GIB, MINUTE_MS, observation } from '../../test/builders/observation.js';
import type { ObservationChange } from '../../test/builders/observation.js';
import { usesOf } from './observed-use.js';
import { STANDING_DEFAULTS } from './standing.js';

const usesIn = (changes: readonly ObservationChange[], most = 100) =>
  usesOf(changes.map(observation), STANDING_DEFAULTS, most);

describe('what runs used, by fingerprint', () => {
  it('is one use for the pods of a workload: that of the pod that used most', () => {
    const uses = usesIn([{ usedGib: 40 }, { id: 'pod-2/0', usedGib: 50 }, { id: 'pod-3/0', usedGib: 45 }]);
    expect(uses.get('f-1')).toEqual([expect.objectContaining({ usedBytes: 50 * GIB, standing: 'measured' })]);
  });

  it('is out of memory where one of its pods was', () => {
    const uses = usesIn([{ usedGib: 50 }, { id: 'pod-2/0', usedGib: 45, ending: 'out-of-gpu-memory' }]);
    expect(uses.get('f-1')?.map(({ standing }) => standing)).toEqual(['out-of-memory']);
  });

  it('counts what is started again in place as another run', () => {
    const uses = usesIn([{ ending: 'out-of-gpu-memory' }, { id: 'pod-1/1', usedGib: 41, startedAtMs: 90 * MINUTE_MS }]);
    expect(uses.get('f-1')?.map(({ standing }) => standing)).toEqual(['measured', 'out-of-memory']);
  });

  it('leaves out what does not count', () => {
    expect(usesIn([{ minutes: 1 }, { sharing: 'mixed' }]).size).toBe(0);
    expect(usesOf([{ ...observation(), run: null }], STANDING_DEFAULTS, 10).size).toBe(0);
  });

  it('keeps the newest, and no more than it may', () => {
    const many = Array.from({ length: 30 }, (_, index) => ({
      id: `p-${index}/0`,
      workload: `w-${index}`,
      fingerprint: `f-${index % 3}`,
      startedAtMs: index * MINUTE_MS,
    }));
    const uses = usesIn(many, 2);
    expect([...uses.keys()]).toEqual(['f-2', 'f-1']);
    expect(uses.get('f-2')).toHaveLength(5);
  });

  it('does not depend on the order in which pods were seen', () => {
    const change = fc.record({
      id: fc.constantFrom('a/0', 'b/0', 'c/1'),
      workload: fc.constantFrom('w-1', 'w-2'),
      usedGib: fc.constantFrom(20, 40, 75),
      ending: fc.constantFrom('completed' as const, 'out-of-gpu-memory' as const, 'failed' as const),
    });
    fc.assert(
      fc.property(fc.uniqueArray(change, { selector: (one) => JSON.stringify(one) }), (changes) => {
        const told = (all: readonly ObservationChange[]) =>
          usesIn(all)
            .get('f-1')
            ?.map(({ standing, run, usedBytes }) => [standing, run, usedBytes]);
        expect(told(changes.toReversed())).toEqual(told(changes));
      }),
    );
  });
});
