import { describe, expect, it } from '@jest/globals';
import { readPosted } from './manifests.js';
import { ProblemError } from './problem.js';

const job = 'apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {}\n';

describe('a posted body', () => {
  it.each([
    ['apiVersion', 'apiVersion: v0*\nkind: A\nmetadata: {}\nspec: {}\n'],
    ['kind', 'apiVersion: batch/v1\nkind: "Job?"\nmetadata: {}\nspec: {}\n'],
  ])('is refused where its %s is none that Kubernetes takes', (_, body) => {
    expect(() => readPosted(body)).toThrow(ProblemError);
    expect(() => readPosted(body)).toThrow('none that Kubernetes takes');
  });

  it('is taken with a template beside its manifests that nobody filled in', () => {
    const template = 'apiVersion: "{{ .version }}"\nkind: Job\nmetadata: {}\nspec: {}\n';
    expect(readPosted(`${job}---\n${template}`).manifests).toHaveLength(2);
  });

  it.each(['constraints.gatekeeper.sh/v1beta1', 'v1', 'batch.volcano.sh/v1alpha1'])('may be of %s', (version) => {
    const body = `apiVersion: ${version}\nkind: K8sRequiredLabels\nmetadata: {}\nspec: {}\n`;
    expect(readPosted(body).manifests).toHaveLength(1);
  });
});
