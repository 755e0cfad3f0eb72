import { describe, expect, it } from '@jest/globals';
import { gpus, podSetOf, read, shape, template } from '../../../test/builders/objects.js';
import type { JsonObject, Workload } from '../workload.js';
import { wordPath } from '../workload.js';

describe('a TrainJob', () => {
  const runtime: JsonObject = {
    spec: {
      mlPolicy: { numNodes: 2, torch: { numProcPerNode: 'auto' } },
      template: {
        spec: {
          replicatedJobs: [
            {
              name: 'node',
              template: {
                metadata: { labels: { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' } },
                spec: {
                  template: template(1, {
                    command: ['torchrun', 'default.py'],
                    env: [
                      { name: 'A', value: 'runtime' },
                      { name: 'B', value: 'runtime' },
                    ],
                  }),
                },
              },
            },
          ],
        },
      },
    },
  };
  const objects = { 'ClusterTrainingRuntime/torch-distributed': runtime };
  const trainJob = (spec: JsonObject, given: Record<string, JsonObject> = objects): Workload =>
    read(
      'trainer.kubeflow.org/v1alpha1',
      'TrainJob',
      { spec: { runtimeRef: { name: 'torch-distributed' }, ...spec } },
      given,
    );

  it('is its runtime where it says nothing', () => {
    const workload = trainJob({});
    expect(shape(workload)).toEqual([['trainer', 2, 1]]);
    expect(workload.podSets[0]!.launch).toMatchObject({
      processesPerPod: 'auto',
      nodes: 2,
      env: { PET_NNODES: '2', PET_NPROC_PER_NODE: 'auto' },
    });
    expect(workload.podSets[0]!.path).toMatch(/^ClusterTrainingRuntime\/torch-distributed!spec\.template/);
  });

  it('puts its command, environment and resources into the runtime, each with its own path', () => {
    const workload = trainJob({
      trainer: {
        numNodes: 4,
        numProcPerNode: 8,
        image: 'mine:2',
        command: ['torchrun', 'mine.py'],
        args: ['--lr', '1e-4'],
        env: [{ name: 'A', value: 'job' }],
        resourcesPerNode: gpus(8),
      },
    });
    const [trained] = workload.podSets[0]!.containers;
    expect(shape(workload)).toEqual([['trainer', 4, 8]]);
    expect(trained).toMatchObject({ image: 'mine:2', command: ['torchrun', 'mine.py'], args: ['--lr', '1e-4'] });
    expect(trained!.env.map(({ name, value }) => [name, value])).toEqual([
      ['B', 'runtime'],
      ['A', 'job'],
    ]);
    expect(wordPath(trained!, 'args', 1)).toBe('spec.trainer.args[1]');
    expect(workload.podSets[0]!.devices[0]!.places).toEqual(['spec.trainer.resourcesPerNode.limits["nvidia.com/gpu"]']);
    expect(workload.podSets[0]!.launch).toMatchObject({ processesPerPod: 8, nodes: 4 });
  });

  it('says what its initializer names', () => {
    const initializer = { model: { storageUri: 'hf://org/model' }, dataset: { storageUri: 'hf://org/data' } };
    expect(trainJob({ initializer }).podSets[0]!.launch.statements).toContainEqual({
      name: 'model',
      value: 'hf://org/model',
      path: 'spec.initializer.model.storageUri',
    });
  });

  it.each<[string, JsonObject]>([
    ['podSpecOverrides', { podSpecOverrides: [{ targetJobs: [{ name: 'node' }], nodeSelector: { pool: 'h100' } }] }],
    [
      'podTemplateOverrides',
      { podTemplateOverrides: [{ targetJobs: [{ name: 'node' }], spec: { nodeSelector: { pool: 'h100' } } }] },
    ],
    [
      'runtimePatches',
      {
        runtimePatches: [
          {
            manager: 'me',
            trainingRuntimeSpec: {
              template: {
                spec: {
                  replicatedJobs: [
                    { name: 'node', template: { spec: { template: { spec: { nodeSelector: { pool: 'h100' } } } } } },
                  ],
                },
              },
            },
          },
        ],
      },
    ],
  ])('places its pods by %s', (_, spec) => {
    expect(trainJob(spec).podSets[0]!.placement.nodeSelector).toEqual({ pool: 'h100' });
  });

  it('whose runtime was not given is read by itself, and says what is missing', () => {
    const workload = trainJob(
      { trainer: { numNodes: 3, resourcesPerNode: gpus(2), command: ['torchrun', 'x.py'] } },
      {},
    );
    expect(shape(workload)).toEqual([['trainer', 3, 2]]);
    expect(workload.podSets[0]!.launch.processesPerPod).toBe('auto');
    expect(workload.unresolved).toMatchObject([{ kind: 'not-given', names: ['torch-distributed'] }]);
  });

  it('over an MPI runtime leaves the command to the launcher and the devices to the nodes', () => {
    const mpi: JsonObject = {
      spec: {
        mlPolicy: { numNodes: 1, mpi: { numProcPerNode: 1 } },
        template: {
          spec: {
            replicatedJobs: [
              { name: 'launcher', template: { spec: { template: template(0) } } },
              { name: 'node', template: { spec: { template: template(2) } } },
            ],
          },
        },
      },
    };
    const spec = {
      runtimeRef: { name: 'ds' },
      trainer: { numNodes: 3, command: ['mpirun', 'x'], resourcesPerNode: gpus(4) },
    };
    const workload = read('trainer.kubeflow.org/v1alpha1', 'TrainJob', { spec }, { 'ClusterTrainingRuntime/ds': mpi });
    expect(shape(workload)).toEqual([
      ['launcher', 1, 0],
      ['trainer', 3, 4],
    ]);
    expect(podSetOf(workload, 'launcher').containers[0]!.command).toEqual(['mpirun', 'x']);
    expect(podSetOf(workload, 'node').containers[0]!.command).toEqual([]);
    expect(podSetOf(workload, 'node').launch).toMatchObject({ startedBy: 'launcher', processesPerPod: 4, nodes: 3 });
  });

  it('has a runtime that says it is only a template', () => {
    const workload = read('trainer.kubeflow.org/v1alpha1', 'ClusterTrainingRuntime', runtime);
    expect(shape(workload)).toEqual([['trainer', 2, 1]]);
    expect(workload.notes).toEqual(['a template: nothing runs until a TrainJob refers to it']);
  });
});
