import { describe, expect, it } from '@jest/globals';
import { encodeAnswer, encodeRepeatedAnswer, oneLine } from './answer.js';
import type { Answer } from './answer.js';

const responseTo = (answer: Answer) =>
  (JSON.parse(encodeAnswer('the-uid', answer)) as { response: Record<string, unknown> }).response;

describe('an encoded answer', () => {
  it('echoes the uid in an AdmissionReview v1', () => {
    expect(JSON.parse(encodeAnswer('the-uid', { allowed: true }))).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'the-uid', allowed: true },
    });
  });

  it('gives patch and patchType together or not at all', () => {
    expect(responseTo({ allowed: true, patch: [] })).not.toHaveProperty('patchType');
    const { patch, patchType } = responseTo({ allowed: true, patch: [{ op: 'remove', path: '/a' }] });
    expect(patchType).toBe('JSONPatch');
    expect(JSON.parse(Buffer.from(String(patch), 'base64').toString())).toEqual([{ op: 'remove', path: '/a' }]);
  });

  it('has at most three warnings of at most 120 characters', () => {
    const warnings = responseTo({ allowed: true, warnings: ['é'.repeat(500), 'b', 'c', 'd'] })['warnings'] as string[];
    expect(warnings.map((warning) => Array.from(warning).length)).toEqual([120, 1, 1]);
  });

  it('denies with a message for the person', () => {
    expect(responseTo({ allowed: false, denial: 'no' })).toMatchObject({
      allowed: false,
      status: { code: 403, reason: 'Forbidden', message: 'no' },
    });
  });

  it('is ASCII whatever it says, and says the same when it is given again', () => {
    const answer = { allowed: true, warnings: ['8.3Gi (7.9Gi–8.8Gi), für 😀'] };
    const texts = ['uid-1', 'uid-2'].map((uid) => encodeRepeatedAnswer(uid, answer));
    expect(texts).toEqual([encodeAnswer('uid-1', answer), encodeAnswer('uid-2', answer)]);
    expect(texts.join('')).toMatch(/^[\x20-\x7e]*$/);
    expect(responseTo(answer)['warnings']).toEqual(answer.warnings);
  });

  it('keeps text on one line without control characters', () => {
    expect(oneLine('a\r\nb\u001b[31m c', 50)).toBe('a b [31m c');
  });
});
