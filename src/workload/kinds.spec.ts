import { describe, expect, it } from '@jest/globals';
import { WORKLOAD_KINDS } from './kinds.js';
import { readWorkload } from './read-workload.js';
import type { JsonObject, PodSet, Workload } from './workload.js';
import { wordPath } from './workload.js';

const gpus = (count: number | string): JsonObject => ({ limits: { 'nvidia.com/gpu': count } });
const container = (count: number, more: JsonObject = {}): JsonObject => ({
  name: 'node',
  image: 'train:1',
  ...(count > 0 ? { resources: gpus(count) } : {}),
  ...more,
});
const template = (count: number, more: JsonObject = {}): JsonObject => ({
  spec: { containers: [container(count, more)] },
});

function read(apiVersion: string, kind: string, body: JsonObject, objects: Record<string, JsonObject> = {}): Workload {
  const manifest = { apiVersion, kind, metadata: { name: 'w' }, ...body };
  return readWorkload(manifest, { object: (of, name) => objects[`${of}/${name}`] })!;
}

/** Role, pods and devices per pod of each pod set. */
function shape(workload: Workload): [string, number, number][] {
  const devices = (podSet: PodSet): number => podSet.devices.reduce((all, { count }) => all + count, 0);
  return workload.podSets.map((podSet) => [podSet.role, podSet.replicas, devices(podSet)]);
}

function podSetOf(workload: Workload, name: string): PodSet {
  return workload.podSets.find((podSet) => podSet.name === name)!;
}

describe('a CronJob', () => {
  it('is read as one of the Jobs it makes', () => {
    const spec = { suspend: true, jobTemplate: { spec: { parallelism: 2, template: template(1) } } };
    const workload = read('batch/v1', 'CronJob', { spec });
    expect(shape(workload)).toEqual([['main', 2, 1]]);
    expect(workload.suspended).toBe(true);
    expect(workload.podSets[0]!.path).toBe('spec.jobTemplate.spec.template.spec');
  });
});

describe('a JobSet', () => {
  it('has replicas times parallelism pods of each job, all of which start together', () => {
    const replicatedJobs: JsonObject[] = [
      { name: 'driver', template: { spec: { template: template(0) } } },
      { name: 'workers', replicas: 2, template: { spec: { parallelism: 4, completions: 4, template: template(8) } } },
    ];
    const workload = read('jobset.x-k8s.io/v1alpha2', 'JobSet', { spec: { replicatedJobs } });
    expect(shape(workload)).toEqual([
      ['driver', 1, 0],
      ['workers', 8, 8],
    ]);
    expect(workload.gangSize).toBe(9);
  });
});

describe('an MPIJob', () => {
  it.each(['kubeflow.org/v1', 'kubeflow.org/v2beta1'])('of %s has its workers started by the launcher', (version) => {
    const mpiReplicaSpecs = {
      Launcher: { replicas: 1, template: template(0, { command: ['mpirun', '-np', '8', 'python', 'train.py'] }) },
      Worker: { replicas: 2, template: template(4) },
    };
    const workload = read(version, 'MPIJob', { spec: { slotsPerWorker: 4, mpiReplicaSpecs } });
    expect(shape(workload)).toEqual([
      ['launcher', 1, 0],
      ['worker', 2, 4],
    ]);
    expect(podSetOf(workload, 'worker').launch).toMatchObject({ startedBy: 'launcher', processesPerPod: 4, nodes: 2 });
    expect(podSetOf(workload, 'launcher').launch.startedBy).toBeNull();
    expect(podSetOf(workload, 'launcher').containers[0]!.command[0]).toBe('mpirun');
  });

  it('without a number of workers has none', () => {
    const mpiReplicaSpecs = { Launcher: { template: template(1) }, Worker: { template: template(1) } };
    expect(shape(read('kubeflow.org/v2beta1', 'MPIJob', { spec: { mpiReplicaSpecs } }))).toEqual([
      ['launcher', 1, 1],
      ['worker', 0, 1],
    ]);
  });

  it('whose launcher works too counts it among the nodes', () => {
    const mpiReplicaSpecs = { Launcher: { template: template(1) }, Worker: { replicas: 1, template: template(1) } };
    const workload = read('kubeflow.org/v2beta1', 'MPIJob', { spec: { runLauncherAsWorker: true, mpiReplicaSpecs } });
    expect(podSetOf(workload, 'worker').launch.nodes).toBe(2);
  });
});

