import type { Occupant } from './assessment.js';
import type { Room } from './room.js';
import type { ClusterNode, Lot, StockedDevice } from './stock.js';

type Accepts = (lot: Pick<Lot, 'deviceClass' | 'bandBytes'>) => boolean;

const SHOWN = 5;

/**
 * Who holds a device: its pods by name. Nobody that Kubernetes knows where the node's pods are named otherwise, or where
 * none of them asks for such a device.
 */
function holderOf({ node, devices }: ClusterNode, { device }: StockedDevice): Pick<Occupant, 'pods' | 'outside'> {
  if (device.pods.length > 0) return { pods: device.pods, outside: false };
  const namesPods = (devices.get(device.resource) ?? []).some((other) => other.device.pods.length > 0);
  const asksNone = (node.requested[device.resource] ?? 0) === 0;
  return { pods: [], outside: namesPods || asksNone };
}

/**
 * The accepted devices on which something holds the memory that is needed now, those first that no pod holds: memory
 * that nobody answers for is what an operator can set free. At most five.
 */
export function occupantsOf(room: Room, accepts: Accepts, neededBytes: number): Occupant[] {
  const found: (Occupant & { index: number })[] = [];
  for (const position of room.groups.flatMap(({ positions }) => positions)) {
    const holder = room.cluster.nodes[position];
    for (const stocked of holder?.devices.get(room.demand.resource) ?? []) {
      const { index, node, usedBytes } = stocked.device;
      if (holder === undefined || usedBytes === null || !accepts(stocked) || !isInTheWay(stocked, neededBytes))
        continue;
      found.push({ index, node, device: `GPU ${index}`, usedBytes, ...holderOf(holder, stocked) });
    }
  }
  found.sort(inOrder);
  return found.slice(0, SHOWN).map(({ index: _index, ...occupant }) => occupant);
}

function isInTheWay({ device: { usedBytes, capacityBytes } }: StockedDevice, neededBytes: number): boolean {
  return usedBytes !== null && usedBytes > 0 && capacityBytes - usedBytes < neededBytes;
}

/** The same whatever the order in which devices are known. */
function inOrder(a: Occupant & { index: number }, b: Occupant & { index: number }): number {
  const byWeight = Number(b.outside) - Number(a.outside) || b.usedBytes - a.usedBytes;
  return byWeight || (a.node === b.node ? a.index - b.index : a.node < b.node ? -1 : 1);
}
