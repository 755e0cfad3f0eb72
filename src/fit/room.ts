import type { Placement, TopologyRule } from '../workload/workload.js';
import type { Cluster } from './cluster.js';
import type { Demand } from './demand.js';
import type { Cell, DeviceColumns } from './node-columns.js';
import { obstacle } from './placement.js';
import type { Lot, Stock } from './stock.js';
import { DomainRoom } from './topology.js';

/** Nodes that are equal in what they can ever give to one pod set. */
export interface RoomGroup {
  stock: Stock;
  /** Device slots per node as the node declares them; Infinity where it declares nothing. */
  declaredSlots: number;
  /** Pods per node that the other amounts (CPU, memory, ...) allow, where these are fewer than the devices allow. */
  otherLimit: number;
  /** Whether something that passes (a cordon, a node that is not there yet) keeps pods off now. */
  passing: boolean;
  /** The nodes, by their position in the cluster. */
  positions: readonly number[];
}

/** Where the pods of one pod set may ever run, and what kept them off the other nodes. */
export interface Room {
  cluster: Cluster;
  demand: Demand;
  /** How pods are tied to each other. */
  topology: readonly TopologyRule[];
  groups: readonly RoomGroup[];
  /** Reason in words, with the number of nodes it holds for. */
  obstacles: ReadonlyMap<string, number>;
  nodesSeen: number;
}

export type Accepts = (lot: Lot) => boolean;

/** Amounts that every kubelet reports: where a node lists none of them, the inventory does not know, not the node. */
const NATIVE = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods']);

/** An amount besides the devices that pods ask for, with what each node has and what is bound there, by position. */
interface OtherAmount {
  name: string;
  perPod: number;
  has: Float64Array;
  bound: Float64Array;
  isNative: boolean;
}

function otherAmounts({ columns }: Cluster, demand: Demand): OtherAmount[] {
  const asked: readonly [string, number][] = [['pods', 1], ...Object.entries(demand.others)];
  return asked
    .filter(([, perPod]) => perPod > 0)
    .map(([name, perPod]) => ({
      name,
      perPod,
      has: columns.allocatable(name),
      bound: columns.requested(name),
      isNative: NATIVE.has(name),
    }));
}

/** Pods of a node that one amount allows when `taken` of it is gone. */
function podsByAmount({ has, perPod, isNative }: OtherAmount, position: number, taken: number, bare: boolean): number {
  const amount = has[position] ?? NaN;
  if (Number.isNaN(amount)) return isNative || bare ? Infinity : 0;
  return Math.max(0, Math.floor((amount - taken) / perPod + 1e-9));
}

type SlotSize = Pick<Lot, 'deviceClass' | 'bandBytes'>;

/** How many requests of this kind one device of a lot can serve. */
function slotsPerDevice(lot: SlotSize, demand: Demand): number {
  const { budget } = demand;
  if (budget.kind === 'bytes') return Math.floor(lot.bandBytes / budget.bytes);
  if (budget.kind === 'fraction') return Math.floor(1 / budget.fraction + 1e-9);
  return lot.deviceClass.replicas;
}

/** What of a stock can serve such a request at all: devices smaller than the share that is asked for are no choice. */
function serving(stock: Stock, demand: Demand): Stock {
  const serves = (lot: Lot): boolean => slotsPerDevice(lot, demand) > 0;
  if (stock.lots.every(serves)) return stock;
  const facts = stock.facts.filter((_, index) => serves(stock.lots[index]!));
  return { ...stock, lots: stock.lots.filter(serves), facts };
}

type Slots = Pick<RoomGroup, 'stock' | 'declaredSlots'>;

/** Slots of one node that lie on accepted devices. A node of one class is believed in how many it declares. */
function slotsOn(group: Slots, demand: Demand, accepts: Accepts): number {
  const accepted = group.stock.lots.filter(accepts);
  if (accepted.length === 0) return 0;
  if (demand.budget.kind === 'whole' && group.stock.lots.length === 1 && Number.isFinite(group.declaredSlots))
    return group.declaredSlots;
  const slots = accepted.reduce((sum, lot) => sum + lot.count * slotsPerDevice(lot, demand), 0);
  return demand.budget.kind === 'whole' ? Math.min(slots, group.declaredSlots) : slots;
}

