import type { Device, Node } from '../inventory/inventory.js';

const MIB = 1024 ** 2;
/**
 * Capacities are held against estimates in steps of this size, rounded down: exporters differ by a few MiB from one
 * scrape to the next, and devices that are equal in everything that matters must stay one class. At most 0.3 % of the
 * smallest MIG instance.
 */
const BAND_BYTES = 16 * MIB;

/** Devices of one model and kind, handed out under one resource name. */
export interface DeviceClass {
  key: string;
  /** Such as `NVIDIA A100-SXM4-80GB` or `NVIDIA H100 80GB HBM3 MIG 3g.40gb`. */
  name: string;
  /** null where a node says that it has devices and nothing says which. */
  model: string | null;
  migProfile: string | null;
  resource: string;
  /** Containers that share one device at a time; 1: exclusive. */
  replicas: number;
  /** Whether a share of a shared device is a limit (MPS) or only an understanding (time-slicing). */
  shareEnforced: boolean;
}

const SHARING_LABEL = 'nvidia.com/gpu.sharing-strategy';

function nameOf(device: Device): string {
  const profile = device.migProfile === null ? '' : ` MIG ${device.migProfile}`;
  return `${device.model}${profile}${device.replicas > 1 ? `, shared by ${device.replicas}` : ''}`;
}

/** The class of a device. MPS holds each client to its share; time-slicing does not. */
export function classOf(device: Device, node: Node): DeviceClass {
  const shareEnforced = device.replicas > 1 && node.labels[SHARING_LABEL] === 'mps';
  const name = nameOf(device);
  return {
    key: `${device.resource}|${name}|${shareEnforced}`,
    name,
    model: device.model,
    migProfile: device.migProfile,
    resource: device.resource,
    replicas: Math.max(1, device.replicas),
    shareEnforced,
  };
}

/** The class of devices that a node offers and that no exporter or label describes. */
export function undescribedClass(resource: string): DeviceClass {
  const name = `undescribed ${resource}`;
  const key = `${resource}|${name}`;
  return { key, name, model: null, migProfile: null, resource, replicas: 1, shareEnforced: false };
}

/** The capacity that a device is held to: rounded down to its band. */
export function bandOf(capacityBytes: number): number {
  return Math.floor(capacityBytes / BAND_BYTES) * BAND_BYTES;
}
