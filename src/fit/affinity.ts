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

/** Pods that have room on nodes with each value of a label; bad: some node with the value may give another device. */
function roomByValue(room: Room, key: string, accepts: Accepts): Map<string, { pods: number; bad: boolean }> {
  const good = onlyAccepted(room, accepts);
  const values = new Map<string, { pods: number; bad: boolean }>();
  for (const group of room.groups) {
    const [bad, pods] = [!good(group), podsPerNode(room, group, accepts)];
    for (const { node } of group.members) {
      const value = node.node.labels[key];
      if (value === undefined) continue;
      const known = values.get(value) ?? { pods: 0, bad: false };
      values.set(value, { pods: known.pods + pods, bad: known.bad || bad });
    }
  }
  return values;
}

/**
 * The node affinity that keeps a pod set on accepted devices and still has room for the pods that must run at once.
 * null: no label tells the devices apart, as on nodes that hold two models under one resource name.
 */
export function affinityFor(room: Room, accepts: Accepts, podsNeeded: number): Affinity | null {
  for (const key of DEVICE_LABELS) {
    const good = [...roomByValue(room, key, accepts)].filter(([, value]) => !value.bad && value.pods > 0);
    const pods = good.reduce((sum, [, value]) => sum + value.pods, 0);
    if (good.length > 0 && good.length <= MOST_VALUES && pods >= podsNeeded)
      return { key, operator: 'In', values: good.map(([value]) => value).sort() };
  }
  return null;
}
