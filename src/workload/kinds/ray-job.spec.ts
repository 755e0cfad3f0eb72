import { describe, expect, it } from '@jest/globals';
import { podSetOf, read, shape, template } from '../../../test/builders/objects.js';
import type { JsonObject } from '../workload.js';
import { wordPath } from '../workload.js';

describe('a RayJob', () => {
  const rayClusterSpec: JsonObject = {
    headGroupSpec: {
      rayStartParams: { 'num-gpus': '0' },
      template: template(0, {
        env: [{ name: 'MODEL', value: 'm' }],
        volumeMounts: [{ name: 'code', mountPath: '/code' }],
      }),
    },
    workerGroupSpecs: [
      { groupName: 'gpu', replicas: 2, minReplicas: 1, maxReplicas: 4, numOfHosts: 2, template: template(4) },
      { groupName: 'idle', template: template(1) },
    ],
  };
  const spec = {
    entrypoint: 'python /code/train.py --epochs 2',
    runtimeEnvYAML: 'pip: ["torch==2.4.0"]\nenv_vars:\n  BATCH: "8"\n',
    rayClusterSpec,
  };

  it('shows its entrypoint as what starts the pods of the cluster, in the environment of the head', () => {
    const workload = read('ray.io/v1', 'RayJob', { spec });
    const submitter = podSetOf(workload, 'submitter');
    expect(shape(workload)).toEqual([
      ['submitter', 1, 0],
      ['head', 1, 0],
      ['worker', 4, 4],
      ['worker', 0, 1],
    ]);
    expect(submitter.containers[0]).toMatchObject({
      image: 'train:1',
      command: ['/bin/sh', '-c'],
      args: ['python /code/train.py --epochs 2'],
      env: [
        { name: 'MODEL', value: 'm' },
        { name: 'BATCH', value: '8', path: 'spec.runtimeEnvYAML!env_vars.BATCH' },
      ],
    });
    expect(wordPath(submitter.containers[0]!, 'args', 0)).toBe('spec.entrypoint');
    expect(submitter.launch.statements).toContainEqual({
      name: 'pip',
      value: 'torch==2.4.0',
      path: 'spec.runtimeEnvYAML!pip[0]',
    });
    expect(podSetOf(workload, 'gpu').launch.startedBy).toBe('submitter');
  });

  it('on a selected cluster has the pods of that cluster where it was given', () => {
    const selecting = { entrypoint: 'python x.py', clusterSelector: { 'ray.io/cluster': 'shared' } };
    const given = read('ray.io/v1', 'RayJob', { spec: selecting }, { 'RayCluster/shared': { spec: rayClusterSpec } });
    expect(podSetOf(given, 'gpu').path).toContain('RayCluster/shared!spec.workerGroupSpecs[0]');
    const alone = read('ray.io/v1', 'RayJob', { spec: selecting });
    expect(alone.podSets.map(({ name }) => name)).toEqual(['submitter']);
    expect(alone.unresolved).toMatchObject([{ kind: 'not-given', names: ['shared'] }]);
  });

  it('whose runtime environment is no YAML is unreadable', () => {
    expect(() => read('ray.io/v1', 'RayJob', { spec: { ...spec, runtimeEnvYAML: 'a: [' } })).toThrow(
      'spec.runtimeEnvYAML',
    );
  });

  it('is a RayCluster without the entrypoint', () => {
    const workload = read('ray.io/v1', 'RayCluster', { spec: rayClusterSpec });
    expect(podSetOf(workload, 'gpu')).toMatchObject({ replicas: 4, launch: { startedBy: null } });
    expect(podSetOf(workload, 'head').launch.statements[0]).toMatchObject({
      name: 'rayStartParams.num-gpus',
      value: '0',
    });
  });
});
