import type { Count } from '../count.js';
import { asNodes } from '../count.js';
import type { Field } from '../field.js';
import type { KindReading, LaunchFacts } from '../workload.js';
import type { ReplicaSpec } from './replica-specs.js';
import { gangOf, isSuspended, readReplicaPods, readReplicaSpecs, totalReplicas } from './replica-specs.js';
import type { WorkloadKind } from './workload-kind.js';

/** Kubeflow's PyTorchJob (training-operator v1.9.0, pkg/controller.v1/pytorch). */
export const pytorchJob: WorkloadKind = {
  apiGroup: 'kubeflow.org',
  kind: 'PyTorchJob',
  versions: ['v1'],
  resource: 'pytorchjobs',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    const specs = readReplicaSpecs(spec.get('pytorchReplicaSpecs'));
    const launch = launchFacts(spec, specs);
    return {
      podSets: readReplicaPods(specs, () => launch),
      gangSize: elasticMinimum(spec) ?? gangOf(spec, specs),
      suspended: isSuspended(spec),
      purpose: 'training',
    };
  },
};

/**
 * envvar.go, elastic.go: WORLD_SIZE is set only beside a Master and counts pods × nprocPerNode, where anything but a
 * whole number (the default is `auto`) counts as 1. PET_* are torchrun's own variables.
 */
function launchFacts(spec: Field, specs: readonly ReplicaSpec[]): LaunchFacts {
  const pods = totalReplicas(specs);
  const processesPerPod = readProcesses(spec);
  const ranks = typeof processesPerPod === 'number' ? processesPerPod : 1;
  const hasMaster = specs.some(({ role }) => role === 'master');
  const worldSize = hasMaster && pods.unresolved.length === 0 && processesPerPod !== null ? pods.value * ranks : null;
  return {
    processesPerPod,
    ...asNodes(pods),
    worldSize,
    env: environment(spec, pods, processesPerPod, worldSize),
    startedBy: null,
    statements: [],
  };
}

/** null: said by a variable that is filled in elsewhere. */
function readProcesses(spec: Field): LaunchFacts['processesPerPod'] {
  const elastic = spec.get('elasticPolicy', 'nProcPerNode');
  if (elastic.present) return settledCount(elastic);
  const field = spec.get('nprocPerNode');
  if (!field.present || field.value === 'auto') return 'auto';
  if (field.value === 'gpu') return 'auto';
  return field.value === 'cpu' ? 1 : settledCount(field);
}

function settledCount(field: Field): number | null {
  const count = field.count(1);
  return count.unresolved.length > 0 ? null : count.value;
}

function elasticMinimum(spec: Field): number | null {
  const minimum = spec.get('elasticPolicy', 'minReplicas');
  return minimum.present ? minimum.count(1).value : null;
}

function environment(
  spec: Field,
  pods: Count,
  processesPerPod: LaunchFacts['processesPerPod'],
  worldSize: number | null,
): Record<string, string> {
  const nodes = nodesVariable(spec, pods);
  return {
    ...(nodes === null ? {} : { PET_NNODES: nodes }),
    ...(processesPerPod === null ? {} : { PET_NPROC_PER_NODE: String(processesPerPod) }),
    ...(worldSize === null ? {} : { WORLD_SIZE: String(worldSize) }),
  };
}

/** `min:max` for elastic jobs with both bounds, else the number of pods. */
function nodesVariable(spec: Field, pods: Count): string | null {
  const minimum = spec.get('elasticPolicy', 'minReplicas');
  const maximum = spec.get('elasticPolicy', 'maxReplicas');
  if (!minimum.present || !maximum.present) return pods.unresolved.length > 0 ? null : String(pods.value);
  const [least, most] = [settledCount(minimum), settledCount(maximum)];
  return least === null || most === null ? null : `${least}:${most}`;
}