/** Pods per node of a group when only accepted devices count. */
export function podsPerNode(room: Pick<Room, 'demand'>, group: RoomGroup, accepts: Accepts): number {
  return Math.min(Math.floor(slotsOn(group, room.demand, accepts) / room.demand.count), group.otherLimit);
}

/** Pods that could run at once on an otherwise empty cluster when only accepted devices count. */
export function podsEver(room: Room, accepts: Accepts): number {
  const domains = domainsOf(room);
  if (domains === null)
    return room.groups.reduce((sum, group) => sum + group.positions.length * podsPerNode(room, group, accepts), 0);
  for (const group of room.groups) domains.addAll(group.positions, podsPerNode(room, group, accepts));
  return domains.total();
}

const domainsOf = ({ cluster, topology }: Pick<Room, 'cluster' | 'topology'>): DomainRoom | null =>
  topology.length === 0 ? null : new DomainRoom(topology, cluster.nodes);

const all = (): boolean => true;

/** Collects nodes into groups and counts what kept the others out. */
class RoomBuilder {
  private readonly groups = new Map<string, RoomGroup & { positions: number[] }>();
  private readonly obstacles = new Map<string, number>();
  private readonly others: readonly OtherAmount[];

  constructor(
    private readonly cluster: Cluster,
    private readonly placement: Placement,
    private readonly demand: Demand,
  ) {
    this.others = otherAmounts(cluster, demand);
  }

  /** Nodes that are equal in all that the placement looks at. */
  add({ first, positions }: Cell): void {
    const offered = first.stocks.get(this.demand.resource);
    if (offered === undefined) return this.refuse(`without ${this.demand.resource}`, positions.length);
    const stock = serving(offered, this.demand);
    const kept = obstacle(first.node, this.placement);
    if (kept !== null && !kept.passing) return this.refuse(kept.words, positions.length);
    const { allocatable } = first.node;
    const isBare = Object.keys(allocatable).length === 0;
    const declaredSlots = isBare ? Infinity : (allocatable[this.demand.resource] ?? 0);
    const slots = slotsOn({ stock, declaredSlots }, this.demand, all);
    if (slots < this.demand.count)
      return this.refuse(
        slots === 0 ? `with no ${this.demand.written} to give` : `with only ${slots}`,
        positions.length,
      );
    const most = Math.floor(slots / this.demand.count);
    for (const position of positions) {
      const limit = this.limitAt(position, most, isBare);
      if (typeof limit === 'string') this.refuse(`with too little ${limit}`, 1);
      else this.group({ stock, declaredSlots, otherLimit: limit, passing: kept !== null }).push(position);
    }
  }

  /** Pods that the other amounts allow, at most as many as the devices do; the name of what is too little for one. */
  private limitAt(position: number, most: number, isBare: boolean): number | string {
    let [pods, scarcest] = [most, ''];
    for (const other of this.others) {
      const allowed = podsByAmount(other, position, 0, isBare);
      if (allowed < pods) [pods, scarcest] = [allowed, other.name];
    }
    return pods < 1 ? scarcest : pods;
  }

  private group(of: Omit<RoomGroup, 'positions'>): number[] {
    const key = `${of.stock.key}|${of.declaredSlots}|${of.otherLimit}|${of.passing}`;
    const known = this.groups.get(key);
    if (known !== undefined) return known.positions;
    const group = { ...of, positions: [] };
    this.groups.set(key, group);
    return group.positions;
  }

  private refuse(words: string, nodes: number): void {
    this.obstacles.set(words, (this.obstacles.get(words) ?? 0) + nodes);
  }