describe('a Kubeflow v1 job', () => {
  it.each([
    ['TFJob', 'tfReplicaSpecs', 1],
    ['XGBoostJob', 'xgbReplicaSpecs', 1],
    ['PaddleJob', 'paddleReplicaSpecs', 'auto'],
    ['JAXJob', 'jaxReplicaSpecs', 1],
  ])('%s has a pod set for each replica spec', (kind, member, processesPerPod) => {
    const specs = { Chief: { template: template(1) }, Worker: { replicas: 3, template: template(1) }, PS: null };
    const spec = { [member]: specs, runPolicy: { suspend: true, schedulingPolicy: { minAvailable: 2 } } };
    const workload = read('kubeflow.org/v1', kind, { spec });
    expect(shape(workload)).toEqual([
      ['chief', 1, 1],
      ['worker', 3, 1],
    ]);
    expect(workload).toMatchObject({ suspended: true, gangSize: 2 });
    expect(workload.podSets[0]!.launch).toMatchObject({ nodes: 4, processesPerPod });
  });
});

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

describe('a Volcano Job', () => {
  const job = (spec: JsonObject): Workload => read('batch.volcano.sh/v1alpha1', 'Job', { spec });

  it('with the pytorch plugin hands out a WORLD_SIZE that counts pods', () => {
    const tasks: JsonObject[] = [
      { name: 'leader', replicas: 1, template: template(2) },
      { name: 'worker', replicas: 3, template: template(2) },
    ];
    const workload = job({ minAvailable: 2, plugins: { pytorch: ['--master=leader'], svc: [] }, tasks });
    expect(workload.gangSize).toBe(2);
    expect(podSetOf(workload, 'worker').launch).toMatchObject({
      worldSize: 4,
      env: { WORLD_SIZE: '4', VC_WORKER_NUM: '3', VC_LEADER_NUM: '1' },
    });
  });

  it.each<[string, JsonObject]>([
    ['ssh', { ssh: [], svc: [] }],
    ['mpi', { mpi: ['--master=mpimaster', '--worker=mpiworker'] }],
  ])('with the %s plugin has its workers started by the task without devices', (_, plugins) => {
    const tasks: JsonObject[] = [
      { name: 'mpimaster', template: template(0) },
      { name: 'mpiworker', replicas: 2, template: template(1) },
    ];
    const workload = job({ plugins, tasks });
    expect(podSetOf(workload, 'mpimaster').role).toBe('launcher');
    expect(podSetOf(workload, 'mpiworker').launch).toMatchObject({ startedBy: 'mpimaster', nodes: 2 });
  });
});

describe('a LeaderWorkerSet', () => {
  it('whose leader has no template of its own takes the workers', () => {
    const spec = { replicas: 2, leaderWorkerTemplate: { size: 4, workerTemplate: template(8) } };
    const workload = read('leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet', { spec });
    expect(shape(workload)).toEqual([
      ['leader', 2, 8],
      ['worker', 6, 8],
    ]);
    expect(workload).toMatchObject({ gangSize: 4, podSets: [{ launch: { nodes: 4 } }, {}] });
  });

  it('of size one has no workers', () => {
    const spec = { leaderWorkerTemplate: { workerTemplate: template(1) } };
    expect(shape(read('leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet', { spec }))).toEqual([['leader', 1, 1]]);
  });
});

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

describe("Kueue's Workload", () => {
  it('has the pod sets of what it was made for', () => {
    const podSets: JsonObject[] = [
      { name: 'master', count: 1, template: template(1) },
      { name: 'workers', count: 4, minCount: 2, template: template(1) },
    ];
    const workload = read('kueue.x-k8s.io/v1beta1', 'Workload', { spec: { podSets } });
    expect(shape(workload)).toEqual([
      ['master', 1, 1],
      ['workers', 4, 1],
    ]);
    expect(workload.gangSize).toBe(3);
  });
});

