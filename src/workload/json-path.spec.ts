import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { itemPath, memberPath, objectRoot, parsePath } from './json-path.js';

describe('a JSON path', () => {
  it('reads as people write it', () => {
    const limits = memberPath(itemPath(memberPath(memberPath('', 'spec'), 'containers'), 0), 'limits');
    expect(memberPath(limits, 'nvidia.com/gpu')).toBe('spec.containers[0].limits["nvidia.com/gpu"]');
  });

  it('goes on within the text of a string and within another object', () => {
    expect(parsePath('spec.templates[0].resource.manifest!spec.replicas')).toEqual([
      'spec',
      'templates',
      0,
      'resource',
      'manifest',
      { embedded: true },
      'spec',
      'replicas',
    ]);
    expect(memberPath(objectRoot('ClusterTrainingRuntime', 'torch'), 'spec')).toBe('ClusterTrainingRuntime/torch!spec');
  });

  it('of any keys and indices leads back to them', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.nat({ max: 99_999 })), { maxLength: 8 }), (steps) => {
        const path = steps.reduce<string>(
          (base, step) => (typeof step === 'number' ? itemPath(base, step) : memberPath(base, step)),
          '',
        );
        expect(parsePath(path)).toEqual(steps);
      }),
    );
  });

  it('that is none says so', () => {
    expect(parsePath('spec..x')).toBeNull();
    expect(parsePath('[x]')).toBeNull();
  });
});
