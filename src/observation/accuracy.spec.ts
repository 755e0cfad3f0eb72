import { describe, expect, it } from '@jest/globals';
import { GIB, observation } from '../../test/builders/observation.js';
import { accuracyOf } from './accuracy.js';
import { STANDING_DEFAULTS } from './standing.js';

const accuracies = (...all: readonly ReturnType<typeof observation>[]) => accuracyOf(all, STANDING_DEFAULTS);

describe('how estimates compare with what was observed', () => {
  it('is told by cluster, program and version, groups with most runs first', () => {
    const rows = accuracies(
      observation({ run: { program: 'torchtune', programVersion: '0.3' } }),
      observation({ fingerprint: 'a', estimateGib: 66, usedGib: 60 }),
      observation({ fingerprint: 'b', estimateGib: 60, usedGib: 60 }),
      observation({ fingerprint: 'c', estimateGib: 48, usedGib: 60 }),
    );
    expect(rows.map(({ program, programVersion, runs }) => [program, programVersion, runs])).toEqual([
      ['transformers', '4.46.0', 3],
      ['torchtune', '0.3', 1],
    ]);
    expect(rows[0]).toMatchObject({ cluster: 'default', torch: '2.4.1', pods: 3, medianError: 0, outOfMemory: 0 });
    expect(rows[0]?.errorSpread).toBeCloseTo(0.1);
    expect(rows[0]?.medianAbsoluteError).toBeCloseTo(0.1);
    expect(rows[0]?.withinInterval).toBeCloseTo(1 / 3);
    expect(rows[0]?.under).toBeCloseTo(1 / 3);
  });

  it('counts runs of the same settings once', () => {
    const same = Array.from({ length: 9 }, (_, pod) => observation({ id: `p-${pod}/0`, estimateGib: 90, usedGib: 60 }));
    const [row] = accuracies(...same, observation({ fingerprint: 'b', estimateGib: 60, usedGib: 60 }));
    expect(row).toMatchObject({ runs: 2, pods: 10 });
    expect(row?.medianError).toBeCloseTo(0.25);
  });

  it('counts runs out of memory that were promised to fit', () => {
    const ending = 'out-of-gpu-memory';
    const [row] = accuracies(
      observation({ fingerprint: 'a', ending, estimateGib: 58 }),
      observation({ fingerprint: 'b', ending, estimateGib: 90 }),
      observation({ fingerprint: 'c', ending, estimateGib: 58, baselineGib: 40 }),
    );
    expect(row).toMatchObject({
      runs: 0,
      medianError: null,
      withinInterval: null,
      outOfMemory: 3,
      outOfMemoryUnforeseen: 1,
    });
  });

  it('says nothing of what was not read, not estimated, or not the need', () => {
    expect(
      accuracies(
        { ...observation(), run: null },
        observation({ run: { estimate: null } }),
        observation({ usedGib: 78 }),
        observation({ minutes: 1 }),
        observation({ sharing: 'mixed' }),
      ),
    ).toEqual([]);
  });

  it('leaves out what was in use before', () => {
    const [row] = accuracies(observation({ usedGib: 70, baselineGib: 10, estimateGib: 60 }));
    expect(row?.medianError).toBeCloseTo(0);
    expect(observation().use.peakBytes).toBe(60 * GIB);
  });
});
