import type { Device } from '../inventory/inventory.js';
import type { Placement } from '../workload/workload.js';
import type { Cluster, ClusterNode, Lot, Stock } from './cluster.js';
import type { Demand } from './demand.js';
import { obstacle } from './placement.js';

/** Nodes that are equal in what they can ever give to one pod set. */
export interface RoomGroup {
  stock: Stock;
  /** Device slots per node as the node declares them; Infinity where it declares nothing. */
  declaredSlots: number;
  /** Pods per node that the other amounts (CPU, memory, ...) allow. */
  otherLimit: number;
  members: readonly { node: ClusterNode; passing: boolean }[];
}

/** Where the pods of one pod set may ever run, and what kept them off the other nodes. */
export interface Room {
  demand: Demand;
  groups: readonly RoomGroup[];
  /** Reason in words, with the number of nodes it holds for. */
  obstacles: ReadonlyMap<string, number>;
  nodesSeen: number;
}

export type Accepts = (lot: Lot) => boolean;

/** Amounts that every kubelet reports: where a node lists none of them, the inventory does not know, not the node. */
const NATIVE = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods']);

function podsByAmount(amounts: Readonly<Record<string, number>>, name: string, perPod: number): number {
  const has = amounts[name];
  if (perPod <= 0) return Infinity;
  if (has === undefined) return NATIVE.has(name) || Object.keys(amounts).length === 0 ? Infinity : 0;
  return Math.max(0, Math.floor(has / perPod + 1e-9));
}

/** Pods that fit by every amount but the devices; the name of the scarcest. */
function otherLimit(amounts: Readonly<Record<string, number>>, demand: Demand): { pods: number; scarcest: string } {
  let scarce = { pods: podsByAmount(amounts, 'pods', 1), scarcest: 'pods' };
  for (const [name, perPod] of Object.entries(demand.others)) {
    const pods = podsByAmount(amounts, name, perPod);
    if (pods < scarce.pods) scarce = { pods, scarcest: name };
  }
  return scarce;
}

/** How many requests of this kind one device of a lot can serve. */
function slotsPerDevice(lot: Lot, demand: Demand): number {
  const { budget } = demand;
  if (budget.kind === 'bytes') return Math.floor(lot.bandBytes / budget.bytes);
  if (budget.kind === 'fraction') return Math.floor(1 / budget.fraction + 1e-9);
  return lot.deviceClass.replicas;
}

/** Slots of one node that lie on accepted devices. A node of one class is believed in how many it declares. */
function slotsOn(group: RoomGroup, demand: Demand, accepts: Accepts): number {
  const accepted = group.stock.lots.filter(accepts);
  if (accepted.length === 0) return 0;
  if (demand.budget.kind === 'whole' && group.stock.lots.length === 1 && Number.isFinite(group.declaredSlots))
    return group.declaredSlots;
  const slots = accepted.reduce((sum, lot) => sum + lot.count * slotsPerDevice(lot, demand), 0);
  return demand.budget.kind === 'whole' ? Math.min(slots, group.declaredSlots) : slots;
}

/** Pods per node of a group when only accepted devices count. */
export function podsPerNode(room: Room, group: RoomGroup, accepts: Accepts): number {
  return Math.min(Math.floor(slotsOn(group, room.demand, accepts) / room.demand.count), group.otherLimit);
}

/** Pods that could run at once on an otherwise empty cluster when only accepted devices count. */
export function podsEver(room: Room, accepts: Accepts): number {
  return room.groups.reduce((sum, group) => sum + group.members.length * podsPerNode(room, group, accepts), 0);
}

const declaredSlots = (node: ClusterNode, resource: string): number => {
  const { allocatable } = node.node;
  return Object.keys(allocatable).length === 0 ? Infinity : (allocatable[resource] ?? 0);
};

/** Collects nodes into groups and counts what kept the others out. */
class RoomBuilder {
  private readonly groups = new Map<string, RoomGroup & { members: { node: ClusterNode; passing: boolean }[] }>();
  private readonly obstacles = new Map<string, number>();

  constructor(
    private readonly placement: Placement,
    private readonly demand: Demand,
  ) {}

  add(node: ClusterNode): void {
    const stock = node.stocks.get(this.demand.resource);
    if (stock === undefined) return this.refuse(`without ${this.demand.resource}`);
    const kept = obstacle(node.node, this.placement);
    if (kept !== null && !kept.passing) return this.refuse(kept.words);
    const limit = otherLimit(node.node.allocatable, this.demand);
    const group = this.group(stock, declaredSlots(node, this.demand.resource), limit.pods);
    const shortage = this.shortage(group, limit);
    if (shortage !== null) return this.refuse(shortage);
    group.members.push({ node, passing: kept !== null });
  }

