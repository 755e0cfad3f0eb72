import { Field } from '../field.js';
import { objectRoot } from '../json-path.js';
import { unresolvedAt } from '../unresolved.js';
import type { DeviceRequest, Unresolved } from '../workload.js';
import { migProfileOf } from './nvidia-mig.js';
import type { Asked, ClaimAsked, RequestForm, Understood } from './request-form.js';

/** Who answers for a device class, by the driver's name that classes are named after. */
const VENDORS: readonly [RegExp, DeviceRequest['vendor']][] = [
  [/(^|\.)nvidia\.com$/, 'nvidia'],
  [/(^|\.)amd\.com$/, 'amd'],
  [/gaudi\.intel\.com$|(^|\.)habana\.ai$/, 'habana'],
  [/(^|\.)intel\.com$/, 'intel'],
  [/gpu|cuda|accelerator/i, 'nvidia'],
];
/** `device.attributes['gpu.nvidia.com'].profile == '1g.5gb'`, the selector of NVIDIA's own examples. */
const PROFILE = /\.profile\s{0,5}==\s{0,5}["'](\d{1,2}g\.\d{1,4}gb(?:\+[a-z.]{1,10})?)["']/;

/**
 * Dynamic resource allocation: claims of the pod that the container names (resource.k8s.io/v1). The claim or template
 * is another object; without it one device is assumed, and said.
 */
export const resourceClaims: RequestForm = {
  name: 'DRA resource claims',
  writes: ['resourceClaims with a ResourceClaim', 'resourceClaims with a ResourceClaimTemplate'],
  read(asked: Asked): Understood | null {
    if (asked.claims.length === 0) return null;
    return { requests: asked.claims.flatMap((claim) => devicesOf(asked, claim)), names: [] };
  },
};

function devicesOf(asked: Asked, claim: ClaimAsked): DeviceRequest[] {
  const object = asked.log.object(claim.kind, claim.objectName);
  if (object === undefined) return [unseen(asked, claim)];
  const root = new Field(object, objectRoot(claim.kind, claim.objectName), asked.log);
  const spec = claim.kind === 'ResourceClaim' ? root.get('spec') : root.get('spec', 'spec');
  return requestsOf(spec.get('devices', 'requests'), claim);
}

function unseen(asked: Asked, claim: ClaimAsked): DeviceRequest {
  const found = { kind: 'not-given' as const, names: [claim.objectName], fallback: null };
  const unresolved = unresolvedAt(claim.path, `${claim.kind} ${claim.objectName}`, found, 'one GPU of any kind');
  asked.log.unresolve(unresolved);
  return { ...claimed(claim, claim.objectName, 'nvidia', 1), unresolved };
}

function requestsOf(requests: Field, claim: ClaimAsked): DeviceRequest[] {
  return requests
    .items()
    .filter((request) => claim.request === null || request.get('name').text() === claim.request)
    .flatMap((request) => oneRequest(request, claim));
}

/** `exactly` since resource.k8s.io/v1beta2; the same members stood in the request itself before. */
function oneRequest(request: Field, claim: ClaimAsked): DeviceRequest[] {
  const [first] = request.get('firstAvailable').items();
  const exact = first ?? (request.get('exactly').present ? request.get('exactly') : request);
  const deviceClass = exact.get('deviceClassName').text() ?? '';
  const vendor = vendorOf(deviceClass);
  if (vendor === null) {
    exact.log.note(`${exact.path}: device class ${deviceClass} is not one of GPUs`);
    return [];
  }
  const count = exact.get('count').count(1);
  const [unresolved]: readonly Unresolved[] = count.unresolved;
  const named = request.get('name').text();
  const base = {
    ...claimed(claim, deviceClass, vendor, count.value),
    ...(named === null ? {} : { claimRequest: named }),
    ...detailsOf(exact),
  };
  return [unresolved === undefined ? base : { ...base, unresolved }];
}

function detailsOf(exact: Field): Partial<DeviceRequest> {
  const selectors = exact
    .get('selectors')
    .items()
    .flatMap((selector) => selector.get('cel', 'expression').text() ?? []);
  const migProfile = selectors
    .map((text) => PROFILE.exec(text.slice(0, 5000))?.[1])
    .find((found) => found !== undefined);
  const memory = exact.get('capacity', 'requests', 'memory');
  const memoryBytes = memory.present ? memory.amount(0).value : 0;
  return {
    ...(selectors.length === 0 ? {} : { selectors }),
    ...(migProfile === undefined ? {} : { migProfile }),
    ...(memoryBytes > 0 ? { memoryBytes } : {}),
  };
}

function claimed(claim: ClaimAsked, resource: string, vendor: DeviceRequest['vendor'], count: number): DeviceRequest {
  const migProfile = migProfileOf(resource);
  const request: DeviceRequest = {
    resource,
    form: 'claim',
    vendor,
    count,
    memoryBytes: null,
    places: [],
    claim: claim.name,
  };
  return migProfile === null ? request : { ...request, migProfile };
}

function vendorOf(deviceClass: string): DeviceRequest['vendor'] | null {
  return VENDORS.find(([pattern]) => pattern.test(deviceClass.slice(0, 253)))?.[1] ?? null;
}
