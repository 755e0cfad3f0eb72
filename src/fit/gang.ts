import type { Accepts, Room } from './room.js';
import { podsPerNode } from './room.js';

/** One pod set of a gang, with the devices that its pods may end up on. */
export interface GangMember {
  room: Room;
  podsNeeded: number;
  accepts: Accepts;
}

/** Nodes that are alike to every member of a gang. */
interface Block {
  /** Pods of each member that one node takes when nothing else runs there. */
  pods: readonly number[];
  nodes: number;
  /** Share of each node that members placed before use. */
  taken: number;
}

/** Pods that each node takes of a member, by the node's position. */
function podsByPosition({ room, accepts }: GangMember): Uint32Array {
  const pods = new Uint32Array(room.cluster.nodes.length);
  for (const group of room.groups) {
    const here = Math.min(podsPerNode(room, group, accepts), 0xffff_ffff);
    if (here > 0) for (const position of group.positions) pods[position] = here;
  }
  return pods;
}

function blocksOf(columns: readonly Uint32Array[]): Block[] {
  const blocks = new Map<string, Block>();
  for (let position = 0; position < (columns[0]?.length ?? 0); position += 1) {
    const pods = columns.map((column) => column[position] ?? 0);
    const key = pods.join('|');
    const known = blocks.get(key);
    if (known === undefined) blocks.set(key, { pods, nodes: 1, taken: 0 });
    else known.nodes += 1;
  }
  return [...blocks.values()];
}

/** The blocks after `pods` pods of a member were put on `block`, of which each node takes `perNode`. */
function filled(block: Block, pods: number, perNode: number, each: number): Block[] {
  const full = Math.floor(pods / perNode);
  const rest = pods - full * perNode;
  const parts = [
    { ...block, nodes: full, taken: block.taken + perNode / each },
    { ...block, nodes: rest > 0 ? 1 : 0, taken: block.taken + rest / each },
    { ...block, nodes: block.nodes - full - (rest > 0 ? 1 : 0) },
  ];
  return parts.filter(({ nodes }) => nodes > 0);
}

/** Pods that members placed later lose for each pod of this one on a node of the block. */
const lossOf = ({ pods }: Block, member: number, later: readonly number[]): number =>
  later.reduce((sum, other) => sum + (pods[other] ?? 0), 0) / Math.max(1, pods[member] ?? 0);

/**
 * Puts a member's pods on nodes, those first where members placed later lose least, then those with the most space left; null
 * where they have no room. A node's space is counted in shares: a member of which it takes n pods uses 1/n of it per pod,
 * which is exact for pods that ask alike.
 */
function placed(
  blocks: readonly Block[],
  member: number,
  podsNeeded: number,
  later: readonly number[],
): Block[] | null {
  let missing = podsNeeded;
  const after: Block[] = [];
  const loss = new Map(blocks.map((block) => [block, lossOf(block, member, later)]));
  for (const block of [...blocks].sort((a, b) => loss.get(a)! - loss.get(b)! || a.taken - b.taken)) {
    const each = block.pods[member] ?? 0;
    const perNode = each === 0 ? 0 : Math.floor((1 - block.taken) * each + 1e-9);
    const here = Math.min(missing, perNode * block.nodes);
    after.push(...(here > 0 ? filled(block, here, perNode, each) : [block]));
    missing -= here;
  }
  return missing > 0 ? null : after;
}

/**
 * Whether all pods of a gang have room at once on an otherwise empty cluster. Members with the fewest nodes choose
 * first. Only called where each member has room by itself.
 */
export function gangHasRoom(members: readonly GangMember[]): boolean {
  const columns = members.map(podsByPosition);
  const nodes = columns.map((column) => column.reduce((sum, pods) => sum + (pods > 0 ? 1 : 0), 0));
  const order = members.map((_, index) => index).sort((a, b) => (nodes[a] ?? 0) - (nodes[b] ?? 0));
  let blocks: Block[] | null = blocksOf(columns);
  for (const [turn, index] of order.entries()) {
    if (blocks === null) return false;
    blocks = placed(blocks, index, members[index]?.podsNeeded ?? 0, order.slice(turn + 1));
  }
  return blocks !== null;
}
