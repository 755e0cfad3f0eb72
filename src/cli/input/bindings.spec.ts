import { describe, expect, it } from '@jest/globals';
import type { JsonObject, Workload } from '../../workload/workload.js';
import { readWorkload } from '../../workload/read-workload.js';
import { bind, impliedBindings, parseSetting } from './bindings.js';
import { parseSupposedGpus } from './supposed-gpus.js';

const manifest: JsonObject = {
  apiVersion: 'kubeflow.org/v1',
  kind: 'PyTorchJob',
  metadata: { name: 'job' },
  spec: {
    pytorchReplicaSpecs: {
      Worker: {
        replicas: '$NUM_NODES',
        template: {
          spec: {
            containers: [
              {
                name: 'pytorch',
                image: '${IMAGE}',
                command: ['torchrun', '--nproc_per_node=$GPU_PER_NODE', '--nnodes=$NUM_NODES', 'train.py'],
                resources: { limits: { 'nvidia.com/gpu': '$GPU_PER_NODE' } },
              },
            ],
          },
        },
      },
    },
  },
};

const read = (object: JsonObject): Workload => {
  const workload = readWorkload(object);
  if (workload === null) throw new Error('a PyTorchJob is a workload');
  return workload;
};

describe('variables that another tool fills in', () => {
  it('counts are taken from --gpu', () => {
    expect(impliedBindings(read(manifest), parseSupposedGpus('a100-40gb:8'))).toEqual(
      new Map([
        ['NUM_NODES', '1'],
        ['GPU_PER_NODE', '8'],
      ]),
    );
    expect(impliedBindings(read(manifest), parseSupposedGpus('a100-40gb:8x4')).get('NUM_NODES')).toBe('4');
  });

  it('nothing is taken where no number is given', () => {
    expect(impliedBindings(read(manifest), parseSupposedGpus('a100-40gb')).size).toBe(0);
  });

  it('are replaced everywhere, by numbers where numbers belong', () => {
    const workload = read(manifest);
    const bound = bind(manifest, impliedBindings(workload, parseSupposedGpus('a100-40gb:8x2')), workload);
    const [podSet] = read(bound).podSets;
    expect(podSet).toMatchObject({ replicas: 2, replicasUnresolved: [] });
    expect(podSet?.devices).toMatchObject([{ count: 8 }]);
    expect(podSet?.containers[0]?.command).toContain('--nproc_per_node=8');
    expect(podSet?.containers[0]?.image).toBe('${IMAGE}');
  });

  it('a resource whose very name is a variable is not taken for a count', () => {
    const named = structuredClone(manifest) as { spec: { pytorchReplicaSpecs: { Worker: { template: JsonObject } } } };
    named.spec.pytorchReplicaSpecs.Worker.template = {
      spec: { containers: [{ name: 'x', resources: { limits: { '${GPU_RESOURCE}': '${NUM_GPUS}' } } }] },
    };
    const implied = impliedBindings(read(named), parseSupposedGpus('h100:8'));
    expect([...implied.keys()].sort()).toEqual(['NUM_GPUS', 'NUM_NODES']);
  });

  it('--set wants a name and a value', () => {
    expect(parseSetting('NAME=a=b')).toEqual(['NAME', 'a=b']);
    expect(() => parseSetting('NAME')).toThrow('--set NAME is not understood');
  });
});
