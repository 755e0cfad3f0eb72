import type { PodSetFit } from './assessment.js';
import { onlyAccepted } from './class-fit.js';
import { podsPerNode } from './room.js';
import type { Accepts, Room } from './room.js';

type Affinity = NonNullable<PodSetFit['affinity']>;

/** Labels that say what devices a node has, best first; the node's own name is the last resort. */
export const DEVICE_LABELS = [
  'nvidia.com/gpu.product',
  'amd.com/gpu.product-name',
  'cloud.google.com/gke-accelerator',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/hostname',
] as const;
const MOST_VALUES = 16;

/** The values of a label that only lead to accepted devices, with the pods that have room on their nodes. */
function roomByValue(room: Room, key: string, accepts: Accepts): { value: string; pods: number }[] {
  const good = onlyAccepted(room, accepts);
  const { ids, values } = room.cluster.columns.label(key);
  const pods = new Float64Array(values.length);
  for (const group of room.groups) {
    const perNode = good(group) ? podsPerNode(room, group, accepts) : -Infinity;
    for (const position of group.positions) {
      const id = ids[position] ?? -1;
      if (id >= 0) pods[id] = (pods[id] ?? 0) + perNode;
    }
  }
  return values.map((value, id) => ({ value, pods: pods[id] ?? 0 })).filter((each) => each.pods > 0);
}

/**
 * The node affinity that keeps a pod set on accepted devices and still has room for the pods that must run at once.
 * null: no label tells the devices apart, as on nodes that hold two models under one resource name.
 */
export function affinityFor(room: Room, accepts: Accepts, podsNeeded: number): Affinity | null {
  for (const key of DEVICE_LABELS) {
    const good = roomByValue(room, key, accepts);
    const pods = good.reduce((sum, each) => sum + each.pods, 0);
    if (good.length > 0 && good.length <= MOST_VALUES && pods >= podsNeeded)
      return { key, operator: 'In', values: good.map(({ value }) => value).sort() };
  }
  return null;
}
