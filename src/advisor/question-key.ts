import { hash } from 'node:crypto';
import type { Container, PodSet, Workload } from '../workload/workload.js';
import type { Alongside } from './alongside.js';
import { RUN_ANNOTATION } from './annotations.js';

/** The token that the API server mounts into every pod, under a name of its own in each. */
const SERVICE_ACCOUNT_MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * One short key for all workloads (with what stands beside them) that get the same answer. It is made of what was read,
 * not of the text: names, labels, what the API server adds to each object (uids in labels and selectors, random names of
 * volumes) and the order of keys make no difference.
 */
export function questionKey(workload: Workload, alongside: Alongside): string {
  const { reference, podSets, annotations, labels: _labels, owner: _owner, ...read } = workload;
  const { apiVersion, kind, namespace } = reference;
  const others = [apiVersion, kind, namespace, annotations[RUN_ANNOTATION] ?? null, alongside, ...Object.values(read)];
  const known = keys.get(podSets);
  if (known !== undefined && isEqual(known.others, others)) return known.key;
  const asked = [apiVersion, kind, namespace, podSets.map(askedOfPods), annotations[RUN_ANNOTATION] ?? null, read];
  const key = hash('sha256', JSON.stringify([asked, alongside.configMaps, alongside.objects]), 'base64');
  keys.set(podSets, { others, key });
  return key;
}

/** Keys of readings that are given to workloads of several names: made once, as long as all else is the very same too. */
const keys = new WeakMap<readonly PodSet[], { others: readonly unknown[]; key: string }>();

const isEqual = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  one.length === other.length && one.every((each, index) => each === other[index]);

function askedOfPods(podSet: PodSet): PodSet {
  return { ...podSet, containers: podSet.containers.map(askedOfContainer) };
}

function askedOfContainer(container: Container): Container {
  const mounts = container.mounts.filter(({ mountPath }) => mountPath !== SERVICE_ACCOUNT_MOUNT);
  return mounts.length === container.mounts.length ? container : { ...container, mounts };
}
