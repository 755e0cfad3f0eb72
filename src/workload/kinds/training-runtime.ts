import type { Count } from '../count.js';
import { asNodes, sum } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading, LaunchFacts, PodSet, Statement } from '../workload.js';
import type { ReplicatedJob } from './job-set.js';
import { readReplicatedJobs } from './job-set.js';
import type { WorkloadKind } from './workload-kind.js';

/** Label that names the step of a replicated job, and the container that training runs in (kubeflow/trainer pkg/constants). */
const STEP_LABEL = 'trainer.kubeflow.org/trainjob-ancestor-step';
const TRAINER_STEP = 'trainer';
const NODE = 'node';
const LAUNCHER = 'launcher';

/** Kubeflow Trainer's runtime: a template, which a TrainJob of its name fills in. Read as if a TrainJob did no more. */
export const trainingRuntime: WorkloadKind = {
  apiGroup: 'trainer.kubeflow.org',
  kind: 'TrainingRuntime',
  versions: ['v1alpha1'],
  resource: 'trainingruntimes',
  read: readRuntime,
};

function readRuntime(object: Field): KindReading {
  object.log.note('a template: nothing runs until a TrainJob refers to it');
  return readRuntimePods(object.get('spec'), null);
}

export const clusterTrainingRuntime: WorkloadKind = {
  ...trainingRuntime,
  kind: 'ClusterTrainingRuntime',
  resource: 'clustertrainingruntimes',
};

/** What a TrainJob puts into the runtime it refers to. */
export interface RuntimeFilling {
  /** `spec.trainer` of the TrainJob. */
  trainer: Field;
  /** Gives the pod template of a replicated job after the TrainJob's patches. */
  patch(job: string, template: Field): Field;
  statements: readonly Statement[];
}

/** Reads the pods of a runtime's spec, as filled in by a TrainJob or (null) as it stands. */
export function readRuntimePods(spec: Field, filling: RuntimeFilling | null): KindReading {
  const jobs = readReplicatedJobs(spec.get('template', 'spec'));
  const policy = spec.get('mlPolicy');
  const launcher = jobs.find((job) => partOf(job) === 'launcher')?.name ?? null;
  const podSets = jobs.map((job) => readJob(job, { policy, filling, launcher }));
  const running = podSets.filter(({ role }) => role === TRAINER_STEP || role === NODE || role === LAUNCHER);
  const gangSize = running.reduce((all, { replicas }) => all + replicas, 0);
  return { podSets, gangSize, suspended: false, purpose: 'training' };
}

/** What the jobs of a runtime share. */
interface RuntimeContext {
  policy: Field;
  filling: RuntimeFilling | null;
  /** Name of the job that starts the others' processes. */
  launcher: string | null;
}

function readJob(job: ReplicatedJob, context: RuntimeContext): PodSet {
  const { policy, filling, launcher } = context;
  const part = partOf(job);
  const patchedTemplate = filling === null ? job.template : filling.patch(job.name, job.template);
  if (part === 'other') {
    const role = job.labels[STEP_LABEL] ?? job.name;
    return readPodSet(patchedTemplate, { name: job.name, role, replicas: job.pods });
  }
  const nodes = nodeCount(job, policy, filling);
  const replicas = part === 'launcher' ? job.pods : podsOf(nodes, context);
  const template = fillIn(patchedTemplate, part, policy, filling);
  const role = part === 'launcher' ? LAUNCHER : TRAINER_STEP;
  const startedBy = part === 'workers' ? launcher : null;
  const podSet = readPodSet(template, { name: job.name, role, replicas, launch: { startedBy } });
  return { ...podSet, launch: { ...podSet.launch, ...launchFacts(podSet, nodes, policy, filling) } };
}

/**
 * `trainer` holds both the command and the devices; under MPI the command is in the `launcher`, the devices in the job
 * `node`, whose own command is sshd.
 */
type Part = 'trainer' | 'launcher' | 'workers' | 'other';

function partOf({ name, labels }: ReplicatedJob): Part {
  if (name === LAUNCHER) return 'launcher';
  if (labels[STEP_LABEL] === TRAINER_STEP) return 'trainer';
  return name === NODE ? 'workers' : 'other';
}

