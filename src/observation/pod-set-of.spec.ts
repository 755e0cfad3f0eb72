import { describe, expect, it } from '@jest/globals';
import { podSetOf } from './pod-set-of.js';

const podSets = (...all: [string, string][]) => all.map(([name, fingerprint]) => ({ name, fingerprint }));

describe('which pod set a pod is of', () => {
  it.each([
    ['the one that the label of its operator names', { 'training.kubeflow.org/replica-type': 'worker' }, 'Worker'],
    ['none, where the label names pods that do not train', { 'ray.io/node-type': 'head' }, null],
    ['not known, where nothing is said and they train differently', {}, null],
  ] as const)('is %s', (_, labels, name) => {
    expect(podSetOf({ labels }, podSets(['Master', 'f-1'], ['Worker', 'f-2']))).toBe(name);
  });

  it('is any of those that train the same, where nothing is said', () => {
    expect(podSetOf({ labels: {} }, podSets(['Master', 'f'], ['Worker', 'f']))).toBe('Master');
    expect(podSetOf({ labels: {} }, [])).toBeNull();
  });
});
