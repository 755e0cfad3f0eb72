import { describe, expect, it } from '@jest/globals';
import { exitStatusOf } from './exit-status.js';

describe('exit status', () => {
  it('0 where everything fits, is tight or is not known', () => {
    expect(exitStatusOf(['fits', 'fits-some', 'tight', 'unknown'], 0)).toBe(0);
  });

  it('3 where something will not fit or has no place, whatever else could not be read', () => {
    expect(exitStatusOf(['fits', 'will-not-fit'], 0)).toBe(3);
    expect(exitStatusOf(['unschedulable'], 2)).toBe(3);
  });

  it('1 where something could not be read', () => {
    expect(exitStatusOf(['fits'], 1)).toBe(1);
    expect(exitStatusOf([], 1)).toBe(1);
  });
});