  private shortage(group: RoomGroup, limit: { pods: number; scarcest: string }): string | null {
    const slots = slotsOn(group, this.demand, () => true);
    if (slots < this.demand.count) return slots === 0 ? `with no ${this.demand.written} to give` : `with only ${slots}`;
    return limit.pods < 1 ? `with too little ${limit.scarcest}` : null;
  }

  private group(
    stock: Stock,
    slots: number,
    limit: number,
  ): RoomGroup & { members: { node: ClusterNode; passing: boolean }[] } {
    const key = `${stock.key}|${slots}|${limit}`;
    const known = this.groups.get(key);
    if (known !== undefined) return known;
    const group = { stock, declaredSlots: slots, otherLimit: limit, members: [] };
    this.groups.set(key, group);
    return group;
  }

  private refuse(words: string): void {
    this.obstacles.set(words, (this.obstacles.get(words) ?? 0) + 1);
  }

  build(nodesSeen: number): Room {
    const groups = [...this.groups.values()].filter((group) => group.members.length > 0);
    return { demand: this.demand, groups, obstacles: this.obstacles, nodesSeen };
  }
}

const rooms = new WeakMap<Cluster, Map<string, Room>>();
const ROOMS_KEPT = 200;

/**
 * Where pods with this placement and demand may ever run: on an empty cluster, passing states of nodes over. Kept per
 * cluster, because many workloads ask alike and every piece of advice asks again.
 */
export function roomFor(cluster: Cluster, placement: Placement, demand: Demand): Room {
  const kept = rooms.get(cluster) ?? new Map<string, Room>();
  rooms.set(cluster, kept);
  const key = JSON.stringify([placement, demand]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  if (kept.size >= ROOMS_KEPT) kept.clear();
  const room = buildRoom(cluster, placement, demand);
  kept.set(key, room);
  return room;
}

function buildRoom(cluster: Cluster, placement: Placement, demand: Demand): Room {
  const builder = new RoomBuilder(placement, demand);
  for (const node of cluster.nodes) builder.add(node);
  return builder.build(cluster.nodes.length);
}

/** Bytes that must be free on a device of the lot; null where the lot is not accepted. */
export type Needs = (lot: Pick<Lot, 'deviceClass' | 'bandBytes'>) => number | null;

/** Requests that one device can take beside its pods; none where something holds the memory that they need. */
function deviceSlotsNow(device: Device, demand: Demand, neededBytes: number): number {
  const lacking = device.usedBytes !== null && device.capacityBytes - device.usedBytes < neededBytes;
  if (demand.budget.kind !== 'whole') return lacking ? 0 : 1;
  const unheld = Math.max(0, device.replicas - device.pods.length);
  return lacking && device.replicas === 1 ? 0 : unheld;
}

/** Free slots of a node: what the scheduler has left, on accepted devices that hold enough free memory. */
function slotsNow(room: Room, group: RoomGroup, node: ClusterNode, needs: Needs): number {
  const { demand } = room;
  const devices = node.devices.get(demand.resource) ?? [];
  const left = slotsOn(group, demand, () => true) - (node.node.requested[demand.resource] ?? 0);
  if (left < demand.count) return 0;
  if (devices.length === 0)
    return Math.min(
      left,
      slotsOn(group, demand, (lot) => needs(lot) !== null),
    );
  const usable = devices.reduce((sum, stocked) => {
    const needed = needs(stocked);
    return needed === null ? sum : sum + deviceSlotsNow(stocked.device, demand, needed);
  }, 0);
  return Math.min(left, usable);
}

/** What is left of the amounts that a pod asks for, and no others. */
function remaining({ node }: ClusterNode, demand: Demand): Record<string, number> {
  const left: Record<string, number> = {};
  for (const name of ['pods', ...Object.keys(demand.others)]) {
    const amount = node.allocatable[name];
    if (amount !== undefined) left[name] = amount - (node.requested[name] ?? 0);
  }
  return left;
}

function podsNowOn(room: Room, group: RoomGroup, node: ClusterNode, needs: Needs): number {
  const byDevices = Math.floor(slotsNow(room, group, node, needs) / room.demand.count);
  return byDevices < 1 ? 0 : Math.min(byDevices, otherLimit(remaining(node, room.demand), room.demand).pods);
}

/** Pods that can run at once beside what runs now, on accepted devices with the needed bytes free. */
export function podsNow(room: Room, needs: Needs): number {
  let pods = 0;
  for (const group of room.groups) {
    if (!group.stock.lots.some((lot) => needs(lot) !== null)) continue;
    for (const { node, passing } of group.members) if (!passing) pods += podsNowOn(room, group, node, needs);
  }
  return pods;
}
