import { describe, expect, it } from '@jest/globals';
import { jobManifest } from '../../test/fixtures/jobs.js';
import type { JsonObject } from '../workload/workload.js';
import { readAlongside } from './alongside.js';
import { questionKey } from './question-key.js';

const keyOf = (manifest: JsonObject, configMaps: Record<string, Record<string, string>> = {}) => {
  const read = readAlongside(manifest, { configMap: (_, name) => configMaps[name], object: () => undefined });
  return questionKey(read!.workload, { ...read!.alongside, configMaps });
};
const key = (metadata = {}, container = {}, configMaps = {}) => keyOf(jobManifest(metadata, container), configMaps);

describe('the key of a question', () => {
  it('is the same for what only the API server or Plimsoll writes, and for another name', () => {
    const others = [
      { name: 'other', uid: 'u', resourceVersion: '7', generation: 2, creationTimestamp: 't', managedFields: [] },
      { name: null, generateName: 'train-' },
      { annotations: { 'plimsoll.dev/verdict': 'fits' } },
      { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } },
      { labels: { sweep: 'trial-17' } },
    ];
    for (const metadata of others) expect(key(metadata)).toBe(key());
    expect(keyOf({ ...jobManifest(), status: { active: 1 } })).toBe(key());
  });

  it('is the same after the API server has added what is of its own in each object', () => {
    const job = jobManifest();
    const { template } = job['spec'] as { template: JsonObject };
    const labels = { 'controller-uid': 'u-1', 'batch.kubernetes.io/controller-uid': 'u-1' };
    const stored = {
      ...job,
      spec: { selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
    };
    expect(keyOf(stored)).toBe(key());
    const mount = (name: string) => ({
      volumeMounts: [{ name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
    });
    expect(key({}, mount('kube-api-access-x7k2p'))).toBe(key({}, mount('kube-api-access-q9d4z')));
  });

  it('is another for everything that an answer may rest on', () => {
    const others = [
      key({ namespace: 'team-b' }),
      key({ annotations: { 'plimsoll.dev/run': 'model: gpt2' } }),
      key({}, { args: ['--batch', '2'] }),
      key({}, { env: [{ name: 'BATCH', value: '2' }] }),
      key({}, { resources: { limits: { 'nvidia.com/gpu': 2 } } }),
      key({}, {}, { settings: { 'a.yaml': 'b' } }),
    ];
    expect(new Set([key(), ...others]).size).toBe(others.length + 1);
  });
});