describe('an Argo Workflow', () => {
  const workflow = (spec: JsonObject): Workload => read('argoproj.io/v1alpha1', 'Workflow', { spec });

  it('has a pod set for each template, with parameters filled in', () => {
    const workload = workflow({
      arguments: {
        parameters: [
          { name: 'batch', value: 8 },
          { name: 'pool', value: 'a100' },
        ],
      },
      nodeSelector: { pool: '{{workflow.parameters.pool}}' },
      templates: [
        {
          name: 'main',
          steps: [[{ name: 's', template: 'train', arguments: { parameters: [{ name: 'lr', value: '1e-4' }] } }]],
        },
        {
          name: 'train',
          inputs: { parameters: [{ name: 'lr', value: '1e-3' }] },
          container: container(2, {
            args: ['--batch={{workflow.parameters.batch}}', '--lr={{ inputs.parameters.lr }}'],
          }),
        },
      ],
    });
    expect(workload.podSets).toMatchObject([
      { name: 'train/main', path: 'spec.templates[1]', placement: { nodeSelector: { pool: 'a100' } } },
    ]);
    expect(workload.podSets[0]!.containers[0]!.args).toEqual(['--batch=8', '--lr=1e-4']);
    expect(workload.podSets[0]!.containers[0]!.path).toBe('spec.templates[1].container');
  });

  it('runs a script as its command does', () => {
    const script = { image: 'python:3', command: ['python'], source: 'import torch\n', resources: gpus(1) };
    const [podSet] = workflow({ templates: [{ name: 'fit', script }] }).podSets;
    expect(podSet!.containers[0]).toMatchObject({ command: ['python'], args: ['-c', 'import torch\n'] });
    expect(wordPath(podSet!.containers[0]!, 'args', 1)).toBe('spec.templates[0].script.source');
  });

  it('is read into the manifests that it creates', () => {
    const manifest = [
      'apiVersion: kubeflow.org/v1',
      'kind: PyTorchJob',
      'spec:',
      '  pytorchReplicaSpecs:',
      '    Worker:',
      '      replicas: {{workflow.parameters.nodes}}',
      '      template:',
      '        spec:',
      '          containers: [{name: pytorch, resources: {limits: {nvidia.com/gpu: "{{workflow.parameters.gpus}}"}}}]',
    ].join('\n');
    const templates = [
      { name: 'train', resource: { action: 'create', manifest } },
      { name: 'clean', resource: { action: 'delete', manifest: 'not: [yaml' } },
    ];
    const parameters: JsonObject[] = [{ name: 'nodes', value: '4' }, { name: 'gpus' }];
    const workload = workflow({ arguments: { parameters }, templates });
    expect(shape(workload)).toEqual([['worker', 4, 1]]);
    expect(workload.podSets[0]).toMatchObject({
      name: 'train/worker',
      path: 'spec.templates[0].resource.manifest!spec.pytorchReplicaSpecs.Worker.template.spec',
      devices: [{ unresolved: { kind: 'parameter', names: ['workflow.parameters.gpus'] } }],
    });
  });

  it('that loops says that its items are read as one', () => {
    const steps = [[{ name: 's', template: 't', withItems: [1, 2, 3] }]];
    const workload = workflow({
      templates: [
        { name: 'main', steps },
        { name: 't', container: container(1) },
      ] as JsonObject[],
    });
    expect(workload.notes).toEqual([
      'spec.templates[0].steps[0][0] runs once for each of its items (withItems): read as one',
    ]);
  });

  it('whose parameters would grow without bounds is unreadable', () => {
    const value = 'x'.repeat(100_000);
    const args = Array.from({ length: 1000 }, () => '{{workflow.parameters.long}}');
    const spec = {
      arguments: { parameters: [{ name: 'long', value }] },
      templates: [{ name: 't', container: container(1, { args }) }],
    };
    expect(() => workflow(spec)).toThrow('once parameters are filled in');
  });

  it('on a schedule is the same', () => {
    const workflowSpec = { templates: [{ name: 'train', container: container(1) }] };
    expect(shape(read('argoproj.io/v1alpha1', 'CronWorkflow', { spec: { workflowSpec } }))).toEqual([['main', 1, 1]]);
  });
});

