import { describe, expect, it } from '@jest/globals';
import { jobManifest } from '../../test/fixtures/jobs.js';
import type { JsonObject } from '../workload/workload.js';
import type { ReviewRequest } from './protocol/review.js';
import { NamespaceView } from './namespace-view.js';
import { subjectOf } from './subject.js';

const known = new NamespaceView({ defaultMode: 'advise', reject: ['will-not-fit'] });
const CONTROLLER = 'system:serviceaccount:kubeflow:training-operator';

const request = (object: JsonObject | null, more: Partial<ReviewRequest> = {}): ReviewRequest => ({
  uid: 'u',
  operation: 'CREATE',
  namespace: 'team-a',
  dryRun: false,
  username: 'alice',
  object,
  oldObject: null,
  ...more,
});

const update = (before: JsonObject, after: JsonObject) =>
  subjectOf(request(after, { operation: 'UPDATE', oldObject: before }), known);

const withSpec = (change: JsonObject): JsonObject => {
  const job = jobManifest();
  return { ...job, spec: { ...(job['spec'] as JsonObject), ...change } };
};

describe('the subject of a review', () => {
  it('is a created workload that asks for GPUs', () => {
    expect(subjectOf(request(jobManifest()), known)).toMatchObject({ change: 'created' });
  });

  it('has no name yet where the API server makes one up', () => {
    const subject = subjectOf(request(jobManifest({ name: null, generateName: 'train-' })), known);
    expect(subject).toMatchObject({ change: 'created', workload: { reference: { name: null } } });
  });

  it('is nothing when it is deleted', () => {
    expect(subjectOf(request(null, { operation: 'DELETE', oldObject: jobManifest() }), known)).toBe('operation');
    expect(subjectOf(request(jobManifest({ deletionTimestamp: '2026-01-01T00:00:00Z' })), known)).toBe('deleting');
  });

  it('is nothing of a kind that is not handled, or without GPUs', () => {
    expect(subjectOf(request({ apiVersion: 'v1', kind: 'Service', metadata: {} }), known)).toBe('other-kind');
    expect(subjectOf(request(jobManifest({}, { resources: {} })), known)).toBe('no-devices');
  });

  it('is not a child of an owner that is handled', () => {
    const ownerReferences = [
      { apiVersion: 'kubeflow.org/v1', kind: 'PyTorchJob', name: 'p', uid: 'p', controller: true },
    ];
    expect(subjectOf(request(jobManifest({ ownerReferences }), { username: CONTROLLER }), known)).toBe('child');
  });

  it('is no child by the word of a person, nor by that of an account of its own namespace about an owner not there', () => {
    const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'nightly', uid: 'n', controller: true }];
    const by = (username: string, view = known) =>
      subjectOf(request(jobManifest({ ownerReferences }), { username }), view);
    for (const username of ['alice', 'system:admin', 'system:anonymous', '', 'system:serviceaccount:team-a:ci']) {
      expect(by(username)).toMatchObject({ change: 'created' });
    }
    const view = new NamespaceView({ defaultMode: 'advise', reject: ['will-not-fit'] });
    view.setOwner('team-a', 'CronJob', 'nightly', true);
    expect(by('system:serviceaccount:team-a:operator', view)).toBe('child');
    expect(by('alice', view)).toMatchObject({ change: 'created' });
    for (const username of ['system:serviceaccount:kube-system:cronjob-controller', 'system:kube-controller-manager']) {
      expect(by(username)).toBe('child');
    }
  });

  it('is read with the training runtime that it names, of its namespace or of the cluster', () => {
    const view = new NamespaceView({ defaultMode: 'advise', reject: ['will-not-fit'] });
    const runtime = (gpus: number): JsonObject => ({
      apiVersion: 'trainer.kubeflow.org/v1alpha1',
      kind: 'ClusterTrainingRuntime',
      metadata: { name: 'ours' },
      spec: {
        mlPolicy: { numNodes: 3, torch: {} },
        template: {
          spec: {
            replicatedJobs: [
              {
                name: 'node',
                template: {
                  metadata: { labels: { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' } },
                  spec: {
                    template: {
                      spec: { containers: [{ name: 'node', resources: { limits: { 'nvidia.com/gpu': gpus } } }] },
                    },
                  },
                },
              },
            ],
          },
        },
      },
    });
    const trainJob: JsonObject = {
      apiVersion: 'trainer.kubeflow.org/v1alpha1',
      kind: 'TrainJob',
      metadata: { name: 'llama', namespace: 'team-a' },
      spec: { runtimeRef: { name: 'ours', kind: 'ClusterTrainingRuntime' }, trainer: { command: ['python', 'a.py'] } },
    };
    expect(subjectOf(request(trainJob), view)).toBe('no-devices');
    view.setObject(null, 'ClusterTrainingRuntime', 'ours', runtime(2));
    expect(subjectOf(request(trainJob), view)).toMatchObject({
      workload: { podSets: [{ replicas: 3, devices: [{ count: 2 }] }] },
      alongside: { objects: { 'ClusterTrainingRuntime/ours': runtime(2) } },
    });
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
