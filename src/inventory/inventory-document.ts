import { z } from 'zod';
import { parseQuantity } from '../workload/quantity.js';
import { usableOf } from './capacity.js';
import type { Gpu } from './gpu-catalog.js';
import { handoutOf } from './handout.js';
import type { Handout } from './handout.js';
import type { Device, InventorySnapshot, Node } from './inventory.js';
import { MIB } from './reading.js';
import type { GpuLookup } from './reading.js';

const name = z.string().min(1).max(253);
const amounts = z.record(z.string(), z.union([z.string(), z.number()]));
const bytes = z.union([z.string(), z.number()]);
const epochMs = z.number().min(0);
const source = z.enum(['dcgm', 'prometheus', 'resource-slice', 'node-label', 'instance-type', 'catalog']);

const nodeSchema = z.strictObject({
  name,
  labels: z.record(z.string(), z.string()).default({}),
  taints: z
    .array(
      z.strictObject({
        key: z.string(),
        value: z.string().default(''),
        effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
      }),
    )
    .default([]),
  unschedulable: z.boolean().default(false),
  ready: z.boolean().default(true),
  /** Left out: what the devices below add up to. */
  allocatable: amounts.optional(),
  requested: amounts.default({}),
  /** A node that an autoscaler may add. */
  potential: z.boolean().optional(),
});

const deviceSchema = z.strictObject({
  node: name,
  model: z.string().min(1).max(200),
  /** So many devices like this. */
  count: z.int().min(1).max(1024).default(1),
  migProfile: z.string().max(40).nullable().default(null),
  vendor: z.enum(['nvidia', 'amd']).default('nvidia'),
  /** As a quantity (`79.1Gi`) or in bytes; left out: the catalog's figure for the model. */
  capacity: bytes.optional(),
  used: bytes.nullable().optional(),
  uuid: name.optional(),
  gpuInstance: z.string().max(40).nullable().default(null),
  index: z.int().min(0).max(4096).optional(),
  resource: name.optional(),
  replicas: z.int().min(1).max(1024).optional(),
  capacitySource: source.optional(),
  capacityNote: z.string().max(300).optional(),
  seenAtMs: epochMs.optional(),
  pods: z.array(z.string()).default([]),
});

const documentSchema = z.strictObject({
  apiVersion: z.literal('plimsoll.dev/v1'),
  kind: z.literal('Inventory'),
  takenAtMs: epochMs.optional(),
  nodes: z.array(nodeSchema).max(100_000).default([]),
  devices: z.array(deviceSchema).max(1_000_000).default([]),
});

type DeviceEntry = z.output<typeof deviceSchema>;
type NodeEntry = z.output<typeof nodeSchema>;

/** An inventory that cannot be used: names the file, the field in it and what to write there. */
export class UnreadableInventory extends Error {
  constructor(
    readonly file: string,
    readonly problem: string,
  ) {
    super(`${file}: ${problem}`);
    this.name = 'UnreadableInventory';
  }
}

/** Whether a parsed file is an inventory document (and not a Kubernetes object). */
export function isInventoryDocument(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'kind' in document && document.kind === 'Inventory';
}

/**
 * The snapshot that an inventory document describes. Nodes that only devices name are made up.
 * Throws UnreadableInventory with the path of the first field that is wrong.
 */
export function readInventoryDocument(
  document: unknown,
  context: { file: string; nowMs: number; gpus: GpuLookup },
): InventorySnapshot {
  const { success, data, error } = documentSchema.safeParse(document);
  if (!success) throw new UnreadableInventory(context.file, firstProblem(error));
  const nodes = nodesOf(data.nodes, data.devices);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const reader = new DeviceEntries(context, byName, data.takenAtMs ?? context.nowMs);
  const devices = data.devices.flatMap((entry, position) => reader.expand(entry, position));
  const offers = offersOf(devices);
  return {
    takenAtMs: data.takenAtMs ?? context.nowMs,
    nodes: nodes.map((node) => ({ ...node, allocatable: node.allocatable ?? offers.get(node.name) ?? {} })),
    devices,
  };
}

/** The document that reads back as this snapshot. */
export function inventoryDocumentOf(snapshot: InventorySnapshot): z.input<typeof documentSchema> {
  return {
    apiVersion: 'plimsoll.dev/v1',
    kind: 'Inventory',
    takenAtMs: snapshot.takenAtMs,
    nodes: snapshot.nodes.map((node) => ({
      ...node,
      labels: { ...node.labels },
      taints: [...node.taints],
      allocatable: { ...node.allocatable },
      requested: { ...node.requested },
    })),
    devices: snapshot.devices.map(({ capacityBytes, usedBytes, pods, ...device }) => ({
      ...device,
      capacity: capacityBytes,
      used: usedBytes,
      pods: [...pods],
    })),
  };
}

