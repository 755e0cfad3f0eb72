import { describe, expect, it } from '@jest/globals';
import { podSetOf, read, shape, template } from '../../test/builders/objects.js';
import { WORKLOAD_KINDS } from './kinds.js';
import { readWorkload } from './read-workload.js';
import type { JsonObject, Workload } from './workload.js';

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
