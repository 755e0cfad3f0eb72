import type { Count } from '../count.js';
import { asNodes, sum } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading, LaunchFacts, PodSet } from '../workload.js';
import type { WorkloadKind } from './workload-kind.js';

interface Task {
  name: string;
  replicas: Count;
  template: Field;
}

/**
 * Volcano's Job: tasks of `replicas` pods (default 1), `minAvailable` of which start together. Its plugins say who works
 * with whom: `pytorch` hands out WORLD_SIZE as a count of pods, `mpi` (and, for want of it, `ssh`) leaves the command to
 * a master without GPUs (volcano-sh/volcano pkg/controllers/job/plugins).
 */
export const volcanoJob: WorkloadKind = {
  apiGroup: 'batch.volcano.sh',
  kind: 'Job',
  versions: ['v1alpha1'],
  resource: 'jobs',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    const tasks = readTasks(spec);
    const launch = launchFacts(spec, tasks);
    const podSets = joinLauncher(
      spec,
      tasks.map(({ name, replicas, template }) => readPodSet(template, { name, role: name, replicas, launch })),
    );
    const minAvailable = spec.get('minAvailable');
    const all = sum(...tasks.map(({ replicas }) => replicas)).value;
    return {
      podSets,
      gangSize: minAvailable.present ? minAvailable.count(all).value : all,
      suspended: false,
      purpose: 'training',
    };
  },
};

function readTasks(spec: Field): Task[] {
  const tasks = spec.get('tasks');
  const read = tasks.items().map((task, index) => ({
    name: task.get('name').text() ?? `default${index}`,
    replicas: task.get('replicas').count(1),
    template: task.get('template'),
  }));
  if (read.length === 0) throw tasks.expected('a list with at least one task');
  return read;
}

/** Made once and shared: every pod is told of all tasks. */
function launchFacts(spec: Field, tasks: readonly Task[]): Partial<LaunchFacts> {
  const pytorch = spec.get('plugins', 'pytorch');
  return pytorch.value === undefined ? countVariables(tasks) : pytorchFacts(pytorch, tasks);
}

/** The plugin's `--master` and `--worker` name its tasks; others take no part. */
function pytorchFacts(plugin: Field, tasks: readonly Task[]): Partial<LaunchFacts> {
  const names = [optionOf(plugin, 'master') ?? 'master', optionOf(plugin, 'worker') ?? 'worker'];
  const pods = sum(...tasks.filter(({ name }) => names.includes(name)).map(({ replicas }) => replicas));
  const { env = {} } = countVariables(tasks);
  if (pods.unresolved.length > 0) return { ...asNodes(pods), env };
  return { ...asNodes(pods), worldSize: pods.value, env: { ...env, WORLD_SIZE: String(pods.value) } };
}

/** The `svc` plugin tells every pod how many each task has: VC_WORKER_NUM for the task `worker`. */
function countVariables(tasks: readonly Task[]): Partial<LaunchFacts> {
  const known = tasks.filter(({ replicas }) => replicas.unresolved.length === 0);
  const pairs = known.map(({ name, replicas }) => [variableOf(name), String(replicas.value)] as const);
  return { env: Object.fromEntries(pairs) };
}

function variableOf(task: string): string {
  return `VC_${task.toUpperCase().replaceAll('-', '_')}_NUM`;
}

/** With the mpi or ssh plugin, one task without devices beside others with them starts their processes. */
function joinLauncher(spec: Field, podSets: readonly PodSet[]): PodSet[] {
  const plugins = spec.get('plugins');
  const byPlugin = plugins.get('mpi').value === undefined ? null : (optionOf(plugins.get('mpi'), 'master') ?? 'master');
  const without = podSets.filter(({ devices }) => devices.length === 0);
  const onlyOne = without.length === 1 && without.length < podSets.length ? without[0]?.name : undefined;
  const overSsh = plugins.get('ssh').value === undefined ? undefined : onlyOne;
  const launcher = podSets.find(({ name }) => name === byPlugin)?.name ?? overSsh;
  if (launcher === undefined) return [...podSets];
  const nodes = asNodes(workerPods(podSets.filter(({ name }) => name !== launcher)));
  return podSets.map((podSet) => {
    if (podSet.name === launcher) return { ...podSet, role: 'launcher' };
    return { ...podSet, launch: { ...podSet.launch, ...nodes, startedBy: launcher } };
  });
}

function workerPods(workers: readonly PodSet[]): Count {
  return sum(
    ...workers.map(({ replicas, replicasUnresolved }) => ({ value: replicas, unresolved: replicasUnresolved })),
  );
}

/** The value of `--name=value` among a plugin's arguments. */
function optionOf(plugin: Field, name: string): string | null {
  const prefix = `--${name}=`;
  const found = plugin.texts().find((argument) => argument.startsWith(prefix));
  return found?.slice(prefix.length) ?? null;
}
