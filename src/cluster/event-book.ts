import { LRUCache } from 'lru-cache';
import type { ObjectReference } from '../workload/workload.js';
import { ApiError, textOf } from './api-client.js';
import type { ApiClient } from './api-client.js';
import type { JsonObject } from '../workload/workload.js';

export interface ClusterEvent {
  type: 'Normal' | 'Warning';
  /** In CamelCase, for machines. */
  reason: string;
  /** For people, at most 1024 characters. */
  message: string;
}

interface Told {
  name: string;
  count: number;
}

/** Events of the API server live an hour by default: one told longer ago is told anew. */
const REMEMBERED_MS = 3_000_000;
const REMEMBERED = 4096;
const MESSAGE_LENGTH = 1024;

/** Tells Events on objects. The same one again raises its count, so that `kubectl describe` shows one line. */
export class EventBook {
  readonly #told = new LRUCache<string, Told>({ max: REMEMBERED, ttl: REMEMBERED_MS });

  constructor(private readonly api: ApiClient) {}

  async tell(object: ObjectReference, event: ClusterEvent): Promise<void> {
    const message = event.message.slice(0, MESSAGE_LENGTH);
    const key = [object.uid, object.kind, object.namespace, object.name, event.type, event.reason, message].join('\n');
    const told = this.#told.get(key);
    if (told !== undefined && (await this.#again(object, told))) {
      this.#told.set(key, { ...told, count: told.count + 1 });
      return;
    }
    const name = await this.#first(object, { ...event, message });
    this.#told.set(key, { name, count: 1 });
  }

  /** false: the Event is over and gone. */
  async #again(object: ObjectReference, { name, count }: Told): Promise<boolean> {
    const path = `${pathOf(object)}/${encodeURIComponent(name)}`;
    const body = { count: count + 1, lastTimestamp: new Date().toISOString() };
    try {
      await this.api.call({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  async #first(object: ObjectReference, event: ClusterEvent): Promise<string> {
    const now = new Date().toISOString();
    const namespace = namespaceOf(object);
    const { apiVersion, kind, name, uid } = object;
    const created = await this.api.call({
      method: 'POST',
      path: pathOf(object),
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: 'plimsoll-', namespace },
        involvedObject: { apiVersion, kind, namespace, name: name ?? undefined, uid: uid ?? undefined },
        ...event,
        source: { component: 'plimsoll' },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      },
    });
    return textOf((created['metadata'] as JsonObject | undefined)?.['name']);
  }
}

/** Events on objects of the cluster lie in the namespace `default`. */
const namespaceOf = ({ namespace }: ObjectReference) => namespace ?? 'default';
const pathOf = (object: ObjectReference) => `/api/v1/namespaces/${encodeURIComponent(namespaceOf(object))}/events`;
