import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isDeeperThan, MalformedReview, readReview } from './review.js';

const review = (request: object, more: object = {}) =>
  Buffer.from(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request, ...more }));

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe('the envelope of a review', () => {
  it('gives uid, operation, namespace, dry run and both objects', () => {
    const request = {
      uid: 'u',
      operation: 'UPDATE',
      namespace: 'n',
      dryRun: true,
      username: 'alice',
      object: { a: 1 },
      oldObject: { b: 2 },
    };
    const { username, ...sent } = request;
    expect(readReview(review({ ...sent, userInfo: { username, groups: [] } }))).toEqual(request);
  });

  it('takes what is absent for nothing', () => {
    expect(readReview(review({ uid: 'u', operation: 'DELETE', namespace: '', object: null }))).toEqual({
      uid: 'u',
      operation: 'DELETE',
      namespace: null,
      dryRun: false,
      username: '',
      object: null,
      oldObject: null,
    });
  });

  it.each([
    ['no JSON', Buffer.from('{')],
    ['another kind', review({}, { kind: 'Pod' })],
    ['another version', review({}, { apiVersion: 'admission.k8s.io/v1beta1' })],
    ['no uid', review({ operation: 'CREATE' })],
    ['an unknown operation', review({ uid: 'u', operation: 'PATCH' })],
    ['no request', Buffer.from('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}')],
    ['an endless nesting', Buffer.from('['.repeat(1_000_000))],
  ])('is refused with %s', (_, body) => {
    expect(() => readReview(body)).toThrow(MalformedReview);
  });

  it('is refused or read, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => readReview(Buffer.from(bytes))).toThrow(MalformedReview);
      }),
    );
  });

  it('has its depth counted as the parser would, strings left out', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 0, max: 8 }), (value, limit) => {
        expect(isDeeperThan(Buffer.from(JSON.stringify(value)), limit)).toBe(depthOf(value) > limit);
      }),
    );
    expect(isDeeperThan(Buffer.from('"\\\\\\"[[[["'), 1)).toBe(false);
  });
});
