import type { Count } from '../count.js';
import { known, product } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading, PodSet, Statement } from '../workload.js';
import type { WorkloadKind } from './workload-kind.js';

/** KubeRay's RayCluster: a head, which may hold GPUs too, and groups of workers. What it runs comes from elsewhere. */
export const rayCluster: WorkloadKind = {
  apiGroup: 'ray.io',
  kind: 'RayCluster',
  versions: ['v1', 'v1alpha1'],
  resource: 'rayclusters',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    return {
      podSets: readRayPods(spec),
      gangSize: null,
      suspended: spec.get('suspend').flag(),
      purpose: 'training',
    };
  },
};

/** The pods of a Ray cluster's spec, which RayJob embeds. */
export function readRayPods(spec: Field, startedBy: string | null = null): PodSet[] {
  const head = spec.get('headGroupSpec');
  const groups = spec.get('workerGroupSpecs').items();
  return [
    readPodSet(head.get('template'), {
      name: 'head',
      role: 'head',
      replicas: known(1),
      launch: { startedBy, statements: startParameters(head) },
    }),
    ...groups.map((group, index) => readGroup(group, index, startedBy)),
  ];
}

function readGroup(group: Field, index: number, startedBy: string | null): PodSet {
  const name = group.get('groupName').text() ?? `workers-${index}`;
  const replicas = product(desiredReplicas(group), group.get('numOfHosts').count(1));
  const launch = { startedBy, statements: startParameters(group) };
  return readPodSet(group.get('template'), { name, role: 'worker', replicas, launch });
}

/** Replicas within their bounds, and the lower bound where none are said (ray-project/kuberay controllers/ray/utils). */
function desiredReplicas(group: Field): Count {
  const minimum = group.get('minReplicas').count(0);
  const replicas = group.get('replicas');
  if (!replicas.present) return minimum;
  const wanted = replicas.count(Math.max(1, minimum.value));
  const maximum = group.get('maxReplicas');
  const most = maximum.present ? maximum.count(wanted.value).value : wanted.value;
  return { ...wanted, value: Math.min(Math.max(wanted.value, minimum.value), Math.max(most, minimum.value)) };
}

function startParameters(group: Field): Statement[] {
  return group
    .get('rayStartParams')
    .entries()
    .map(([name, field]) => ({
      name: `rayStartParams.${name}`,
      value: field.text() ?? '',
      path: field.path,
    }));
}
