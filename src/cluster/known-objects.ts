import type { Json, JsonObject } from '../workload/workload.js';
import { textOf } from './api-client.js';

/** Told of what changes. */
export interface ChangeListener {
  changed(object: JsonObject): void;
  removed(object: JsonObject): void;
}

/** Objects of one resource as they are known. Tells of each change once; an object of the same version is no change. */
export class KnownObjects {
  readonly #objects = new Map<string, JsonObject>();

  constructor(private readonly listener: ChangeListener) {}

  all(): readonly JsonObject[] {
    return [...this.#objects.values()];
  }

  put(object: JsonObject): void {
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known !== undefined && isSameVersion(known, object)) return;
    this.#objects.set(key, object);
    this.listener.changed(object);
  }

  remove(object: JsonObject): void {
    if (this.#objects.delete(keyOf(object))) this.listener.removed(object);
  }

  /** These are all that there are. */
  replace(objects: readonly JsonObject[]): void {
    const there = new Set(objects.map(keyOf));
    for (const [key, object] of this.#objects) if (!there.has(key)) this.remove(object);
    for (const object of objects) this.put(object);
  }
}

const metadataOf = ({ metadata }: JsonObject): JsonObject => (metadata ?? {}) as JsonObject;

const keyOf = (object: JsonObject): string => {
  const { namespace, name } = metadataOf(object);
  return `${textOf(namespace)}/${textOf(name)}`;
};

function isSameVersion(one: JsonObject, other: JsonObject): boolean {
  const version: Json | undefined = metadataOf(one)['resourceVersion'];
  return version !== undefined && version === metadataOf(other)['resourceVersion'];
}
