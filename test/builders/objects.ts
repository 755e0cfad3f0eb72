import { readWorkload } from '../../src/workload/read-workload.js';
import type { JsonObject, PodSet, Workload } from '../../src/workload/workload.js';

/** Limits of so many GPUs. */
export const gpus = (count: number | string): JsonObject => ({ limits: { 'nvidia.com/gpu': count } });
/** A container that asks for so many GPUs. */
export const container = (count: number, more: JsonObject = {}): JsonObject => ({
  name: 'node',
  image: 'train:1',
  ...(count > 0 ? { resources: gpus(count) } : {}),
  ...more,
});
/** A pod template with that one container. */
export const template = (count: number, more: JsonObject = {}): JsonObject => ({
  spec: { containers: [container(count, more)] },
});

/** Reads an object of a kind, with other objects by `<kind>/<name>` beside it. */
export function read(
  apiVersion: string,
  kind: string,
  body: JsonObject,
  objects: Record<string, JsonObject> = {},
): Workload {
  const manifest = { apiVersion, kind, metadata: { name: 'w' }, ...body };
  return readWorkload(manifest, { object: (of, name) => objects[`${of}/${name}`] })!;
}

/** Role, pods and devices per pod of each pod set. */
export function shape(workload: Workload): [string, number, number][] {
  const devices = (podSet: PodSet): number => podSet.devices.reduce((all, { count }) => all + count, 0);
  return workload.podSets.map((podSet) => [podSet.role, podSet.replicas, devices(podSet)]);
}

/** The pod set of a name. */
export function podSetOf(workload: Workload, name: string): PodSet {
  return workload.podSets.find((podSet) => podSet.name === name)!;
}
