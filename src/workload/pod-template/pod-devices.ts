import type { DeviceRequest } from '../workload.js';

/** What one container of a pod asks for, and when it runs. */
export interface ContainerShare<T> {
  role: 'app' | 'sidecar' | 'init';
  asks: T;
}

/**
 * Devices of a pod by the scheduler's rule: app containers and sidecars run together; an init container runs alone,
 * beside the sidecars started before it; the larger counts (Kubernetes KEP-753, resource requests of a pod). Claims are
 * the pod's, not the container's: those with the same name are counted once. Time is linear in the requests.
 */
export function effectiveDevices(shares: readonly ContainerShare<readonly DeviceRequest[]>[]): DeviceRequest[] {
  const groups = new Map<string, ContainerShare<DeviceRequest>[]>();
  for (const { role, asks } of shares) {
    for (const request of asks) groupOf(groups, keyOf(request)).push({ role, asks: request });
  }
  return [...groups.values()].flatMap(merged);
}

/** Amounts of a pod by the same rule, by resource name. */
export function effectiveAmounts(
  shares: readonly ContainerShare<ReadonlyMap<string, number>>[],
): Record<string, number> {
  const groups = new Map<string, ContainerShare<number>[]>();
  for (const { role, asks } of shares) {
    for (const [name, amount] of asks) groupOf(groups, name).push({ role, asks: amount });
  }
  return Object.fromEntries([...groups].map(([name, group]) => [name, effectiveAmount(group)]));
}

/** Containers that ask for nothing need not be among the shares: they change neither sum. */
function effectiveAmount(shares: readonly ContainerShare<number>[]): number {
  let sidecars = 0;
  let apps = 0;
  let largestInit = 0;
  for (const { role, asks } of shares) {
    if (role === 'init') largestInit = Math.max(largestInit, sidecars + asks);
    if (role === 'sidecar') sidecars += asks;
    if (role === 'app') apps += asks;
  }
  return Math.max(apps + sidecars, largestInit);
}

function groupOf<T>(groups: Map<string, T[]>, key: string): T[] {
  const group = groups.get(key) ?? [];
  groups.set(key, group);
  return group;
}

/** Requests are the same kind of thing when only their count and place differ. */
function keyOf(request: DeviceRequest): string {
  const { resource, form, memoryBytes, fraction, migProfile, claim, claimRequest, selectors } = request;
  return JSON.stringify([resource, form, memoryBytes, fraction, migProfile, claim, claimRequest, selectors]);
}

function merged(group: readonly ContainerShare<DeviceRequest>[]): DeviceRequest[] {
  const [first] = group;
  if (first === undefined) return [];
  const requests = group.map(({ asks }) => asks);
  const places = [...new Set(requests.flatMap((request) => request.places))];
  const unresolved = requests.find((request) => request.unresolved !== undefined)?.unresolved;
  const count = first.asks.claim === undefined ? summed(group) : first.asks.count;
  return [{ ...first.asks, count, places, ...(unresolved === undefined ? {} : { unresolved }) }];
}

function summed(group: readonly ContainerShare<DeviceRequest>[]): number {
  return effectiveAmount(group.map(({ role, asks }) => ({ role, asks: asks.count })));
}
