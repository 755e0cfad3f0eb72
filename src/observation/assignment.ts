import type { Device } from '../inventory/inventory.js';
import type { Sharing } from './device-use.js';
import type { HolderPod } from './holder-pod.js';

/** How it is known that a pod holds a device. */
export type AssignmentSource = 'kubelet' | 'label' | 'only-holder';

/** A device that a pod holds, as it was sampled. */
export interface HeldDevice {
  device: Device;
  source: AssignmentSource;
  sharing: Sharing;
  /** In use: by the pod itself where the exporter tells, else of the whole device; null where nothing says. */
  usedBytes: number | null;
}

/** `namespace/name`, as exporters name pods. */
export const podKey = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;

/**
 * Which devices of one node which of its pods hold. What the kubelet says of a pod wins over what an exporter's labels
 * say; a label that names a pod which is not on this node, or asks for no devices, is wrong and left out. Where neither
 * names anybody, a pod that asks for all devices of the node's kind holds them all: nothing else is left to hold.
 */
export function heldDevices(
  devices: readonly Device[],
  pods: readonly HolderPod[],
): ReadonlyMap<HolderPod, readonly HeldDevice[]> {
  const held = new Map<HolderPod, HeldDevice[]>();
  const said = devices.map((device) => ({ device, ...holdersOf(device, pods) }));
  const isSilent = said.every(({ holders }) => holders.length === 0);
  const all = isSilent ? onlyHolders(devices, pods) : said;
  for (const { device, holders, source } of all) {
    for (const pod of holders) {
      const isShared = device.replicas > 1 || holders.length > 1 || isPartOfDevice(pod);
      held.set(pod, [...(held.get(pod) ?? []), { device, source, ...figureOf(device, pod, isShared) }]);
    }
  }
  return held;
}

/** With virtual GPUs each pod has a figure of its own beside the device's. */
function figureOf(device: Device, pod: HolderPod, isShared: boolean): Pick<HeldDevice, 'sharing' | 'usedBytes'> {
  if (!isShared) return { sharing: 'alone', usedBytes: device.usedBytes };
  const own = device.usedByPod?.[podKey(pod)];
  return own === undefined
    ? { sharing: 'mixed', usedBytes: device.usedBytes }
    : { sharing: 'own-figure', usedBytes: own };
}

interface Holders {
  holders: readonly HolderPod[];
  source: AssignmentSource;
}

function holdersOf(device: Device, pods: readonly HolderPod[]): Holders {
  const given = pods.filter(({ deviceIds }) => device.gpuInstance === null && deviceIds.includes(device.uuid));
  if (given.length > 0) return { holders: given, source: 'kubelet' };
  const named = pods.filter((pod) => pod.deviceIds.length === 0 && device.pods.includes(podKey(pod)));
  return { holders: named, source: 'label' };
}

function onlyHolders(
  devices: readonly Device[],
  pods: readonly HolderPod[],
): readonly ({ device: Device } & Holders)[] {
  return devices.map((device) => {
    const askers = pods.filter(({ asks, ending }) => ending === null && (asks[device.resource] ?? 0) > 0);
    const offered = devices.filter(({ resource }) => resource === device.resource).length;
    const [only] = askers;
    const holdsAll = askers.length === 1 && only !== undefined && (only.asks[device.resource] ?? 0) >= offered;
    return { device, holders: holdsAll ? [only] : [], source: 'only-holder' };
  });
}

/** Fractions of a device by memory or cores: HAMi, Volcano, Koordinator, Aliyun, Tencent, and time-slicing by name. */
const PART = /gpu\.shared|gpumem|gpucores|gpu-mem|vgpu|vcuda|gpu-memory|gpu-core/;
const isPartOfDevice = ({ asks }: HolderPod): boolean => Object.keys(asks).some((resource) => PART.test(resource));
