import { describe, expect, it } from '@jest/globals';
import { ToldVerdicts } from './told-verdicts.js';

describe('telling verdicts', () => {
  it('tells a first verdict at once', () => {
    expect(new ToldVerdicts(60).decide('u', 'fits', null, 0)).toEqual({ what: 'now', before: null });
  });

  it('tells nothing that the object carries already', () => {
    expect(new ToldVerdicts(60).decide('u', 'fits', 'fits', 0)).toEqual({ what: 'nothing' });
  });

  it('tells a change, with the verdict before', () => {
    expect(new ToldVerdicts(60).decide('u', 'tight', 'fits', 0)).toEqual({ what: 'now', before: 'fits' });
  });

  it('waits after it has told, and tells nothing if the verdict is back by then', () => {
    const verdicts = new ToldVerdicts(60);
    verdicts.told('u', 'fits', 100);
    expect(verdicts.decide('u', 'tight', 'fits', 110)).toEqual({ what: 'later', inMs: 50 });
    expect(verdicts.decide('u', 'fits', 'fits', 160)).toEqual({ what: 'nothing' });
    expect(verdicts.decide('u', 'tight', 'fits', 160)).toEqual({ what: 'now', before: 'fits' });
  });

  it('waits no longer than a while when the clock is set back meanwhile', () => {
    const verdicts = new ToldVerdicts(60);
    verdicts.told('u', 'fits', 3600);
    expect(verdicts.decide('u', 'tight', 'fits', 10)).toEqual({ what: 'later', inMs: 60 });
    expect(verdicts.decide('u', 'tight', 'fits', 70)).toEqual({ what: 'now', before: 'fits' });
  });

  it('knows nothing of a workload that is gone', () => {
    const verdicts = new ToldVerdicts(60);
    verdicts.told('u', 'fits', 100);
    verdicts.forget('u');
    expect(verdicts.decide('u', 'tight', null, 110)).toEqual({ what: 'now', before: null });
  });
});
