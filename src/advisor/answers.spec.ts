import { describe, expect, it } from '@jest/globals';
import type { Observed } from '../fit/assessment.js';
import { assessmentWith } from '../../test/fixtures/assessments.js';
import { answerAnnotations, denial, isRejecting, warnings } from './answers.js';
import type { Rejectable } from './answers.js';

describe('answers to a workload', () => {
  it('compare the need with the roomiest device where nothing fits', () => {
    expect(answerAnnotations(assessmentWith('will-not-fit'))).toEqual({
      verdict: 'will-not-fit',
      memory: '45.5Gi (44.0Gi–48.0Gi)',
      capacity: '39.5Gi on NVIDIA A100-SXM4-40GB',
      advice: 'write --per_device_train_batch_size 2 (was 8)',
      assessment: 'a1b2c3',
    });
  });

  it('compare the need with the tightest device where it fits', () => {
    expect(answerAnnotations(assessmentWith('fits'))).toMatchObject({ capacity: '22.0Gi on NVIDIA L4' });
  });

  it('leave out what is not known', () => {
    expect(answerAnnotations(assessmentWith('unknown', { fit: [], advice: [] }))).toEqual({
      verdict: 'unknown',
      assessment: 'a1b2c3',
    });
  });

  it('stay short, whatever a manifest made of them', () => {
    const advice = [{ ...assessmentWith('fits').advice[0]!, summary: 'x\n'.repeat(5000) }];
    expect(answerAnnotations(assessmentWith('tight', { advice })).advice).toHaveLength(300);
  });

  it('warn with the verdict first and the advice after it, in three lines', () => {
    const [first] = assessmentWith('tight').advice;
    expect(warnings(assessmentWith('tight', { advice: [first!, first!, first!] }))).toEqual([
      'plimsoll: tight: needs 45.5 GiB, NVIDIA A100-SXM4-40GB gives 39.5 GiB',
      'plimsoll: write --per_device_train_batch_size 2 (was 8)',
      'plimsoll: write --per_device_train_batch_size 2 (was 8)',
    ]);
  });

  it('say for an unknown what to declare', () => {
    const unknown = [{ field: 'model', reason: 'nothing names it', declare: 'model: gpt2' }];
    const runs = [{ podSet: 'main', role: 'model', training: true, settings: null, unknown, notes: [] }];
    expect(warnings(assessmentWith('unknown', { runs, reason: 'the model is not known' }))).toEqual([
      'plimsoll: unknown: the model is not known',
      'plimsoll: to settle it, annotate plimsoll.dev/run: "model: gpt2"',
    ]);
  });

  it('deny with the number, the device, the smallest change and the way past', () => {
    expect(denial(assessmentWith('will-not-fit'))).toBe(
      'plimsoll: will-not-fit: needs 45.5 GiB, NVIDIA A100-SXM4-40GB gives 39.5 GiB. ' +
        'Smallest change: --per_device_train_batch_size 2 (was 8). ' +
        'To let it through as it is, annotate plimsoll.dev/override: "<reason>".',
    );
  });

  it('reject only the verdicts that the operator has rejected', () => {
    const verdicts = ['fits', 'fits-some', 'tight', 'unknown', 'will-not-fit', 'unschedulable'] as const;
    const rejecting = (rejected: readonly Rejectable[]): readonly string[] =>
      verdicts.filter((verdict) => isRejecting(assessmentWith(verdict), rejected));
    expect(rejecting(['will-not-fit'])).toEqual(['will-not-fit']);
    expect(rejecting(['will-not-fit', 'unschedulable'])).toEqual(['will-not-fit', 'unschedulable']);
  });

  it('tell what was seen before in the second line, and how long ago', () => {
    const DAY_MS = 86_400_000;
    const seen: Observed = {
      podSet: 'main',
      deviceClass: 'NVIDIA L4',
      standing: 'measured',
      usedBytes: 20 * 1024 ** 3,
      besideBytes: 0,
      capacityBytes: 22 * 1024 ** 3,
      runs: 1,
      atMs: 0,
      decides: true,
    };
    const assessment = assessmentWith('fits', { reason: 'used 20.0 GiB before', observed: [seen] });
    expect(warnings(assessment, 3 * DAY_MS).slice(0, 2)).toEqual([
      'plimsoll: fits: used 20.0 GiB before',
      'plimsoll: the same settings used 20.0 GiB on NVIDIA L4 3 days ago',
    ]);
    expect(answerAnnotations(assessment)).toMatchObject({ observed: '20.0Gi on NVIDIA L4, 1970-01-01' });
    const failed = { ...seen, standing: 'out-of-memory' as const, besideBytes: 2 * 1024 ** 3, decides: false };
    expect(warnings(assessmentWith('tight', { observed: [failed] }), 90_000)[1]).toBe(
      'plimsoll: the same settings ran out of memory at 20.0 GiB on NVIDIA L4 beside 2.0 GiB that others held 1 minute ago (they leave something open: not decisive)',
    );
  });
});
