import { LRUCache } from 'lru-cache';
import { readIdentity } from '../workload/read-workload.js';
import type { Json, JsonObject } from '../workload/workload.js';
import type { ReadAlongside } from './alongside.js';

const KEPT = 500;
/** Longer specifications are read each time: keeping them takes more than reading them. */
const LONGEST_CHARACTERS = 20_000;

/**
 * Readings of Jobs by what they ask for, so that a sweep of equal Jobs under other names is read once. A Job is read
 * from its specification alone, without its selector and the labels of its pods: there the API server writes the Job's
 * name and uid, which makes every text another one.
 */
export class EqualJobs {
  readonly #readings = new LRUCache<string, ReadAlongside>({ max: KEPT });
  #revision = -1;

  /** `revision` names what stands beside manifests: readings beside something else are forgotten. */
  read(manifest: JsonObject, revision: number, read: () => ReadAlongside | null): ReadAlongside | null {
    const key = askedBy(manifest);
    if (key === null) return read();
    if (revision !== this.#revision) this.#readings.clear();
    this.#revision = revision;
    const known = this.#readings.get(key);
    return known === undefined ? this.#remember(key, read()) : (readdressed(manifest, known) ?? read());
  }

  #remember(key: string, reading: ReadAlongside | null): ReadAlongside | null {
    if (reading !== null) this.#readings.set(key, reading);
    return reading;
  }
}

/** The earlier reading as one of this object; null where its metadata has to be looked at more closely. */
function readdressed(manifest: JsonObject, { workload, alongside }: ReadAlongside): ReadAlongside | null {
  const identity = readIdentity(manifest);
  return identity === null ? null : { workload: { ...workload, ...identity }, alongside };
}

/** All that the reading of a Job rests on, as text; null for other kinds, and for what is not a Job's form. */
function askedBy({ apiVersion, kind, metadata, spec }: JsonObject): string | null {
  if (apiVersion !== 'batch/v1' || kind !== 'Job' || !isObject(spec) || !isObject(metadata)) return null;
  const { selector: _selector, template, ...rest } = spec;
  if (!isObject(template) || !isObject(template['metadata'])) return null;
  const { labels: _labels, ...ofPods } = template['metadata'];
  const key = JSON.stringify([metadata['namespace'], rest, { ...template, metadata: ofPods }]);
  return key.length > LONGEST_CHARACTERS ? null : key;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
