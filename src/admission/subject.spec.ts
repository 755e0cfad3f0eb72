import { describe, expect, it } from '@jest/globals';
import { jobManifest } from '../../test/fixtures/jobs.js';
import type { JsonObject } from '../workload/workload.js';
import type { ReviewRequest } from './protocol/review.js';
import { subjectOf } from './subject.js';

const request = (object: JsonObject | null, more: Partial<ReviewRequest> = {}): ReviewRequest => ({
  uid: 'u',
  operation: 'CREATE',
  namespace: 'team-a',
  dryRun: false,
  object,
  oldObject: null,
  ...more,
});

const update = (before: JsonObject, after: JsonObject) =>
  subjectOf(request(after, { operation: 'UPDATE', oldObject: before }));

const withSpec = (change: JsonObject): JsonObject => {
  const job = jobManifest();
  return { ...job, spec: { ...(job['spec'] as JsonObject), ...change } };
};

describe('the subject of a review', () => {
  it('is a created workload that asks for GPUs', () => {
    expect(subjectOf(request(jobManifest()))).toMatchObject({ change: 'created' });
  });

  it('has no name yet where the API server makes one up', () => {
    const subject = subjectOf(request(jobManifest({ name: null, generateName: 'train-' })));
    expect(subject).toMatchObject({ change: 'created', workload: { reference: { name: null } } });
  });

  it('is nothing when it is deleted', () => {
    expect(subjectOf(request(null, { operation: 'DELETE', oldObject: jobManifest() }))).toBe('operation');
    expect(subjectOf(request(jobManifest({ deletionTimestamp: '2026-01-01T00:00:00Z' })))).toBe('deleting');
  });

  it('is nothing of a kind that is not handled, or without GPUs', () => {
    expect(subjectOf(request({ apiVersion: 'v1', kind: 'Service', metadata: {} }))).toBe('other-kind');
    expect(subjectOf(request(jobManifest({}, { resources: {} })))).toBe('no-devices');
  });

  it('is not a child of an owner that is handled', () => {
    const ownerReferences = [
      { apiVersion: 'kubeflow.org/v1', kind: 'PyTorchJob', name: 'p', uid: 'p', controller: true },
    ];
    expect(subjectOf(request(jobManifest({ ownerReferences })))).toBe('child');
  });

  it('is an update that changes the pods or what is declared of them', () => {
    const declared = jobManifest({ annotations: { 'plimsoll.dev/run': 'model: gpt2' } });
    expect(update(jobManifest(), jobManifest({}, { args: ['--batch', '2'] }))).toMatchObject({ change: 'pods' });
    expect(update(jobManifest(), withSpec({ parallelism: 4, completions: 4 }))).toMatchObject({ change: 'pods' });
    expect(update(jobManifest(), declared)).toMatchObject({ change: 'pods' });
  });

  it('is an update that lets a suspended workload go', () => {
    expect(update(withSpec({ suspend: true }), jobManifest())).toMatchObject({ change: 'suspension' });
  });

  it('is let go as well where the one who does so says on which nodes', () => {
    const released = jobManifest();
    const { template } = released['spec'] as { template: { spec: JsonObject } };
    template.spec['nodeSelector'] = { 'cloud.google.com/gke-accelerator': 'nvidia-l4' };
    expect(update(withSpec({ suspend: true }), released)).toMatchObject({ change: 'suspension' });
    expect(update(jobManifest(), released)).toMatchObject({ change: 'pods' });
  });

  it('is not an update of anything else', () => {
    expect(update(jobManifest(), jobManifest({ labels: { a: 'b' } }))).toBe('unchanged');
    expect(update(jobManifest(), withSpec({ backoffLimit: 1 }))).toBe('unchanged');
    expect(update(jobManifest(), jobManifest({ annotations: { 'plimsoll.dev/verdict': 'fits' } }))).toBe('unchanged');
  });
});
