import { createHash } from 'node:crypto';
import type { JsonObject, ObjectReference } from '../workload/workload.js';
import { ApiClient, ApiError, textOf } from './api-client.js';
import type { CertificateStore } from '../admission/tls/kept-certificates.js';
import { certificateSecret } from './certificate-secret.js';
import type { SecretName } from './certificate-secret.js';
import { EventBook } from './event-book.js';
import type { ClusterEvent } from './event-book.js';
import { leaseStore } from './lease.js';
import type { LeaseName, LeaseStore } from './lease.js';
import { ResourceWatch } from './resource-watch.js';
import type { ResourceHandler, WatchedResource } from './resource-watch.js';

/** A resource of the API, by any version that serves it. */
export interface ResourceName {
  apiGroup: string;
  versions: readonly string[];
  resource: string;
}

/** Who a bearer token belongs to. */
export interface TokenOwner {
  username: string;
  groups: readonly string[];
}

/** Whether somebody may do this to resources of the group plimsoll.dev. */
export interface AccessQuestion {
  verb: 'get' | 'list' | 'watch' | 'create';
  resource: 'assessments' | 'nodes' | 'devices';
  /** null: in all of them. */
  namespace: string | null;
}

/** Injection token of the Cluster, or null where none was given. */
export const CLUSTER = Symbol('cluster');

const FIELD_MANAGER = 'plimsoll';

/** What Plimsoll does with a cluster, and all that it does with it. */
export class Cluster {
  readonly #events: EventBook;

  constructor(private readonly api: ApiClient) {
    this.#events = new EventBook(api);
  }

  /** The API server's address, for people. */
  get server(): string {
    return this.api.server;
  }

  /** Its version, such as `v1.37.2`; the least that can be asked, to see whether it answers. */
  async version(): Promise<string> {
    return textOf((await this.api.call({ method: 'GET', path: '/version' }))['gitVersion']);
  }

  /** A pod as it is now; null where there is none. Asked as a list of one, which needs no right that following pods does not. */
  async pod(namespace: string, name: string): Promise<JsonObject | null> {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
    const { items } = await this.api.call({ method: 'GET', path, query: { fieldSelector: `metadata.name=${name}` } });
    const [pod] = Array.isArray(items) ? items : [];
    return (pod as JsonObject | undefined) ?? null;
  }

  /** Follows one resource; `start` has been called. */
  watch(resource: WatchedResource, handler: ResourceHandler): ResourceWatch {
    const watch = new ResourceWatch(this.api, resource, handler);
    watch.start();
    return watch;
  }

  /** The collection path of a resource in the first version that the cluster serves; null where it serves none. */
  async pathOf({ apiGroup, versions, resource }: ResourceName): Promise<string | null> {
    for (const version of versions) {
      const path = groupPath(apiGroup, version);
      if (await this.#serves(path, resource)) return `${path}/${resource}`;
    }
    return null;
  }

  /** Sets annotations of an object; null removes one. Others are not touched. */
  async annotate(
    object: ObjectReference & { resource: string },
    annotations: Record<string, string | null>,
  ): Promise<void> {
    await this.api.call({
      method: 'PATCH',
      path: objectPath(object),
      query: { fieldManager: FIELD_MANAGER },
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations } },
    });
  }

  /** Tells what happened on an object; the same thing again is counted, not told twice. */
  tell(object: ObjectReference, event: ClusterEvent): Promise<void> {
    return this.#events.tell(object, event);
  }

  /** A Secret that certificates are kept in. */
  certificates(name: SecretName): CertificateStore {
    return certificateSecret(this.api, name);
  }

  /** A Lease to choose by who works. */
  lease(name: LeaseName): LeaseStore {
    return leaseStore(this.api, name);
  }

  /** Creates or updates an object by server-side apply: fields that others set are kept. `path` is the object's own. */
  async apply(path: string, object: JsonObject): Promise<void> {
    await this.api.call({
      method: 'PATCH',
      path,
      query: { fieldManager: FIELD_MANAGER, force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: object,
    });
  }

  /** Whom the API server knows a bearer token to belong to; null where it knows none. */
  async ownerOf(token: string): Promise<TokenOwner | null> {
    const answer = await this.api.call({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    });
    const status = answer['status'] as { authenticated?: boolean; user?: { username?: string; groups?: string[] } };
    if (status.authenticated !== true || !status.user?.username) return null;
    return { username: status.user.username, groups: status.user.groups ?? [] };
  }

  /** Whether the API server's authorisers grant it. */
  async mayAccess({ username, groups }: TokenOwner, { verb, resource, namespace }: AccessQuestion): Promise<boolean> {
    const attributes = {
      group: 'plimsoll.dev',
      version: 'v1',
      resource,
      verb,
      ...(namespace !== null && { namespace }),
    };
    const answer = await this.api.call({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user: username, groups, resourceAttributes: attributes },
      },
    });
    return (answer['status'] as { allowed?: boolean } | undefined)?.allowed === true;
  }

  async #serves(path: string, resource: string): Promise<boolean> {
    try {
      const { resources } = (await this.api.call({ method: 'GET', path })) as { resources?: { name?: string }[] };
      return (resources ?? []).some(({ name }) => name === resource);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }
}

function groupPath(apiGroup: string, version: string): string {
  return apiGroup === '' ? `/api/${version}` : `/apis/${apiGroup}/${version}`;
}

function objectPath({ apiVersion, namespace, name, resource }: ObjectReference & { resource: string }): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const within = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${within}/${resource}/${encodeURIComponent(name ?? '')}`;
}

/** A short name for a text, for keys that must not hold it (tokens). */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
