import { affinityFor } from '../affinity.js';
import { demandOf } from '../demand.js';
import type { DeviceClass } from '../device-class.js';
import { podsEver, podsPerNode, roomFor } from '../room.js';
import type { Accepts, Room } from '../room.js';
import type { PodSet } from '../../workload/workload.js';
import { editedPodSet, withoutDeviceChoice } from './edits.js';
import type { Edit, Subject } from './proposal.js';

/** Another device class of this cluster, and what to ask for to be given it. */
export interface DeviceChoice {
  deviceClass: DeviceClass;
  capacityBytes: number;
  edits: readonly Edit[];
}

interface Offer {
  deviceClass: DeviceClass;
  capacityBytes: number;
}

const isWhole = (deviceClass: DeviceClass): boolean => deviceClass.replicas === 1 && deviceClass.model !== null;

/** Device classes of the cluster with their smallest capacity, smallest first. */
function offersOf(subject: Subject): Offer[] {
  const offers = new Map<string, Offer>();
  for (const { deviceClass, bandBytes } of subject.cluster.lots) {
    const known = offers.get(deviceClass.key)?.capacityBytes ?? Infinity;
    if (isWhole(deviceClass)) offers.set(deviceClass.key, { deviceClass, capacityBytes: Math.min(known, bandBytes) });
  }
  return [...offers.values()].sort(
    (a, b) => a.capacityBytes - b.capacityBytes || (a.deviceClass.key < b.deviceClass.key ? -1 : 1),
  );
}

/** MIG instances cannot talk to each other over NVLink or peer-to-peer: NVIDIA MIG User Guide, application considerations. */
function isForOneProcess({ values, podSets }: Subject): boolean {
  const devices = podSets.flatMap((podSet) => podSet.devices).reduce((sum, request) => sum + request.count, 0);
  return values.worldSize === 1 && devices === podSets.length;
}

const givesOnly = (room: Room, accepts: Accepts): boolean =>
  room.groups.every((group) => group.stock.lots.every(accepts));

/** What must be asked for besides the resource; null where nothing keeps the pods on the class. */
function choosing(podSet: PodSet, offer: Offer, subject: Subject): readonly Edit[] | null {
  const demand = demandOf(podSet, subject.cluster);
  if (demand === null) return null;
  const room = roomFor(subject.cluster, podSet.placement, demand);
  const accepts: Accepts = (lot) => lot.deviceClass.key === offer.deviceClass.key;
  if (podsEver(room, accepts) < podSet.replicas) return null;
  if (givesOnly(room, accepts)) return [];
  const affinity = affinityFor(room, accepts, podSet.replicas);
  return affinity === null ? null : [{ field: 'placement.affinity', value: affinity }];
}

function choiceOf(offer: Offer, subject: Subject): DeviceChoice | null {
  const [podSet] = subject.podSets;
  const [request] = podSet?.devices ?? [];
  if (podSet === undefined || request === undefined) return null;
  const { resource, migProfile } = offer.deviceClass;
  const asking: readonly Edit[] =
    request.resource === resource ? [] : [{ field: 'request.resource', value: resource, migProfile }];
  const free = { ...podSet, placement: withoutDeviceChoice(podSet.placement) };
  const places = choosing(editedPodSet(free, asking), offer, subject);
  return places === null ? null : { ...offer, edits: [...asking, ...places] };
}

/** What claims ask for stands in objects of their own, which other workloads may name: no other devices are proposed. */
const claimsDevices = ({ podSets }: Subject): boolean =>
  podSets.some(({ devices }) => devices.some(({ form }) => form === 'claim'));

/** The other device classes that pods with this placement could be given, smallest first. */
export function deviceChoices(subject: Subject): DeviceChoice[] {
  if (claimsDevices(subject)) return [];
  const current = subject.target?.deviceClass.key;
  return offersOf(subject)
    .filter(({ deviceClass }) => deviceClass.key !== current)
    .filter(({ deviceClass }) => deviceClass.migProfile === null || isForOneProcess(subject))
    .flatMap((offer) => choiceOf(offer, subject) ?? []);
}

/** The most devices that one pod could be given on any node it may go to, were it to ask for fewer or more. */
export function mostDevicesPerPod(subject: Subject): number {
  if (claimsDevices(subject)) return 0;
  const [podSet] = subject.podSets;
  const single =
    podSet === undefined
      ? null
      : demandOf(editedPodSet(podSet, [{ field: 'request.devices', value: 1 }]), subject.cluster);
  if (podSet === undefined || single === null) return 0;
  const room = roomFor(subject.cluster, podSet.placement, single);
  return Math.max(
    0,
    ...room.groups.map((group) => podsPerNode({ ...room, demand: { ...single, others: {} } }, group, () => true)),
  );
}
