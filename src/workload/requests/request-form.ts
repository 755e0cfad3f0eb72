import type { Field } from '../field.js';
import type { ReadingLog } from '../reading-log.js';
import type { DeviceRequest, Unresolved } from '../workload.js';

/** An extended resource of one container: how much, and where that is written. */
export interface Amount {
  /** In base units of the quantity; forms with another unit convert. */
  value: number;
  places: readonly string[];
  unresolved?: Unresolved;
}

/** A container's `resources.claims[]` joined with the pod's `resourceClaims[]`. */
export interface ClaimAsked {
  /** Name of the pod's claim. */
  name: string;
  /** One request of the claim, or null for all of them. */
  request: string | null;
  kind: 'ResourceClaim' | 'ResourceClaimTemplate';
  objectName: string;
  path: string;
}

/** Everything by which one container may ask for devices. */
export interface Asked {
  /** Extended resources by name. */
  amounts: ReadonlyMap<string, Amount>;
  /** The pod's annotations; only for the container that they concern. */
  annotations: ReadonlyMap<string, Field>;
  claims: readonly ClaimAsked[];
  log: ReadingLog;
}

/** What a form understood: the requests, and the resource names that are spoken for. */
export interface Understood {
  requests: readonly DeviceRequest[];
  names: readonly string[];
}

/** One family of ways to ask for devices. The table in request-forms.ts holds them all. */
export interface RequestForm {
  name: string;
  /** The names as people write them, for the coverage page. */
  writes: readonly string[];
  /** Reads what it understands; null where the container asks in no way of this family. */
  read(asked: Asked): Understood | null;
}

const NOTHING: Amount = { value: 0, places: [] };

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** The amount under a name, 0 where not asked. */
export function amountOf(asked: Asked, name: string): Amount {
  return asked.amounts.get(name) ?? NOTHING;
}

/** A request for `amount.value` whole devices. */
export function wholeDevices(
  resource: string,
  vendor: DeviceRequest['vendor'],
  amount: Amount,
  form: DeviceRequest['form'] = 'device',
): DeviceRequest {
  return { ...counted(resource, vendor, amount), form };
}

/** A request for a part of each of `amount.value` devices, by memory, by share, or (neither known) by count only. */
export function partialDevices(
  resource: string,
  vendor: DeviceRequest['vendor'],
  amount: Amount,
  part: { memoryBytes?: number; fraction?: number },
): DeviceRequest {
  const request = counted(resource, vendor, amount);
  if (part.memoryBytes !== undefined) return { ...request, form: 'memory', memoryBytes: Math.floor(part.memoryBytes) };
  if (part.fraction === undefined) return { ...request, form: 'shared' };
  return { ...request, form: 'fraction', fraction: Math.min(1, part.fraction) };
}

function counted(resource: string, vendor: DeviceRequest['vendor'], amount: Amount): DeviceRequest {
  const { value: count, places, unresolved } = amount;
  const request: DeviceRequest = { resource, form: 'device', vendor, count, memoryBytes: null, places };
  return unresolved === undefined ? request : { ...request, unresolved };
}
