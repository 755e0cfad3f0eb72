import type { Device, InventorySnapshot, Node } from '../../src/inventory/inventory.js';

const GIB = 1024 ** 3;

/** Devices of one kind that a built node holds. */
export interface DevicesOfNode {
  model?: string;
  gib: number;
  count?: number;
  resource?: string;
  migProfile?: string | null;
  replicas?: number;
  usedGib?: number | null;
  pods?: readonly string[];
}

/** A node that is ready, without taints, and declares the devices that it is built with. */
export function node(name: string, devices: readonly DevicesOfNode[], overrides: Partial<Node> = {}): BuiltNode {
  const built = devices.flatMap((group) => devicesOf(name, group));
  const allocatable: Record<string, number> = { cpu: 64, memory: 512 * GIB, pods: 110 };
  for (const device of built) allocatable[device.resource] = (allocatable[device.resource] ?? 0) + device.replicas;
  const [first] = built;
  const product: Record<string, string> =
    first === undefined ? {} : { 'nvidia.com/gpu.product': first.model.replaceAll(' ', '-') };
  const labels = { 'kubernetes.io/hostname': name, ...product, ...overrides.labels };
  const base = { name, taints: [], unschedulable: false, ready: true, allocatable, requested: {} };
  return { node: { ...base, ...overrides, labels }, devices: built };
}

export interface BuiltNode {
  node: Node;
  devices: readonly Device[];
}

function devicesOf(nodeName: string, group: DevicesOfNode): Device[] {
  const model = group.model ?? 'NVIDIA A100-SXM4-80GB';
  return Array.from({ length: group.count ?? 1 }, (_, index) => ({
    uuid: `GPU-${nodeName}-${model}-${index}`,
    gpuInstance: group.migProfile == null ? null : String(index),
    node: nodeName,
    index,
    model,
    migProfile: group.migProfile ?? null,
    resource: group.resource ?? 'nvidia.com/gpu',
    replicas: group.replicas ?? 1,
    capacityBytes: group.gib * GIB,
    capacitySource: 'dcgm',
    usedBytes: group.usedGib === undefined || group.usedGib === null ? null : group.usedGib * GIB,
    seenAtMs: 0,
    pods: group.pods ?? [],
  }));
}

/** A snapshot of built nodes. */
export function snapshot(...nodes: readonly BuiltNode[]): InventorySnapshot {
  return {
    takenAtMs: 0,
    nodes: nodes.map((built) => built.node),
    devices: nodes.flatMap((built) => built.devices),
  };
}
