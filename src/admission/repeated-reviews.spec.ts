import { describe, expect, it } from '@jest/globals';
import { CameBefore, namedReview, RepeatedReviews } from './repeated-reviews.js';
import type { Decision } from './reviewer.js';

const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';
const OTHER = '705ab4f5-6393-11e8-b7cc-42010a800003';
const body = (uid: string, rest = ',"operation":"CREATE"') =>
  Buffer.from(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"${uid}"${rest}}}`);
const decision: Decision = {
  answer: { allowed: true },
  outcome: 'assessed',
  verdict: 'fits',
  assessment: null,
  lasting: true,
};

describe('a review that comes again', () => {
  it('is known by all but its uid', () => {
    expect(namedReview('mutate', body(UID))?.uid).toBe(UID);
    expect(namedReview('mutate', body(OTHER))?.rest).toBe(namedReview('mutate', body(UID))?.rest);
    expect(namedReview('validate', body(UID))?.rest).not.toBe(namedReview('mutate', body(UID))?.rest);
    expect(namedReview('mutate', body(UID, ',"operation":"UPDATE"'))?.rest).not.toBe(
      namedReview('mutate', body(UID))?.rest,
    );
  });

  it.each([
    ['another order', Buffer.from(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}`)],
    ['a uid of another form', body(UID.replace('a', '\\'))],
    ['a uid of another length', body(`${UID}0`)],
    ['less than its uid', body(UID).subarray(0, 100)],
    ['nothing', Buffer.alloc(0)],
  ])('is none where it is written with %s', (_, text) => {
    expect(namedReview('mutate', text)).toBeNull();
  });

  it('gets the same decision, until what it rests on is another', () => {
    const repeated = new RepeatedReviews();
    const named = namedReview('mutate', body(UID))!;
    repeated.remember(named, decision, { uid: UID, revision: '1' });
    expect(repeated.recall(named, '1')).toBe(decision);
    expect(repeated.recall(named, '2')).toBeUndefined();
    expect(repeated.recall(named, '1')).toBeUndefined();
  });

  it('is decided anew where the decision may be another, or where it names two uids', () => {
    const repeated = new RepeatedReviews();
    const named = namedReview('mutate', body(UID))!;
    repeated.remember(named, { ...decision, lasting: false }, { uid: UID, revision: '1' });
    repeated.remember(named, decision, { uid: OTHER, revision: '1' });
    expect(repeated.recall(named, '1')).toBeUndefined();
  });

  it('is told from one that comes for the first time', () => {
    const came = new CameBefore();
    const first = namedReview('mutate', body(UID))!;
    const others = Array.from({ length: 50 }, (_, index) => namedReview('mutate', body(UID, `,"n":${index}`))!);
    expect(came.note(first)).toBe(false);
    expect(others.map((other) => came.note(other))).not.toContain(true);
    expect(came.note(namedReview('mutate', body(OTHER))!)).toBe(true);
  });
});
