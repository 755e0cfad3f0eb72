import type { Count } from '../count.js';
import { asNodes, sum } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading, LaunchFacts, PodSet } from '../workload.js';

/** One entry of `<framework>ReplicaSpecs`: `Master`, `Worker`, `PS`, ... */
export interface ReplicaSpec {
  /** In lower case, as the operator names its pods. */
  role: string;
  replicas: Count;
  template: Field;
}

/**
 * The replica specs of a Kubeflow training job (v1), in the order written. Replicas default to 1
 * (kubeflow/training-operator pkg/apis/kubeflow.org/v1/defaulting_utils.go).
 */
export function readReplicaSpecs(specs: Field, whereNotSaid: (role: string) => number = () => 1): ReplicaSpec[] {
  const read = specs
    .entries()
    .filter(([, spec]) => spec.present)
    .map(([role, spec]) => ({
      role: role.toLowerCase(),
      replicas: spec.get('replicas').count(whereNotSaid(role.toLowerCase())),
      template: spec.get('template'),
    }));
  if (read.length === 0) throw specs.expected('an object with at least one replica spec');
  return read;
}

/** Pods of all replica specs together. */
export function totalReplicas(specs: readonly ReplicaSpec[]): Count {
  return sum(...specs.map(({ replicas }) => replicas));
}

/** One pod set for each replica spec, with what `launch` knows of it. */
export function readReplicaPods(
  specs: readonly ReplicaSpec[],
  launch: (spec: ReplicaSpec) => Partial<LaunchFacts>,
): PodSet[] {
  return specs.map((spec) =>
    readPodSet(spec.template, { name: spec.role, role: spec.role, replicas: spec.replicas, launch: launch(spec) }),
  );
}

/**
 * Pods that must start together: `runPolicy.schedulingPolicy.minAvailable` where given, else all
 * (training-operator pkg/controller.v1/common/job.go).
 */
export function gangOf(spec: Field, specs: readonly ReplicaSpec[]): number {
  const minAvailable = spec.get('runPolicy', 'schedulingPolicy', 'minAvailable');
  return minAvailable.present ? minAvailable.count(1).value : totalReplicas(specs).value;
}

export function isSuspended(spec: Field): boolean {
  return spec.get('runPolicy', 'suspend').flag();
}

/** What sets one Kubeflow v1 job apart from another. */
export interface ReplicaJobRules {
  processesPerPod: LaunchFacts['processesPerPod'];
  /** The operator hands out the number of pods as WORLD_SIZE. */
  worldSizeIsPods?: boolean;
}

/** Reads a Kubeflow v1 job that does no more than start its replicas and tell them of each other. */
export function readReplicaJob(spec: Field, member: string, rules: ReplicaJobRules): KindReading {
  const specs = readReplicaSpecs(spec.get(member));
  const pods = totalReplicas(specs);
  const settled = pods.unresolved.length === 0;
  const worldSize = rules.worldSizeIsPods === true && settled ? pods.value : null;
  const env: Record<string, string> = worldSize === null ? {} : { WORLD_SIZE: String(worldSize) };
  return {
    podSets: readReplicaPods(specs, () => ({
      processesPerPod: rules.processesPerPod,
      ...asNodes(pods),
      worldSize,
      env,
    })),
    gangSize: gangOf(spec, specs),
    suspended: isSuspended(spec),
    purpose: 'training',
  };
}