describe('an ElasticJob of DLRover', () => {
  it('tells its workers how many they are', () => {
    const replicaSpecs = { worker: { replicas: 4, template: template(8) } };
    const workload = read('elastic.iml.github.io/v1alpha1', 'ElasticJob', { spec: { replicaSpecs } });
    expect(shape(workload)).toEqual([['worker', 4, 8]]);
    expect(workload.podSets[0]!.launch).toMatchObject({ nodes: 4, env: { NODE_NUM: '4' } });
  });
});

describe('a KAITO Workspace', () => {
  it('that tunes takes all GPUs of its machine and says which preset and method', () => {
    const workload = read('kaito.sh/v1beta1', 'Workspace', {
      resource: { instanceType: 'Standard_NC48ads_A100_v4', labelSelector: { matchLabels: { apps: 'tune' } } },
      tuning: { preset: { name: 'phi-3-mini-4k-instruct' }, method: 'qlora', config: 'my-config' },
    });
    expect(shape(workload)).toEqual([['tuning', 1, 2]]);
    expect(workload.podSets[0]).toMatchObject({
      placement: { nodeSelector: { 'node.kubernetes.io/instance-type': 'Standard_NC48ads_A100_v4' } },
      containers: [{ mounts: [{ mountPath: '/mnt/config', source: { kind: 'configmap', name: 'my-config' } }] }],
    });
    expect(workload.podSets[0]!.launch.statements.map(({ name, value }) => [name, value])).toEqual([
      ['preset', 'phi-3-mini-4k-instruct'],
      ['method', 'qlora'],
      ['config', 'my-config'],
    ]);
  });

  it('on a machine that is not known is assumed to have one GPU, and says so', () => {
    const workload = read('kaito.sh/v1beta1', 'Workspace', {
      resource: { instanceType: 'p9' },
      tuning: { method: 'lora' },
    });
    expect(workload.podSets[0]!.devices).toMatchObject([{ count: 1, unresolved: { names: ['p9'] } }]);
  });

  it('that serves is said to serve', () => {
    const workload = read('kaito.sh/v1beta1', 'Workspace', { inference: { preset: { name: 'falcon-7b' } } });
    expect(workload.purpose).toBe('serving');
  });
});

describe('a controller that keeps pods running', () => {
  it.each(['Deployment', 'StatefulSet'])('such as a %s is said to be serving', (kind) => {
    const workload = read('apps/v1', kind, { spec: { replicas: 2, template: template(1) } });
    expect(shape(workload)).toEqual([['server', 2, 1]]);
    expect(workload).toMatchObject({
      purpose: 'serving',
      notes: ['keeps its pods running: read as serving, not as training'],
    });
  });
});

describe('an object of a kind that is not known', () => {
  it('is read by the pod templates in it, and says so', () => {
    const spec = { groups: [{ replicas: 3, template: template(4) }] };
    const workload = read('example.com/v1', 'MegaTrain', { spec });
    expect(shape(workload)).toEqual([['main', 3, 4]]);
    expect(workload.notes).toEqual([
      'MegaTrain is a kind not known here: read by the pod templates found at spec.groups[0].template',
    ]);
  });

  it('without any is not read', () => {
    expect(
      readWorkload({ apiVersion: 'example.com/v1', kind: 'X', spec: { containers: [{ name: 'no image' }] } }),
    ).toBeNull();
  });

  it('of a version not known is read as the one that is', () => {
    const workload = read('kubeflow.org/v9', 'TFJob', {
      spec: { tfReplicaSpecs: { Worker: { template: template(1) } } },
    });
    expect(workload.notes).toEqual(['TFJob kubeflow.org/v9 is a version not known here: read as v1']);
  });
});

describe('the table of kinds', () => {
  it('names every kind once', () => {
    const names = WORKLOAD_KINDS.map(({ apiGroup, kind }) => `${apiGroup}/${kind}`);
    expect(new Set(names).size).toBe(names.length);
  });
});
