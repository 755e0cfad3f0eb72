import { describe, expect, it } from '@jest/globals';
import { isHandledOwner, readWorkload } from './read-workload.js';
import type { JsonObject, Workload } from './workload.js';
import { UnreadableManifest, wordPath } from './workload.js';

function read(manifest: JsonObject): Workload {
  const workload = readWorkload(manifest);
  if (workload === null) throw new Error('not handled');
  return workload;
}

function job(podSpec: JsonObject, spec: JsonObject = {}): JsonObject {
  const metadata = { name: 'tune', namespace: 'lab', labels: { team: 'vision' } };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { ...spec, template: { spec: podSpec } } };
}

const gpu = (count: number | string): JsonObject => ({ limits: { 'nvidia.com/gpu': count } });

describe('a Job', () => {
  it('is read with its containers, devices and placement', () => {
    const workload = read(
      job({
        nodeSelector: { pool: 'a100' },
        tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
        containers: [
          {
            name: 'train',
            image: 'registry.example/train:1',
            command: ['python', 'train.py'],
            args: ['--batch-size', '8'],
            env: [
              { name: 'MODE', value: 'full' },
              { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'hub', key: 'token' } } },
              { name: 'LR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'lr' } } },
            ],
            envFrom: [{ configMapRef: { name: 'all' }, prefix: 'P_' }],
            resources: { limits: { 'nvidia.com/gpu': '2', memory: '64Gi' }, requests: { cpu: '500m' } },
            volumeMounts: [{ name: 'conf', mountPath: '/etc/train' }],
          },
        ],
        volumes: [{ name: 'conf', configMap: { name: 'train-config', items: [{ key: 'a', path: 'a.yaml' }] } }],
      }),
    );
    const [podSet] = workload.podSets;
    const container = podSet!.containers[0]!;
    expect(workload.reference).toMatchObject({ kind: 'Job', name: 'tune', namespace: 'lab' });
    expect(podSet).toMatchObject({ name: 'main', replicas: 1, path: 'spec.template.spec' });
    expect(podSet!.devices).toEqual([
      {
        resource: 'nvidia.com/gpu',
        form: 'device',
        vendor: 'nvidia',
        count: 2,
        memoryBytes: null,
        places: ['spec.template.spec.containers[0].resources.limits["nvidia.com/gpu"]'],
      },
    ]);
    expect(podSet!.placement).toMatchObject({ nodeSelector: { pool: 'a100' }, requiredNodeTerms: null });
    expect(podSet!.placement.otherRequests).toEqual({ memory: 64 * 2 ** 30, cpu: 0.5 });
    expect(container.env.map(({ value, from }) => [value, from])).toEqual([
      ['full', undefined],
      [null, 'secret'],
      [null, 'configmap'],
    ]);
    expect(container.env[2]!.configMap).toEqual({ name: 'settings', key: 'lr' });
    expect(container.envFrom).toEqual([
      { kind: 'configmap', name: 'all', prefix: 'P_', path: 'spec.template.spec.containers[0].envFrom[0]' },
    ]);
    expect(container.mounts).toEqual([
      {
        mountPath: '/etc/train',
        subPath: null,
        source: { kind: 'configmap', name: 'train-config', items: { a: 'a.yaml' } },
      },
    ]);
    expect(wordPath(container, 'args', 1)).toBe('spec.template.spec.containers[0].args[1]');
    expect(workload.notes).toEqual([]);
  });

  it.each([
    [{}, 1],
    [{ parallelism: 4 }, 4],
    [{ parallelism: 4, completions: 2 }, 2],
    [{ parallelism: 2, completions: 8 }, 2],
  ])('with %j runs %d pods at a time', (spec, pods) => {
    expect(read(job({ containers: [{ name: 'c' }] }, spec)).podSets[0]!.replicas).toBe(pods);
  });

  it('counts the larger of app containers with sidecars and the largest init container', () => {
    const podSpec: JsonObject = {
      initContainers: [
        { name: 'proxy', restartPolicy: 'Always', resources: gpu(1) },
        { name: 'warm-up', resources: gpu(4) },
      ],
      containers: [
        { name: 'a', resources: gpu(1) },
        { name: 'b', resources: gpu(2) },
      ],
    };
    const [podSet] = read(job(podSpec)).podSets;
    expect(podSet!.devices.map(({ count }) => count)).toEqual([5]);
    expect(podSet!.containers.map(({ name, init }) => [name, init])).toEqual([
      ['proxy', false],
      ['warm-up', true],
      ['a', false],
      ['b', false],
    ]);
  });

  it('says where requests and limits of devices differ', () => {
    const resources = { limits: { 'nvidia.com/gpu': 2 }, requests: { 'nvidia.com/gpu': 1 } };
    const workload = read(job({ containers: [{ name: 'c', resources }] }));
    expect(workload.podSets[0]!.devices[0]!.count).toBe(2);
    expect(workload.notes).toEqual(['nvidia.com/gpu: requests (1) and limits (2) differ, which Kubernetes refuses']);
  });

  it('left for envsubst is read with assumed counts that are named, and with no node ruled out', () => {
    const workload = read(
      job(
        {
          nodeSelector: { 'node.kubernetes.io/instance-type': '${INSTANCE_TYPE}', zone: 'a' },
          tolerations: [{ key: 'dedicated', operator: 'Equal', value: '${TEAM}' }],
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'kind', operator: 'In', values: ['$KIND'] }] }],
              },
            },
          },
          containers: [{ name: 'c', resources: { limits: { 'nvidia.com/gpu': '$GPUS', memory: '${MEM:-32Gi}' } } }],
        },
        { parallelism: '${NODES}', completions: '${NODES}' },
      ),
    );
    const [podSet] = workload.podSets;
    expect(podSet!.replicas).toBe(1);
    expect(podSet!.replicasUnresolved.map(({ names }) => names)).toEqual([['NODES'], ['NODES']]);
    expect(podSet!.devices[0]).toMatchObject({ count: 1, unresolved: { kind: 'envsubst', names: ['GPUS'] } });
    expect(podSet!.placement).toMatchObject({
      nodeSelector: { zone: 'a' },
      requiredNodeTerms: null,
      tolerations: [{ key: 'dedicated', operator: 'Exists' }],
      otherRequests: { memory: 32 * 2 ** 30 },
    });
    expect(workload.notes[0]).toBe('${NODES} is left to envsubst: assumed 1 at spec.parallelism and 1 more place');
  });

  it.each([
    ['${GPU_RESOURCE}', '${NUM_GPUS}', 'GPU_RESOURCE'],
    ['{{ .Values.gpuResource }}', 4, '.Values.gpuResource'],
  ])('whose resource name is %s is taken to ask for whole GPUs, and says so', (resource, amount, name) => {
    const resources = { limits: { [resource]: amount } };
    const workload = read(job({ containers: [{ name: 'c', resources }] }));
    expect(workload.podSets[0]!.devices).toMatchObject([
      {
        resource: 'nvidia.com/gpu',
        form: 'device',
        count: amount === 4 ? 4 : 1,
        unresolved: { names: [name], assumed: 'nvidia.com/gpu' },
      },
    ]);
  });

  it.each([
    ['{{ .Values.nodes }}', 'helm', '.Values.nodes'],
    ['{{workflow.parameters.nodes}}', 'parameter', 'workflow.parameters.nodes'],
    ['<number of nodes>', 'placeholder', '<number of nodes>'],
    ['NUM_NODES', 'placeholder', 'NUM_NODES'],
  ])('with %s for a number is read as one pod, and says what it stands for', (text, kind, name) => {
    const [podSet] = read(job({ containers: [{ name: 'c' }] }, { parallelism: text })).podSets;
    expect(podSet).toMatchObject({ replicas: 1, replicasUnresolved: [{ kind, names: [name], text }] });
  });

  it('without containers is unreadable, and the path says where', () => {
    expect(() => read(job({}))).toThrow(
      new UnreadableManifest('spec.template.spec.containers', 'a list with at least one container'),
    );
  });

  it.each([
    [{ parallelism: -1 }, 'spec.parallelism'],
    [{ parallelism: 1.5 }, 'spec.parallelism'],
    [{ parallelism: true }, 'spec.parallelism'],
    [{ completions: 'many' }, 'spec.completions'],
  ])('with %j is unreadable at %s', (spec, path) => {
    expect(() => read(job({ containers: [{ name: 'c' }] }, spec))).toThrow(path);
  });

  it('owned by a JobSet that is handled says so, so that it can be skipped', () => {
    const manifest = job({ containers: [{ name: 'c' }] });
    const owner = { apiVersion: 'kubeflow.org/v1', kind: 'PyTorchJob', name: 'parent', controller: true };
    manifest.metadata = { name: 'child', ownerReferences: [owner] };
    expect(read(manifest).owner).toEqual({ apiVersion: 'kubeflow.org/v1', kind: 'PyTorchJob', name: 'parent' });
  });
});

