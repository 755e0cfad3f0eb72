import type { JsonObject } from '../workload/workload.js';

/** Who an object of the API server is. Names are empty where it has none. */
export interface ObjectIdentity {
  kind: string;
  /** null: an object of the cluster. */
  namespace: string | null;
  name: string;
  uid: string;
}

/** Reads it off the object. Objects of the API server have all of it. */
export function identityOf(object: JsonObject): ObjectIdentity {
  const metadata = (object['metadata'] ?? {}) as JsonObject;
  const namespace = textIn(metadata['namespace']);
  return {
    kind: textIn(object['kind']),
    namespace: namespace === '' ? null : namespace,
    name: textIn(metadata['name']),
    uid: textIn(metadata['uid']),
  };
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
