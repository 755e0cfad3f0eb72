import type { Json, JsonObject } from '../workload/workload.js';
import { orNull, textOf } from './api-client.js';
import type { ApiClient } from './api-client.js';

/** Where a Lease is. */
export interface LeaseName {
  namespace: string;
  name: string;
}

/** A Lease of coordination.k8s.io/v1 as it was read. */
export interface LeaseRecord {
  /** Empty where nobody holds it. */
  holder: string;
  transitions: number;
  /** As written by the holder: only whether it changes means anything, clocks differ. */
  renewTime: string;
  resourceVersion: string;
}

/** What leader election needs of the API server. */
export interface LeaseStore {
  /** null: there is none yet. */
  read(): Promise<LeaseRecord | null>;
  /** Writes over what was read; false where somebody else was faster. */
  write(next: { holder: string; transitions: number; seconds: number }, read: LeaseRecord | null): Promise<boolean>;
}

/** A Lease of the API server. */
export function leaseStore(api: ApiClient, { namespace, name }: LeaseName): LeaseStore {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  const path = `${collection}/${encodeURIComponent(name)}`;
  return {
    read: async () => {
      const lease = await orNull(404, api.call({ method: 'GET', path }));
      return lease === null ? null : recordOf(lease);
    },
    write: async ({ holder, transitions, seconds }, read) => {
      const now = new Date().toISOString().replace('Z', '000Z'); // MicroTime
      const metadata = { name, namespace, ...(read && { resourceVersion: read.resourceVersion }) };
      const isTaken = read?.holder !== holder;
      const spec = {
        holderIdentity: holder,
        leaseDurationSeconds: seconds,
        leaseTransitions: transitions,
        renewTime: now,
        ...(isTaken && { acquireTime: now }),
      };
      const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
      const call = read === null ? ({ method: 'POST', path: collection } as const) : ({ method: 'PUT', path } as const);
      return (await orNull(409, api.call({ ...call, body }))) !== null;
    },
  };
}

function recordOf(lease: JsonObject): LeaseRecord {
  const spec = objectIn(lease['spec']);
  const transitions = spec['leaseTransitions'];
  return {
    holder: textOf(spec['holderIdentity']),
    transitions: typeof transitions === 'number' ? transitions : 0,
    renewTime: textOf(spec['renewTime']),
    resourceVersion: textOf(objectIn(lease['metadata'])['resourceVersion']),
  };
}

function objectIn(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
