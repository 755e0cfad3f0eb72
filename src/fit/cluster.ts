import type { Device, InventorySnapshot, Node } from '../inventory/inventory.js';
import { bandOf, classOf, undescribedClass } from './device-class.js';
import type { DeviceClass } from './device-class.js';

/** Devices of one node that are equal in class and capacity band. */
export interface Lot {
  deviceClass: DeviceClass;
  bandBytes: number;
  /** Physical devices or instances; a shared one counts once. */
  count: number;
}

/** What a node offers under one resource name. Nodes that offer the same share one stock. */
export interface Stock {
  key: string;
  lots: readonly Lot[];
  /** Smallest and largest true capacity and age of the oldest sample, by lot, over all nodes that share the stock. */
  facts: readonly LotFacts[];
}

export interface LotFacts {
  smallestBytes: number;
  largestBytes: number;
  seenAtMs: number;
}

export interface ClusterNode {
  node: Node;
  /** By resource name. */
  stocks: ReadonlyMap<string, Stock>;
  /** By resource name; none where nothing describes the devices that the node offers. */
  devices: ReadonlyMap<string, readonly StockedDevice[]>;
}

/** A device with the lot it belongs to. */
export interface StockedDevice {
  device: Device;
  deviceClass: DeviceClass;
  bandBytes: number;
}

/** A snapshot indexed for fitting. Built once per snapshot, read many times. */
export interface Cluster {
  takenAtMs: number;
  nodes: readonly ClusterNode[];
  byResource: ReadonlyMap<string, readonly ClusterNode[]>;
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
  lot: Lot;
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

/** Keeps one Stock per composition, so that equal nodes are looked at once. */
class StockTable {
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
      const stock = { key, lots: entries.map(({ lot }) => lot), facts: entries.map(({ facts }) => facts) };
      this.stocks.set(key, stock);
      return stock;
    }
    known.facts = entries.map(({ facts }, index) => widened(known.facts[index] ?? facts, facts));
    return known;
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

function indexNode(node: Node, devices: readonly Device[], table: StockTable): ClusterNode {
  const stocked = devices.map((device) => ({
    device,
    deviceClass: classOf(device, node),
    bandBytes: bandOf(device.capacityBytes),
  }));
  const byResource = groupBy(stocked, ({ device }) => device.resource);
  const offered = Object.keys(node.allocatable).filter(
    (name) => DEVICE_RESOURCE.test(name) && (node.allocatable[name] ?? 0) > 0,
  );
  const resources = new Set([...byResource.keys(), ...offered]);
  const stocks = new Map(
    [...resources].map((resource) => [resource, table.of(resource, byResource.get(resource) ?? [], node)]),
  );
  return { node, stocks, devices: byResource };
}

/**
 * Indexes a snapshot by node, resource and device class. The order of nodes and devices in the snapshot does not
 * matter: nodes are sorted by name. Devices on a node that the snapshot does not list get a bare node.
 */
export function indexCluster(snapshot: InventorySnapshot): Cluster {
  const devicesByNode = groupBy(snapshot.devices, (device) => device.node);
  const listed = new Set(snapshot.nodes.map((node) => node.name));
  const unlisted = [...devicesByNode.keys()].filter((name) => !listed.has(name)).map(bareNode);
  const table = new StockTable();
  const nodes = [...snapshot.nodes, ...unlisted]
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map((node) => indexNode(node, devicesByNode.get(node.name) ?? [], table));
  const pairs = nodes.flatMap((node) => [...node.stocks.keys()].map((resource) => ({ resource, node })));
  const byResource = new Map(
    [...groupBy(pairs, ({ resource }) => resource)].map(([resource, members]) => [
      resource,
      members.map((m) => m.node),
    ]),
  );
  return { takenAtMs: snapshot.takenAtMs, nodes, byResource };
}
