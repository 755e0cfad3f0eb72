import type { Device, DeviceOffers, InventorySnapshot, Node } from '../inventory/inventory.js';
import { bandOf, classOf, undescribedClass } from './device-class.js';
import { NodeColumns } from './node-columns.js';
import type { ClusterNode, Lot, LotFacts, Stock, StockedDevice } from './stock.js';

/** A snapshot indexed for fitting. Built once per snapshot, read many times. */
export interface Cluster {
  takenAtMs: number;
  nodes: readonly ClusterNode[];
  byResource: ReadonlyMap<string, readonly ClusterNode[]>;
  /** Every class and band of devices that some node has, by id. */
  lots: readonly Omit<Lot, 'count'>[];
  columns: NodeColumns;
  /** What drivers hand out to claims; null where nothing is known of it. */
  offers: DeviceOffers | null;
}

const DEVICE_RESOURCE = /^(nvidia\.com\/(gpu|mig-)|amd\.com\/gpu|gpu\.intel\.com\/|habana\.ai\/)/;

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

const factsOf = (devices: readonly Device[]): LotFacts => ({
  smallestBytes: devices.reduce((least, device) => Math.min(least, device.capacityBytes), Infinity),
  largestBytes: devices.reduce((most, device) => Math.max(most, device.capacityBytes), 0),
  seenAtMs: devices.reduce((oldest, device) => Math.min(oldest, device.seenAtMs), Infinity),
});

function widened(a: LotFacts, b: LotFacts): LotFacts {
  return {
    smallestBytes: Math.min(a.smallestBytes, b.smallestBytes),
    largestBytes: Math.max(a.largestBytes, b.largestBytes),
    seenAtMs: Math.min(a.seenAtMs, b.seenAtMs),
  };
}

interface LotEntry {
  key: string;
  lot: Omit<Lot, 'id'>;
  facts: LotFacts;
}

function lotEntries(devices: readonly StockedDevice[]): LotEntry[] {
  const groups = groupBy(devices, ({ deviceClass, bandBytes }) => `${deviceClass.key}@${bandBytes}`);
  return [...groups].flatMap(([key, members]) => {
    const [first] = members;
    if (first === undefined) return [];
    const lot = { deviceClass: first.deviceClass, bandBytes: first.bandBytes, count: members.length };
    return [{ key, lot, facts: factsOf(members.map(({ device }) => device)) }];
  });
}

function undescribedEntry(resource: string, count: number): LotEntry {
  const deviceClass = undescribedClass(resource);
  const facts = { smallestBytes: 0, largestBytes: 0, seenAtMs: Infinity };
  return { key: deviceClass.key, lot: { deviceClass, bandBytes: 0, count }, facts };
}

/** Keeps one Stock per composition, so that equal nodes are looked at once, and numbers what they are composed of. */
class StockTable {
  readonly lots: Omit<Lot, 'count'>[] = [];
  private readonly ids = new Map<string, number>();
  private readonly stocks = new Map<string, Stock & { facts: LotFacts[] }>();

  of(resource: string, devices: readonly StockedDevice[], node: Node): Stock {
    const entries =
      devices.length === 0 ? [undescribedEntry(resource, node.allocatable[resource] ?? 0)] : lotEntries(devices);
    entries.sort((a, b) => (a.key < b.key ? -1 : 1));
    return this.interned(entries);
  }

  private interned(entries: readonly LotEntry[]): Stock {
    const key = entries.map((entry) => `${entry.key}*${entry.lot.count}`).join(';');
    const known = this.stocks.get(key);
    if (known === undefined) {
      const lots = entries.map((entry) => ({ id: this.idOf(entry), ...entry.lot }));
      const stock = { key, lots, facts: entries.map(({ facts }) => facts) };
      this.stocks.set(key, stock);
      return stock;
    }
    known.facts = entries.map(({ facts }, index) => widened(known.facts[index] ?? facts, facts));
    return known;
  }

  private idOf({ key, lot: { deviceClass, bandBytes } }: LotEntry): number {
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.lots.length;
    this.ids.set(key, id);
    this.lots.push({ id, deviceClass, bandBytes });
    return id;
  }
}

const bareNode = (name: string): Node => ({
  name,
  labels: {},
  taints: [],
  unschedulable: false,
  ready: true,
  allocatable: {},
  requested: {},
});

/** What of a node decides where pods may go, but for its name, its labels and amounts that are no devices. */
function shapeOf(node: Node, stocks: ReadonlyMap<string, Stock>): string {
  const offered = [...stocks].map(([resource, { key }]) => [resource, key, node.allocatable[resource] ?? null]);
  const isBare = Object.keys(node.allocatable).length === 0;
  const { taints, unschedulable, ready, supposed = false, potential = false } = node;
  return JSON.stringify([taints, unschedulable, ready, supposed, potential, isBare, offered]);
}

/** Where nodes and their devices are put down while a cluster is indexed. */
interface Indexing {
  table: StockTable;
  /** Resource names that stand for devices beside those that device plugins are known to use. */
  named: ReadonlySet<string>;
}

function indexNode(node: Node, devices: readonly Device[], { table, named }: Indexing): Omit<ClusterNode, 'position'> {
  const stocked = devices.map((device) => ({
    device,
    deviceClass: classOf(device, node),
    bandBytes: bandOf(device.capacityBytes),
  }));
  const byResource = groupBy(stocked, ({ device }) => device.resource);
  const offered = Object.keys(node.allocatable).filter(
    (name) => (DEVICE_RESOURCE.test(name) || named.has(name)) && (node.allocatable[name] ?? 0) > 0,
  );
  const resources = [...new Set([...byResource.keys(), ...offered])].sort();
  const stocks = new Map(
    resources.map((resource) => [resource, table.of(resource, byResource.get(resource) ?? [], node)]),
  );
  return { node, stocks, devices: byResource, shape: shapeOf(node, stocks) };
}

/**
 * Indexes a snapshot by node, resource and device class. The order of nodes and devices in the snapshot does not
 * matter: nodes are sorted by name. Devices on a node that the snapshot does not list get a bare node. `named` are resource
 * names that stand for devices beside those that device plugins are known to use.
 */
export function indexCluster(snapshot: InventorySnapshot, named: readonly string[] = []): Cluster {
  const devicesByNode = groupBy(snapshot.devices, (device) => device.node);
  const listed = new Set(snapshot.nodes.map((node) => node.name));
  const unlisted = [...devicesByNode.keys()].filter((name) => !listed.has(name)).map(bareNode);
  const table = new StockTable();
  const indexing = { table, named: new Set(named) };
  const nodes = [...snapshot.nodes, ...unlisted]
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map((node, position) => ({ ...indexNode(node, devicesByNode.get(node.name) ?? [], indexing), position }));
  const pairs = nodes.flatMap((node) => [...node.stocks.keys()].map((resource) => ({ resource, node })));
  const byResource = new Map(
    [...groupBy(pairs, ({ resource }) => resource)].map(([resource, members]) => [
      resource,
      members.map((m) => m.node),
    ]),
  );
  const columns = new NodeColumns(nodes, table.lots);
  const { takenAtMs, offers = null } = snapshot;
  return { takenAtMs, nodes, byResource, lots: table.lots, columns, offers };
}