describe('a Pod', () => {
  it('is one pod of its own', () => {
    const workload = read({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: 'try-' },
      spec: { containers: [{ name: 'main', resources: gpu(1) }] },
    });
    expect(workload.reference.name).toBeNull();
    expect(workload.podSets).toMatchObject([{ replicas: 1, path: 'spec', devices: [{ count: 1 }] }]);
  });
});

describe('a PyTorchJob', () => {
  const template = { spec: { containers: [{ name: 'pytorch', resources: gpu(4) }] } };
  const pytorchJob = (spec: JsonObject): JsonObject => ({ apiVersion: 'kubeflow.org/v1', kind: 'PyTorchJob', spec });
  const replicas = (master: number | null, worker: number | string): JsonObject => ({
    pytorchReplicaSpecs: {
      ...(master === null ? {} : { Master: { replicas: master, template } }),
      Worker: { replicas: worker, template },
    },
  });

  it('with nprocPerNode multiplies pods and processes into WORLD_SIZE', () => {
    const workload = read(pytorchJob({ ...replicas(1, 3), nprocPerNode: '4' }));
    expect(workload.podSets.map(({ role, replicas: count }) => [role, count])).toEqual([
      ['master', 1],
      ['worker', 3],
    ]);
    expect(workload.gangSize).toBe(4);
    expect(workload.podSets[1]!.launch).toMatchObject({
      processesPerPod: 4,
      nodes: 4,
      worldSize: 16,
      env: { PET_NNODES: '4', PET_NPROC_PER_NODE: '4', WORLD_SIZE: '16' },
    });
  });

  it('without nprocPerNode gets a WORLD_SIZE that counts pods', () => {
    const workload = read(pytorchJob(replicas(1, 1)));
    expect(workload.podSets[0]!.launch).toMatchObject({ processesPerPod: 'auto', worldSize: 2 });
  });

  it('without a master gets no WORLD_SIZE', () => {
    const workload = read(pytorchJob(replicas(null, 2)));
    expect(workload.podSets[0]!.launch).toMatchObject({ nodes: 2, worldSize: null });
    expect(workload.podSets[0]!.launch.env).not.toHaveProperty('WORLD_SIZE');
  });

  it('that is elastic starts with its minimum and tells torchrun the bounds', () => {
    const elasticPolicy = { minReplicas: 1, maxReplicas: 8, nProcPerNode: 2 };
    const workload = read(pytorchJob({ ...replicas(null, 4), elasticPolicy }));
    expect(workload.gangSize).toBe(1);
    expect(workload.podSets[0]!.launch).toMatchObject({ processesPerPod: 2, env: { PET_NNODES: '1:8' } });
  });

  it('with a variable for its workers says nothing of WORLD_SIZE', () => {
    const workload = read(pytorchJob(replicas(1, '${NUM_WORKERS}')));
    expect(workload.podSets[1]).toMatchObject({ replicas: 1, replicasUnresolved: [{ names: ['NUM_WORKERS'] }] });
    expect(workload.podSets[1]!.launch.worldSize).toBeNull();
  });

  it('without replica specs is unreadable', () => {
    expect(() => read(pytorchJob({}))).toThrow('spec.pytorchReplicaSpecs');
  });
});

describe('other objects', () => {
  it('are not read', () => {
    expect(readWorkload({ apiVersion: 'v1', kind: 'Service', spec: {} })).toBeNull();
    expect(readWorkload({})).toBeNull();
  });

  it('of handled kinds own what they create, and ReplicaSets stand for their Deployments', () => {
    expect(isHandledOwner({ apiVersion: 'batch/v1', kind: 'Job' })).toBe(true);
    expect(isHandledOwner({ apiVersion: 'apps/v1', kind: 'ReplicaSet' })).toBe(true);
    expect(isHandledOwner({ apiVersion: 'v1', kind: 'Node' })).toBe(true);
    expect(isHandledOwner({ apiVersion: 'example.com/v1', kind: 'Job' })).toBe(false);
  });
});
