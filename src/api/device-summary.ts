import type { Device, InventorySnapshot, Node } from '../inventory/inventory.js';

/** Devices of one class over the whole cluster. */
export interface DeviceClassSummary {
  deviceClass: string;
  resource: string;
  nodes: number;
  devices: number;
  /** Of all of them. */
  capacityBytes: number;
  /** In use at the last sample, of those that say so; null: none does. */
  usedBytes: number | null;
  /** Shares of devices that pods have asked for, and that could still be asked for. */
  requested: number;
  free: number;
}

const classOf = ({ model, migProfile }: Device): string => (migProfile === null ? model : `${model} MIG ${migProfile}`);

/** The devices of a snapshot by class and resource, in order of their names. */
export function deviceSummary({ devices, nodes }: InventorySnapshot): DeviceClassSummary[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const groups = new Map<string, Device[]>();
  for (const device of devices) {
    const key = `${classOf(device)}\u0000${device.resource}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [device]);
    else group.push(device);
  }
  return [...groups.keys()].sort().map((key) => summaryOf(groups.get(key)!, byName));
}

function summaryOf(group: readonly Device[], nodes: ReadonlyMap<string, Node>): DeviceClassSummary {
  const [first] = group;
  const { resource } = first!;
  const names = new Set(group.map(({ node }) => node));
  const known = group.flatMap(({ usedBytes }) => (usedBytes === null ? [] : [usedBytes]));
  // A node asks and offers by resource: with several classes under one name what is asked for cannot be told apart.
  const amount = (of: 'allocatable' | 'requested') =>
    sum([...names].map((name) => nodes.get(name)?.[of][resource] ?? 0));
  const requested = amount('requested');
  return {
    deviceClass: classOf(first!),
    resource,
    nodes: names.size,
    devices: group.length,
    capacityBytes: sum(group.map(({ capacityBytes }) => capacityBytes)),
    usedBytes: known.length === 0 ? null : sum(known),
    requested,
    free: Math.max(0, amount('allocatable') - requested),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
