import { canonicalProfile, handoutOf } from './handout.js';
import type { Device, DeviceOffers, InventorySnapshot, Node } from './inventory.js';
import { potentialNodes } from './node-pools.js';
import type { NodePool } from './node-pools.js';
import { offeredGpus, withOffers } from './offered-devices.js';
import { productOf, readLabels } from './labels.js';
import type { LabelledDevices } from './labels.js';
import { remembered } from './reading.js';
import type { DeviceReading, GpuLookup } from './reading.js';
import type { SliceDevice } from './resource-slice.js';

export interface SnapshotInput {
  /** Empty: not known (no cluster was asked); nodes are then made up from the devices. */
  nodes: readonly Node[];
  /** What is known of each device: the last reading, its capacity the largest of the window. */
  devices: readonly DeviceReading[];
  nowMs: number;
  gpus: GpuLookup;
  /** Pools that may grow: the nodes that they may still get count as places for later. */
  pools?: readonly NodePool[];
  /** What drivers hand out to claims, where that is known. */
  offers?: DeviceOffers;
}

/**
 * How long after its siblings' last sighting a device is taken for gone. Several scrapes: exporters skip devices now
 * and then, and a GPU that is sliced anew shows up under other instance ids at once.
 */
export const GONE_AFTER_MS = 10 * 60_000;

/**
 * All that is known of the cluster. Devices that were measured come first; where a node offers more than was measured,
 * its labels fill in. Devices of nodes that are gone, and slices of a GPU that was sliced anew, are left out; a device
 * that merely was not seen lately stays, with the time it was last seen.
 */
export function buildSnapshot(given: SnapshotInput): InventorySnapshot {
  const input = { ...given, gpus: remembered(given.gpus) };
  const readings = withoutSuperseded(input.devices);
  const present = input.nodes.length > 0 ? input.nodes : madeUpNodes(readings, input.gpus);
  const nodes = [...present, ...potentialNodes(input.pools ?? [], present)];
  const byNode = readingsByNode(readings, nodes);
  const offered = offeredGpus(input.offers);
  const devices = nodes.flatMap((node) => {
    const known = { readings: byNode.get(node.name) ?? [], offered: offered.get(node.name) ?? [] };
    return devicesOf(node, known, input);
  });
  const { nowMs: takenAtMs, offers } = input;
  return { takenAtMs, nodes, devices, ...(offers === undefined ? {} : { offers }) };
}

interface KnownOfNode {
  readings: readonly DeviceReading[];
  offered: readonly SliceDevice[];
}

function devicesOf(node: Node, { readings, offered }: KnownOfNode, input: SnapshotInput): readonly Device[] {
  const measured = stillThere(readings).map((reading) => measuredDevice(node, reading, input.gpus));
  const isOffered = ({ vendor, migProfile }: LabelledDevices): boolean =>
    offered.length > 0 && node.allocatable[handoutOf(node, vendor, migProfile).resource] === undefined;
  const labelled = readLabels(node, input.gpus)
    .filter((group) => !isOffered(group))
    .flatMap((group) => unmeasured(node, group, measured, input.nowMs));
  const described = [...measured.toSorted(byPosition), ...labelled];
  return offered.length === 0 ? described : withOffers(node, described, offered, input);
}

const byPosition = (a: Device, b: Device): number =>
  a.index - b.index || Number(a.gpuInstance ?? -1) - Number(b.gpuInstance ?? -1) || (a.uuid < b.uuid ? -1 : 1);

function measuredDevice(node: Node, reading: DeviceReading, gpus: GpuLookup): Device {
  const name = reading.model === '' ? (productOf(node.labels)?.model ?? 'unknown') : reading.model;
  const gpu = gpus.find(name);
  const migProfile =
    reading.migProfile === null ? null : canonicalProfile(reading.migProfile, reading.capacityBytes, node, gpu);
  return {
    uuid: reading.uuid,
    gpuInstance: reading.gpuInstance,
    node: node.name,
    index: reading.index,
    model: gpu?.model ?? name,
    migProfile,
    ...handoutOf(node, reading.vendor, migProfile),
    capacityBytes: reading.capacityBytes,
    capacitySource: reading.capacitySource,
    capacityNote: reading.capacityNote,
    usedBytes: reading.usedBytes,
    seenAtMs: reading.seenAtMs,
    pods: reading.pods,
    ...(reading.usedByPod && { usedByPod: reading.usedByPod }),
  };
}

/** The devices of a labelled group that were not measured one by one: all, or those that an exporter does not show. */
function unmeasured(node: Node, group: LabelledDevices, measured: readonly Device[], nowMs: number): readonly Device[] {
  const handout = handoutOf(node, group.vendor, group.migProfile);
  const seen = measured.filter(({ resource }) => resource === handout.resource);
  const several = seen.some(({ model }) => model !== group.model);
  const missing = several ? 0 : Math.max(0, countOf(node, group, handout) - seen.length);
  const kind = group.migProfile === null ? '' : `mig-${group.migProfile}/`;
  return Array.from({ length: missing }, (_, position) => ({
    uuid: `${node.name}/${kind}${seen.length + position}`,
    gpuInstance: null,
    node: node.name,
    index: seen.length + position,
    model: group.model,
    migProfile: group.migProfile,
    ...handout,
    capacityBytes: group.capacityBytes,
    capacitySource: group.capacitySource,
    capacityNote: group.capacityNote,
    usedBytes: null,
    seenAtMs: nowMs,
    pods: [],
  }));
}

