import type { Accepts, Room, RoomGroup } from './room.js';
import { podsPerNode } from './room.js';

/** One pod set of a gang, with the devices that its pods may end up on. */
export interface GangMember {
  room: Room;
  podsNeeded: number;
  accepts: Accepts;
}

interface Place {
  group: RoomGroup;
  /** Pods of this member that the node takes when nothing else runs there. */
  pods: number;
}

function placesOf({ room, accepts }: GangMember): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const group of room.groups) {
    const pods = podsPerNode(room, group, accepts);
    if (pods > 0) for (const { node } of group.members) places.set(node.node.name, { group, pods });
  }
  return places;
}

/**
 * Puts a member's pods on nodes, those with the most space left first. A node's space is counted in shares: a member
 * of which it takes n pods uses 1/n of it per pod, which is exact for pods that ask alike.
 */
function place(member: GangMember, places: ReadonlyMap<string, Place>, used: Map<string, number>): boolean {
  let missing = member.podsNeeded;
  const bySpace = [...places].sort((a, b) => (used.get(a[0]) ?? 0) - (used.get(b[0]) ?? 0));
  for (const [node, { pods }] of bySpace) {
    if (missing <= 0) break;
    const taken = used.get(node) ?? 0;
    const here = Math.min(missing, Math.floor((1 - taken) * pods + 1e-9));
    if (here > 0) used.set(node, taken + here / pods);
    missing -= Math.max(0, here);
  }
  return missing <= 0;
}

/**
 * Whether all pods of a gang have room at once on an otherwise empty cluster. Members with the fewest nodes choose
 * first. Only called where each member has room by itself.
 */
export function gangHasRoom(members: readonly GangMember[]): boolean {
  const used = new Map<string, number>();
  return members
    .map((member) => ({ member, places: placesOf(member) }))
    .sort((a, b) => a.places.size - b.places.size)
    .every(({ member, places }) => place(member, places, used));
}
