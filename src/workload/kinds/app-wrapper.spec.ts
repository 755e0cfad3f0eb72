import { describe, expect, it } from '@jest/globals';
import { shape, template } from '../../../test/builders/objects.js';
import { readWorkload } from '../read-workload.js';
import type { JsonObject } from '../workload.js';

describe('an AppWrapper', () => {
  const job = { apiVersion: 'batch/v1', kind: 'Job', spec: { template: template(2) } };
  const wrap = (components: JsonObject[]): JsonObject => ({
    apiVersion: 'workload.codeflare.dev/v1beta2',
    kind: 'AppWrapper',
    spec: { components },
  });

  it('is what it wraps, with paths into the wrapper', () => {
    const service = { apiVersion: 'v1', kind: 'Service', spec: {} };
    const podSets = [{ path: 'template.spec.template', replicas: 3 }];
    const workload = readWorkload(wrap([{ template: job, podSets }, { template: service }]))!;
    expect(workload.podSets).toMatchObject([
      { name: '0/main', path: 'spec.components[0].template.spec.template.spec' },
    ]);
    expect(workload.notes).toEqual([
      'spec.components[0].podSets[0].replicas says 3 pods, but template.spec.template makes 1',
    ]);
  });

  it('may wrap another, but not without end', () => {
    const nested = (depth: number): JsonObject => (depth === 0 ? job : wrap([{ template: nested(depth - 1) }]));
    expect(shape(readWorkload(nested(3))!)).toEqual([['main', 1, 2]]);
    expect(() => readWorkload(nested(500))).toThrow('wrapped in each other');
  });
});