function firstProblem(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? 'not an inventory' : `${z.core.toDotPath(issue.path) || 'document'}: ${issue.message}`;
}

type BareNode = Omit<Node, 'allocatable'> & { allocatable: Node['allocatable'] | null };

function nodesOf(entries: readonly NodeEntry[], devices: readonly DeviceEntry[]): readonly BareNode[] {
  const named = new Set(entries.map((entry) => entry.name));
  const others = [...new Set(devices.map(({ node }) => node))].filter((node) => !named.has(node));
  const madeUp = others.map((node) => nodeSchema.parse({ name: node, labels: { 'kubernetes.io/hostname': node } }));
  return [...entries, ...madeUp].map((entry) => ({
    ...entry,
    allocatable: entry.allocatable === undefined ? null : amountsOf(entry.allocatable),
    requested: amountsOf(entry.requested),
  }));
}

/** Expands entries into devices, counting them per node. */
class DeviceEntries {
  private readonly counted = new Map<string, number>();

  constructor(
    private readonly context: { file: string; gpus: GpuLookup },
    private readonly nodes: ReadonlyMap<string, BareNode>,
    private readonly takenAtMs: number,
  ) {}

  expand(entry: DeviceEntry, position: number): readonly Device[] {
    const capacity = this.capacityOf(entry, position);
    return Array.from({ length: entry.count }, () => this.device(entry, capacity));
  }

  private device(
    entry: DeviceEntry,
    capacity: Pick<Device, 'model' | 'capacityBytes' | 'capacitySource' | 'capacityNote'>,
  ): Device {
    const index = this.counted.get(entry.node) ?? 0;
    this.counted.set(entry.node, index + 1);
    const handout = this.handoutOf(entry);
    return {
      ...capacity,
      uuid: entry.uuid ?? `${entry.node}/${index}`,
      gpuInstance: entry.gpuInstance,
      node: entry.node,
      index: entry.index ?? index,
      migProfile: entry.migProfile,
      ...handout,
      usedBytes: parseQuantity(entry.used ?? ''),
      seenAtMs: entry.seenAtMs ?? this.takenAtMs,
      pods: entry.pods,
    };
  }

  private handoutOf({ node: name, vendor, migProfile, resource, replicas }: DeviceEntry): Handout {
    const node = this.nodes.get(name);
    const handout = handoutOf({ labels: node?.labels ?? {}, allocatable: node?.allocatable ?? {} }, vendor, migProfile);
    return { resource: resource ?? handout.resource, replicas: replicas ?? handout.replicas };
  }

  private capacityOf(
    entry: DeviceEntry,
    position: number,
  ): Pick<Device, 'model' | 'capacityBytes' | 'capacitySource' | 'capacityNote'> {
    const gpu = this.context.gpus.find(entry.model);
    const model = gpu?.model ?? entry.model;
    const { capacitySource = 'catalog', capacityNote = `as written in ${this.context.file}` } = entry;
    if (entry.capacity !== undefined) {
      const capacityBytes = parseQuantity(entry.capacity);
      if (capacityBytes !== null && capacityBytes > 0) return { model, capacityBytes, capacitySource, capacityNote };
      throw this.problem(position, `capacity "${entry.capacity}" is not an amount of bytes such as 79.1Gi`);
    }
    const known = catalogMib(gpu, entry.migProfile);
    if (known === null) throw this.problem(position, `capacity: "${entry.model}" is not in the GPU catalog; write it`);
    return { model, capacityBytes: known.capacityMib * MIB, capacitySource, capacityNote: known.note };
  }

  private problem(position: number, problem: string): UnreadableInventory {
    return new UnreadableInventory(this.context.file, `devices[${position}].${problem}`);
  }
}

function catalogMib(gpu: Gpu | null, migProfile: string | null): { capacityMib: number; note: string } | null {
  if (gpu === null) return null;
  if (migProfile === null) return gpu.totalMib === null ? null : usableOf(gpu.totalMib, gpu);
  const memoryMib = gpu.migProfiles.find(({ profile }) => profile === migProfile)?.memoryMib ?? null;
  return memoryMib === null ? null : { capacityMib: memoryMib, note: 'of the MIG profile' };
}

/** Per node, what its devices add up to by resource name. */
function offersOf(devices: readonly Device[]): ReadonlyMap<string, Record<string, number>> {
  const offers = new Map<string, Record<string, number>>();
  for (const { node, resource, replicas } of devices) {
    const offer = offers.get(node) ?? {};
    offers.set(node, offer);
    offer[resource] = (offer[resource] ?? 0) + replicas;
  }
  return offers;
}

function amountsOf(written: Readonly<Record<string, string | number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(written).flatMap(([resource, quantity]) => {
      const amount = parseQuantity(quantity);
      return amount === null ? [] : [[resource, amount]];
    }),
  );
}
