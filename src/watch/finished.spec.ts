import { describe, expect, it } from '@jest/globals';
import { isFinished } from './finished.js';

describe('a finished workload', () => {
  it.each([
    ['a complete Job', { conditions: [{ type: 'Complete', status: 'True' }] }, true],
    [
      'a failed PyTorchJob',
      {
        conditions: [
          { type: 'Created', status: 'True' },
          { type: 'Failed', status: 'True' },
        ],
      },
      true,
    ],
    ['a Pod that succeeded', { phase: 'Succeeded' }, true],
    ['a Job that runs', { conditions: [{ type: 'Complete', status: 'False' }], active: 1 }, false],
    ['a suspended Job', { conditions: [{ type: 'Suspended', status: 'True' }] }, false],
    ['a status of another shape', { conditions: 'none', phase: 3 }, false],
  ])('is told from its status: %s', (_, status, finished) => {
    expect(isFinished({ status })).toBe(finished);
    expect(isFinished({})).toBe(false);
  });
});