/** `trainer.numNodes`, else `mlPolicy.numNodes`, else what the template says. */
function nodeCount(job: ReplicatedJob, policy: Field, filling: RuntimeFilling | null): Count {
  const asked = filling?.trainer.get('numNodes');
  if (asked?.present === true) return asked.count(1);
  const byPolicy = policy.get('numNodes');
  return byPolicy.present ? byPolicy.count(1) : job.pods;
}

/** Under `runLauncherAsNode` the launcher is one of the nodes (pkg/runtime/framework/plugins/mpi/mpi.go). */
function podsOf(nodes: Count, { policy, launcher }: RuntimeContext): Count {
  const launcherWorks = policy.get('mpi', 'runLauncherAsNode').flag() && launcher !== null;
  return launcherWorks ? { ...nodes, value: Math.max(1, nodes.value - 1) } : nodes;
}

/** The container `node` with what the TrainJob says of it; paths are those of where each piece is written. */
function fillIn(template: Field, part: Part, policy: Field, filling: RuntimeFilling | null): Field {
  if (filling === null) return template;
  const podSpec = template.get('spec');
  const containers = podSpec.get('containers');
  const takesResources = part !== 'launcher' || policy.get('mpi', 'runLauncherAsNode').flag();
  const filled = containers.items().map((container) => {
    if (container.get('name').value !== NODE) return container;
    return fillContainer(container, filling.trainer, { words: part !== 'workers', resources: takesResources });
  });
  return template.with({ spec: podSpec.with({ containers: containers.listOf(filled) }) });
}

function fillContainer(container: Field, trainer: Field, takes: { words: boolean; resources: boolean }): Field {
  const members: [string, Field][] = [['image', trainer.get('image')]];
  if (takes.words) members.push(['command', trainer.get('command')], ['args', trainer.get('args')]);
  if (takes.resources) members.push(['resources', trainer.get('resourcesPerNode')]);
  const said = members.filter(([, field]) => field.present);
  const env = container.get('env');
  const merged = takes.words ? env.listOf(mergeEnvironment(env, trainer.get('env'))) : env;
  return container.with({ ...Object.fromEntries(said), env: merged });
}

/** Entries of the TrainJob replace those of the same name. */
function mergeEnvironment(runtime: Field, trainer: Field): Field[] {
  const own = trainer.items();
  const names = new Set(own.map((entry) => entry.get('name').text()));
  return [...runtime.items().filter((entry) => !names.has(entry.get('name').text())), ...own];
}

function launchFacts(
  podSet: PodSet,
  nodes: Count,
  policy: Field,
  filling: RuntimeFilling | null,
): Partial<LaunchFacts> {
  const settled = nodes.unresolved.length === 0 ? nodes.value : null;
  const processesPerPod = processes(podSet, policy, filling);
  const statements = filling?.statements ?? [];
  if (policy.get('torch').value === undefined) return { ...asNodes(nodes), processesPerPod, statements };
  const env = {
    ...(settled === null ? {} : { PET_NNODES: String(settled) }),
    ...(processesPerPod === null ? {} : { PET_NPROC_PER_NODE: String(processesPerPod) }),
  };
  return { ...asNodes(nodes), processesPerPod, statements, env };
}

/**
 * `numProcPerNode` of the TrainJob or the runtime. torch: `auto` where not said. mpi: 1, which stands for all GPUs of a
 * node where it has several (plugins/torch/torch.go, plugins/mpi/mpi.go). JAX and plain runtimes say nothing.
 */
function processes(podSet: PodSet, policy: Field, filling: RuntimeFilling | null): LaunchFacts['processesPerPod'] {
  const asked = filling?.trainer.get('numProcPerNode');
  if (asked?.present === true) return processCount(asked);
  const torch = policy.get('torch');
  if (torch.value !== undefined)
    return torch.get('numProcPerNode').present ? processCount(torch.get('numProcPerNode')) : 'auto';
  const mpi = policy.get('mpi');
  if (mpi.value === undefined) return null;
  const count = mpi.get('numProcPerNode').count(1);
  const devices = podSet.devices.reduce((all, request) => all + request.count, 0);
  return count.value === 1 && devices > 1 ? devices : count.value;
}

function processCount(field: Field): LaunchFacts['processesPerPod'] {
  if (field.value === 'auto' || field.value === 'gpu') return 'auto';
  if (field.value === 'cpu') return 1;
  const count = sum(field.count(1));
  return count.unresolved.length === 0 ? count.value : null;
}
