import type { DeviceRequest, PodSet } from '../workload/workload.js';
import { CLAIM_ROOM } from './claims/claim-view.js';
import type { ClaimView } from './claims/claim-view.js';
import type { Cluster } from './cluster.js';

/** What one pod takes of a node, in the terms of fitting. */
export interface Demand {
  /** Resource under which the inventory knows the devices. */
  resource: string;
  /** The request as written, for words. */
  written: string;
  /** Devices, instances or replicas per pod; each process is held to one of them. */
  count: number;
  budget: Budget;
  /** Other amounts per pod, by resource name. */
  others: Readonly<Record<string, number>>;
}

/** How much of a device one request may use. */
export type Budget =
  | { kind: 'whole' }
  | { kind: 'bytes'; bytes: number; enforced: boolean }
  | { kind: 'fraction'; fraction: number; enforced: boolean };

const WHOLE_DEVICE: Readonly<Record<DeviceRequest['vendor'], string>> = {
  nvidia: 'nvidia.com/gpu',
  amd: 'amd.com/gpu',
  intel: 'gpu.intel.com/i915',
  habana: 'habana.ai/gaudi',
};

/** HAMi and Volcano's vGPU intercept allocations; KAI, Run:ai and plain shares do not (kai-scheduler#257, #262). */
const enforcesShares = (request: DeviceRequest): boolean =>
  /gpumem|vgpu|vcuda/.test(`${request.resource} ${request.form}`);

function budgetOf(request: DeviceRequest): Budget {
  const enforced = enforcesShares(request);
  if (request.memoryBytes !== null) return { kind: 'bytes', bytes: request.memoryBytes, enforced };
  if (request.fraction !== undefined && request.fraction < 1)
    return { kind: 'fraction', fraction: request.fraction, enforced };
  return { kind: 'whole' };
}

/** Fractions are cut from whole devices unless the inventory hands them out under the name that was asked for. */
function resourceOf(request: DeviceRequest, cluster: Cluster): string {
  if (cluster.byResource.has(request.resource)) return request.resource;
  const cut = request.form === 'memory' || request.form === 'fraction';
  return cut ? WHOLE_DEVICE[request.vendor] : request.resource;
}

/** The request that is held against the estimate: the largest. */
export const mainRequest = (podSet: PodSet): DeviceRequest | null => largest(podSet.devices) ?? null;

const largest = (requests: readonly DeviceRequest[]): DeviceRequest | undefined =>
  [...requests].sort((a, b) => b.count - a.count || (a.resource < b.resource ? -1 : 1))[0];

/** What a pod with claims asks of the cluster as it sees it: the devices of its main request, and room for all claims. */
export function demandOfClaims(podSet: PodSet, { cluster, resource, leastCount }: ClaimView): Demand | null {
  const main = mainRequest(podSet);
  if (main === null || main.count === 0) return null;
  const plain = podSet.devices.filter(({ form }) => form !== 'claim');
  const demand = main.form === 'claim' ? null : demandOf({ ...podSet, devices: plain }, cluster);
  const others = demand?.others ?? othersOf(podSet, plain, main);
  const claims = podSet.placement.claims ?? [];
  return {
    ...(demand ?? { written: main.resource, count: leastCount ?? main.count, budget: { kind: 'whole' } as const }),
    resource,
    others: claims.length === 0 ? others : { ...others, [CLAIM_ROOM]: 1 },
  };
}

function othersOf(
  { placement }: PodSet,
  devices: readonly DeviceRequest[],
  main: DeviceRequest,
): Record<string, number> {
  const others: Record<string, number> = { ...placement.otherRequests };
  for (const request of devices) {
    if (request !== main) others[request.resource] = (others[request.resource] ?? 0) + request.count;
  }
  return others;
}

/**
 * What a pod of the set asks for; null where it asks for no device. Of several device requests the largest is held
 * against the estimate, the others only count as amounts.
 */
export function demandOf(podSet: PodSet, cluster: Cluster): Demand | null {
  const main = mainRequest(podSet);
  if (main === null || main.count === 0) return null;
  return {
    resource: resourceOf(main, cluster),
    written: main.resource,
    count: main.count,
    budget: budgetOf(main),
    others: othersOf(podSet, podSet.devices, main),
  };
}
