import { describe, expect, it } from '@jest/globals';
import { jobManifest } from '../../test/fixtures/jobs.js';
import { questionKey } from './question-key.js';

const key = (metadata = {}, container = {}, configMaps = {}) =>
  questionKey(jobManifest(metadata, container), configMaps);

describe('the key of a question', () => {
  it('is the same for what only the API server or Plimsoll writes, and for another name', () => {
    const others = [
      { name: 'other', uid: 'u', resourceVersion: '7', generation: 2, creationTimestamp: 't', managedFields: [] },
      { name: null, generateName: 'train-' },
      { annotations: { 'plimsoll.dev/verdict': 'fits' } },
      { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } },
    ];
    for (const metadata of others) expect(key(metadata)).toBe(key());
    expect(questionKey({ ...jobManifest(), status: { active: 1 } }, {})).toBe(key());
  });

  it('is another for everything that an answer may rest on', () => {
    const others = [
      key({ namespace: 'team-b' }),
      key({ annotations: { 'plimsoll.dev/run': 'model: gpt2' } }),
      key({ labels: { queue: 'a' } }),
      key({}, { args: ['--batch', '2'] }),
      key({}, {}, { settings: { 'a.yaml': 'b' } }),
    ];
    expect(new Set([key(), ...others]).size).toBe(others.length + 1);
  });
});
