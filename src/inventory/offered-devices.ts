import { usableOf } from './capacity.js';
import type { Device, DeviceOffers, Node } from './inventory.js';
import { MIB } from './reading.js';
import type { GpuLookup } from './reading.js';
import { sliceDeviceKey } from './resource-slice.js';
import type { SliceDevice } from './resource-slice.js';

/** The GPUs that slices offer on one node; other devices (network adapters) have no memory to speak of. */
export function offeredGpus(offers: DeviceOffers | undefined): ReadonlyMap<string, readonly SliceDevice[]> {
  const byNode = new Map<string, SliceDevice[]>();
  for (const device of offers?.pools.flatMap(({ devices }) => devices) ?? []) {
    if (device.reach.kind !== 'node' || memoryOf(device) === null) continue;
    const known = byNode.get(device.reach.name) ?? [];
    byNode.set(device.reach.name, known);
    known.push(device);
  }
  return byNode;
}

function memoryOf({ driver, capacity }: SliceDevice): number | null {
  const name = `${driver}/memory`;
  return Object.hasOwn(capacity, name) ? (capacity[name] ?? null) : null;
}

function textOf({ driver, attributes }: SliceDevice, name: string): string | null {
  const key = `${driver}/${name}`;
  const found = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  return found?.kind === 'string' ? found.value : null;
}

function numberOf({ driver, attributes }: SliceDevice, name: string): number | null {
  const found = attributes[`${driver}/${name}`];
  return found?.kind === 'int' ? found.value : null;
}

/** The GPU that an instance is a part of, else the GPU itself. */
const gpuOf = (device: SliceDevice): string | null => textOf(device, 'parentUUID') ?? textOf(device, 'uuid');

const isSame = (device: Device, offered: SliceDevice): boolean =>
  device.uuid === gpuOf(offered) && device.migProfile === textOf(offered, 'profile');

/**
 * The devices of a node when slices offer some of them to claims. Those that were measured keep what was measured of them
 * (instances of one profile of one GPU are taken in order: they are alike); the others are as large as the slice says, less
 * the driver's reserve. What no device plugin of the node hands out is handed out by the driver's name.
 */
export function withOffers(
  node: Node,
  measured: readonly Device[],
  offered: readonly SliceDevice[],
  { gpus, nowMs }: { gpus: GpuLookup; nowMs: number },
): readonly Device[] {
  const left = [...measured];
  const described = offered.map((slice, position) => {
    const at = left.findIndex((device) => isSame(device, slice));
    const [found] = at < 0 ? [] : left.splice(at, 1);
    const offer = sliceDeviceKey(slice);
    if (found === undefined) return { ...unmeasured(slice, position, gpus), node: node.name, seenAtMs: nowMs, offer };
    const isPlugins = (node.allocatable[found.resource] ?? 0) > 0;
    return { ...found, resource: isPlugins ? found.resource : slice.driver, offer };
  });
  return [...left, ...described];
}

function unmeasured(slice: SliceDevice, position: number, gpus: GpuLookup): Omit<Device, 'node' | 'seenAtMs'> {
  const product = textOf(slice, 'productName') ?? textOf(slice, 'model') ?? 'unknown';
  const gpu = gpus.find(product);
  const migProfile = textOf(slice, 'profile');
  const totalMib = (memoryOf(slice) ?? 0) / MIB;
  const { capacityMib, note } =
    migProfile === null ? usableOf(totalMib, gpu) : { capacityMib: totalMib, note: 'of the instance' };
  return {
    uuid: textOf(slice, 'uuid') ?? sliceDeviceKey(slice),
    gpuInstance: null,
    index: numberOf(slice, 'index') ?? position,
    model: gpu?.model ?? product,
    migProfile,
    resource: slice.driver,
    replicas: 1,
    capacityBytes: capacityMib * MIB,
    capacitySource: 'resource-slice',
    capacityNote: `memory of the ResourceSlice ${note}`,
    usedBytes: null,
    pods: [],
  };
}
