import type { TrainingJob } from './training-jobs.js';
import { trainingJob } from './training-jobs.js';

type PodTemplate = { spec: { containers: object[] } & Record<string, unknown> };

/** The same training as `trainingJob`, as objects of the operators' kinds, one process on one GPU each. */
export interface OperatorJob {
  /** As kubectl names it in answers and takes it for `get`. */
  resource: string;
  object: (job: TrainingJob) => object;
}

/** The pod template of the Job. */
function templateOf(job: TrainingJob): PodTemplate {
  return (trainingJob(job) as { spec: { template: PodTemplate } }).spec.template;
}

/** Without what the operator itself sets. */
function withoutRestartPolicy({ spec: { restartPolicy: _, ...spec } }: PodTemplate): object {
  return { spec };
}

/** A pod that starts others and has no GPU. */
const LAUNCHER = { spec: { containers: [{ name: 'launcher', image: 'mpi:1', command: ['sleep', '1'] }] } };

const named = ({ name, namespace, annotations }: TrainingJob) => ({ name, namespace, annotations });

export const OPERATOR_JOBS: readonly OperatorJob[] = [
  {
    resource: 'pytorchjob.kubeflow.org',
    object: (job) => ({
      apiVersion: 'kubeflow.org/v1',
      kind: 'PyTorchJob',
      metadata: named(job),
      spec: { pytorchReplicaSpecs: { Master: { replicas: 1, template: pytorchTemplate(job) } } },
    }),
  },
  {
    resource: 'mpijob.kubeflow.org',
    object: (job) => ({
      apiVersion: 'kubeflow.org/v2beta1',
      kind: 'MPIJob',
      metadata: named(job),
      spec: {
        mpiReplicaSpecs: {
          Launcher: { replicas: 1, template: launcherOf(job) },
          Worker: { replicas: 1, template: workerOf(job) },
        },
      },
    }),
  },
  {
    resource: 'jobset.jobset.x-k8s.io',
    object: (job) => ({
      apiVersion: 'jobset.x-k8s.io/v1alpha2',
      kind: 'JobSet',
      metadata: named(job),
      spec: { replicatedJobs: [{ name: 'train', template: { spec: { template: templateOf(job) } } }] },
    }),
  },
  {
    resource: 'rayjob.ray.io',
    object: (job) => ({
      apiVersion: 'ray.io/v1',
      kind: 'RayJob',
      metadata: named(job),
      spec: {
        entrypoint: commandOf(job).join(' '),
        rayClusterSpec: { headGroupSpec: { rayStartParams: {}, template: rayTemplate(job) } },
      },
    }),
  },
  {
    resource: 'job.batch.volcano.sh',
    object: (job) => ({
      apiVersion: 'batch.volcano.sh/v1alpha1',
      kind: 'Job',
      metadata: named(job),
      spec: { minAvailable: 1, tasks: [{ name: 'train', replicas: 1, template: templateOf(job) }] },
    }),
  },
  {
    resource: 'leaderworkerset.leaderworkerset.x-k8s.io',
    object: (job) => ({
      apiVersion: 'leaderworkerset.x-k8s.io/v1',
      kind: 'LeaderWorkerSet',
      metadata: named(job),
      spec: { replicas: 1, leaderWorkerTemplate: { size: 1, workerTemplate: withoutRestartPolicy(templateOf(job)) } },
    }),
  },
  {
    resource: 'appwrapper.workload.codeflare.dev',
    object: (job) => ({
      apiVersion: 'workload.codeflare.dev/v1beta2',
      kind: 'AppWrapper',
      metadata: named(job),
      spec: { components: [{ template: trainingJob(job) }] },
    }),
  },
  {
    resource: 'trainjob.trainer.kubeflow.org',
    object: (job) => ({
      apiVersion: 'trainer.kubeflow.org/v1alpha1',
      kind: 'TrainJob',
      metadata: named(job),
      spec: {
        runtimeRef: { name: 'one-node' },
        trainer: { command: commandOf(job), resourcesPerNode: { limits: { 'nvidia.com/gpu': '1' } } },
      },
    }),
  },
];

/** The runtime that the TrainJob refers to: where its pods may run. */
export function trainingRuntime(product: string): object {
  const pods = {
    nodeSelector: { 'nvidia.com/gpu.product': product },
    containers: [{ name: 'node', image: 'trainer:1' }],
  };
  const ancestor = { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' };
  return {
    apiVersion: 'trainer.kubeflow.org/v1alpha1',
    kind: 'ClusterTrainingRuntime',
    metadata: { name: 'one-node', labels: { 'trainer.kubeflow.org/framework': 'torch' } },
    spec: {
      mlPolicy: { numNodes: 1, torch: {} },
      template: {
        spec: {
          replicatedJobs: [
            { name: 'node', template: { metadata: { labels: ancestor }, spec: { template: { spec: pods } } } },
          ],
        },
      },
    },
  };
}

interface Container {
  name: string;
  command: string[];
  args: string[];
}

const containerOf = (job: TrainingJob): Container => templateOf(job).spec.containers[0] as Container;

function commandOf(job: TrainingJob): string[] {
  const { command, args } = containerOf(job);
  return [...command, ...args];
}

/** The training operator takes the container of this name for the training. */
function pytorchTemplate(job: TrainingJob): object {
  const { spec } = templateOf(job);
  const { restartPolicy: _, ...pod } = spec;
  return { spec: { ...pod, containers: [{ ...containerOf(job), name: 'pytorch' }] } };
}

function launcherOf(job: TrainingJob): object {
  const [container] = LAUNCHER.spec.containers;
  return { spec: { containers: [{ ...container, command: ['mpirun', '-n', '1', ...commandOf(job)] }] } };
}

/** Waits for the launcher to log in. */
function workerOf(job: TrainingJob): object {
  const { spec } = templateOf(job);
  const { args: _, ...container } = containerOf(job);
  const { restartPolicy: __, ...pod } = spec;
  return { spec: { ...pod, containers: [{ ...container, command: ['/usr/sbin/sshd', '-De'] }] } };
}

/** Ray starts its own processes in the pods; what they run is the job's entrypoint. */
function rayTemplate(job: TrainingJob): object {
  const { spec } = templateOf(job);
  const { args: _, command: __, ...container } = containerOf(job);
  const { restartPolicy: ___, ...pod } = spec;
  return { spec: { ...pod, containers: [{ ...container, name: 'ray-head' }] } };
}