/** No node has more devices than this; a label that says so is not believed. */
const MOST_DEVICES_OF_A_NODE = 1024;

function countOf(node: Node, group: LabelledDevices, handout: { resource: string; replicas: number }): number {
  const offered = node.allocatable[handout.resource];
  const count = offered === undefined ? group.count : Math.min(group.count, Math.floor(offered / handout.replicas));
  return Math.min(count, MOST_DEVICES_OF_A_NODE);
}

/** A GPU shows either as a whole or as its instances: the fresher of the two stands, and instances seen with it. */
function withoutSuperseded(readings: readonly DeviceReading[]): readonly DeviceReading[] {
  const freshest = new Map<string, DeviceReading>();
  for (const reading of readings) {
    const other = freshest.get(reading.uuid);
    if (other === undefined || reading.seenAtMs > other.seenAtMs) freshest.set(reading.uuid, reading);
  }
  return readings.filter((reading) => {
    const last = freshest.get(reading.uuid) ?? reading;
    if ((last.gpuInstance === null) !== (reading.gpuInstance === null)) return false;
    return last.seenAtMs - reading.seenAtMs <= GONE_AFTER_MS;
  });
}

/** Without the devices that their node's exporter has stopped showing while it still shows others. */
function stillThere(readings: readonly DeviceReading[]): readonly DeviceReading[] {
  const lastSeenMs = readings.reduce((last, { seenAtMs }) => Math.max(last, seenAtMs), 0);
  return readings.filter(({ seenAtMs }) => lastSeenMs - seenAtMs <= GONE_AFTER_MS);
}

function readingsByNode(
  readings: readonly DeviceReading[],
  nodes: readonly Node[],
): ReadonlyMap<string, readonly DeviceReading[]> {
  const nameOf = nodeNames(nodes);
  return grouped(readings, ({ node }) => (node === null ? null : nameOf(node)));
}

/** The readings by what `keyOf` gives for them; those with null are left out. */
function grouped(
  readings: readonly DeviceReading[],
  keyOf: (reading: DeviceReading) => string | null,
): ReadonlyMap<string, readonly DeviceReading[]> {
  const groups = new Map<string, DeviceReading[]>();
  for (const reading of readings) {
    const key = keyOf(reading);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [reading]);
    else group.push(reading);
  }
  return groups;
}

/** Finds a node by what an exporter calls it: the node's name, its host name, or either without its domain. */
function nodeNames(nodes: readonly Node[]): (written: string) => string | null {
  const names = new Map<string, string | null>();
  const offer = (alias: string, name: string): void => {
    names.set(alias, names.has(alias) && names.get(alias) !== name ? null : name);
  };
  for (const node of nodes) {
    offer(node.labels['kubernetes.io/hostname'] ?? node.name, node.name);
    offer(shortName(node.name), node.name);
  }
  for (const node of nodes) names.set(node.name, node.name);
  return (written) => names.get(written) ?? names.get(shortName(written)) ?? null;
}

const shortName = (name: string): string => name.split('.', 1)[0] ?? name;

/** Nodes as the devices themselves tell: everything they show is on offer, and nothing else is known. */
function madeUpNodes(readings: readonly DeviceReading[], gpus: GpuLookup): readonly Node[] {
  const byNode = grouped(readings, ({ node }) => node);
  return [...byNode].map(([name, mine]) => madeUpNode(name, mine, gpus));
}

function madeUpNode(name: string, readings: readonly DeviceReading[], gpus: GpuLookup): Node {
  const bare: Node = {
    name,
    labels: { 'kubernetes.io/hostname': name, ...madeUpProduct(readings, gpus) },
    taints: [],
    unschedulable: false,
    ready: true,
    allocatable: {},
    requested: {},
  };
  const allocatable: Record<string, number> = {};
  for (const device of readings.map((reading) => measuredDevice(bare, reading, gpus))) {
    allocatable[device.resource] = (allocatable[device.resource] ?? 0) + device.replicas;
  }
  return { ...bare, allocatable };
}

/** GPU Feature Discovery's product label where all GPUs are of one model, so that selectors on it work. */
function madeUpProduct(readings: readonly DeviceReading[], gpus: GpuLookup): Record<string, string> {
  const models = new Set(readings.map(({ model }) => gpus.find(model)?.model ?? model));
  const [only = ''] = models;
  return models.size === 1 && only !== '' ? { 'nvidia.com/gpu.product': only.replaceAll(' ', '-') } : {};
}
