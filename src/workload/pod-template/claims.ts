import { Field } from '../field.js';
import { objectRoot } from '../json-path.js';
import type { ClaimAsked } from '../requests/request-form.js';
import type { ClaimAlternative, ClaimConstraint, ClaimRequest, PodClaim } from '../workload.js';
import { readToleration } from './placement.js';

/** A claim as the pod names it. */
export type ClaimReference = Omit<ClaimAsked, 'request'>;

/** The claims of a pod spec, before anything is known of them. */
export function claimReferences(spec: Field): ClaimReference[] {
  return spec
    .get('resourceClaims')
    .items()
    .map((claim) => {
      const template = claim.get('resourceClaimTemplateName').text();
      return {
        name: claim.get('name').text() ?? '',
        kind: template === null ? 'ResourceClaim' : 'ResourceClaimTemplate',
        objectName: template ?? claim.get('resourceClaimName').text() ?? '',
        path: claim.path,
      };
    });
}

/**
 * What the scheduler has to find for the claims of a pod, whatever its containers make of them: a claim that no
 * container names is given devices too (resource.k8s.io/v1, and the betas before it).
 */
export function readPodClaims(spec: Field): PodClaim[] {
  return claimReferences(spec).map((reference) => readClaim(reference, spec));
}

function readClaim({ name, kind, objectName }: ClaimReference, { log }: Field): PodClaim {
  const object = log.object(kind, objectName);
  const base = { name, objectName, isShared: kind === 'ResourceClaim' };
  if (object === undefined) return { ...base, isKnown: false, requests: [], constraints: [] };
  const root = new Field(object, objectRoot(kind, objectName), log);
  const devices = (kind === 'ResourceClaim' ? root.get('spec') : root.get('spec', 'spec')).get('devices');
  return {
    ...base,
    isKnown: true,
    requests: devices.get('requests').items().map(readRequest),
    constraints: devices.get('constraints').items().flatMap(readConstraint),
  };
}

/** `exactly` since v1beta2; the same members stood in the request itself before. */
function readRequest(request: Field): ClaimRequest {
  const ranked = request.get('firstAvailable').items();
  const exactly = request.get('exactly').present ? request.get('exactly') : request;
  const alternatives =
    ranked.length > 0
      ? ranked.map((each) => readAlternative(each, each.get('name').text()))
      : [readAlternative(exactly, null)];
  return { name: request.get('name').text() ?? '', alternatives };
}

function readAlternative(asked: Field, name: string | null): ClaimAlternative {
  const isAll = asked.get('allocationMode').text() === 'All';
  const capacity = asked.get('capacity', 'requests').entries();
  return {
    name,
    deviceClass: asked.get('deviceClassName').text() ?? '',
    selectors: asked
      .get('selectors')
      .items()
      .map((selector) => selector.get('cel', 'expression').text() ?? ''),
    count: isAll ? 'all' : asked.get('count').count(1).value,
    tolerations: asked.get('tolerations').items().map(readToleration),
    capacity: Object.fromEntries(capacity.map(([name, amount]) => [name, amount.amount(0).value])),
    adminAccess: asked.get('adminAccess').flag(),
  };
}

function readConstraint(constraint: Field): ClaimConstraint[] {
  const requests = constraint.get('requests').texts();
  const match = constraint.get('matchAttribute').text();
  const distinct = constraint.get('distinctAttribute').text();
  if (match !== null) return [{ kind: 'match', attribute: match, requests }];
  return distinct === null ? [] : [{ kind: 'distinct', attribute: distinct, requests }];
}