  build(): Room {
    const { cluster, demand, obstacles, placement } = this;
    const topology = placement.topology ?? [];
    return { cluster, demand, topology, groups: [...this.groups.values()], obstacles, nodesSeen: cluster.nodes.length };
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
  const builder = new RoomBuilder(cluster, placement, demand);
  for (const cell of cellsFor(cluster, placement)) builder.add(cell);
  return builder.build();
}

/** Nodes in cells that are equal in all that a placement looks at. */
function cellsFor({ columns }: Cluster, { nodeName, nodeSelector, requiredNodeTerms }: Placement): readonly Cell[] {
  const terms = requiredNodeTerms ?? [];
  if (nodeName !== null || terms.some(({ fields }) => fields.length > 0)) return columns.singles();
  const keys = [...Object.keys(nodeSelector), ...terms.flatMap(({ labels }) => labels.map(({ key }) => key))];
  return columns.cellsBy([...new Set(keys)].sort());
}

/** Bytes that must be free on a device of the lot; null where the lot is not accepted. */
export type Needs = (lot: Pick<Lot, 'deviceClass' | 'bandBytes'>) => number | null;

/** Pods that can run at once beside what runs now, on accepted devices with the needed bytes free. */
export function podsNow(room: Room, needs: Needs): number {
  const domains = domainsOf(room);
  let pods = 0;
  forNodesNow(room, needs, (position, here) => {
    pods += here;
    domains?.add(position, here);
  });
  return domains?.total() ?? pods;
}

function forNodesNow(room: Room, needs: Needs, take: (position: number, pods: number) => void): void {
  const usable = usableNow(room, needs);
  const others = otherAmounts(room.cluster, room.demand);
  const bound = room.cluster.columns.requested(room.demand.resource);
  for (const group of room.groups) {
    if (group.passing || !group.stock.lots.some((lot) => needs(lot) !== null)) continue;
    const isBare = !Number.isFinite(group.declaredSlots);
    const slots = slotsOn(group, room.demand, all);
    const undescribed = slotsOn(group, room.demand, (lot) => needs(lot) !== null);
    for (const position of group.positions) {
      const left = slots - (bound[position] ?? 0);
      if (left < room.demand.count) continue;
      const byDevices = Math.floor(Math.min(left, usable(position) ?? undescribed) / room.demand.count);
      if (byDevices >= 1) take(position, leastOf(others, position, byDevices, isBare));
    }
  }
}

function leastOf(others: readonly OtherAmount[], position: number, most: number, isBare: boolean): number {
  let pods = most;
  for (const other of others) pods = Math.min(pods, podsByAmount(other, position, other.bound[position] ?? 0, isBare));
  return pods;
}

/** Devices with what must be free on each, by lot; NaN where the lot is not accepted. */
interface Offer {
  columns: DeviceColumns;
  needed: Float64Array;
  isWhole: boolean;
}

/** Requests that one device can take beside its pods; none where something holds the memory that they need. */
function slotsNow({ columns, needed, isWhole }: Offer, device: number): number {
  const bytes = needed[columns.lots[device] ?? 0] ?? NaN;
  if (Number.isNaN(bytes)) return 0;
  const isLacking = (columns.freeBytes[device] ?? 0) < bytes;
  if (!isWhole) return isLacking ? 0 : 1;
  // Those who share a device share what is free on it: who comes next may find more.
  return isLacking && columns.exclusive[device] === 1 ? 0 : (columns.unheld[device] ?? 0);
}

/** Requests that the devices of a node can take now, by the node's position; null where nothing describes them. */
function usableNow({ cluster, demand }: Room, needs: Needs): (position: number) => number | null {
  const columns = cluster.columns.devices(demand.resource);
  // A device that is smaller than what is asked of one serves nobody, however much of it is free.
  const serves = (lot: SlotSize): boolean => slotsPerDevice(lot, demand) > 0;
  const needed = Float64Array.from(cluster.lots, (lot) => (serves(lot) ? needs(lot) : null) ?? NaN);
  const offer = { columns, needed, isWhole: demand.budget.kind === 'whole' };
  return (position) => {
    const [from, to] = [columns.starts[position] ?? 0, columns.starts[position + 1] ?? 0];
    let slots = 0;
    for (let device = from; device < to; device += 1) slots += slotsNow(offer, device);
    return from === to ? null : slots;
  };
}
