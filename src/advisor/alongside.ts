import { readWorkload } from '../workload/read-workload.js';
import type { JsonObject, ObjectsAlongside, Workload } from '../workload/workload.js';
import { namedConfigMaps } from './named-config-maps.js';

/** Data of ConfigMaps by name. */
export type ConfigMaps = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Other objects that a manifest names (training runtimes, resource claims), by kind and name. */
export type NamedObjects = Readonly<Record<string, JsonObject>>;

/** What stands beside a manifest and is part of what it says. */
export interface Alongside {
  configMaps: ConfigMaps;
  objects: NamedObjects;
}

/** What is known beside the manifests of one namespace. Look-ups in memory. */
export interface Surroundings {
  configMap(namespace: string | null, name: string): Readonly<Record<string, string>> | undefined;
  object(namespace: string | null, kind: string, name: string): JsonObject | undefined;
}

export interface ReadAlongside {
  workload: Workload;
  alongside: Alongside;
}

export const keyOfObject = (kind: string, name: string): string => `${kind}/${name}`;

/** The objects as readers look them up. */
export function objectsAlongside(objects: NamedObjects): ObjectsAlongside {
  return {
    object: (kind, name) => {
      const key = keyOfObject(kind, name);
      return Object.hasOwn(objects, key) ? objects[key] : undefined;
    },
  };
}

/**
 * Reads a manifest with the objects that it names and are known, and gathers those and the ConfigMaps that its
 * containers name. null: no workload. Throws UnreadableManifest.
 */
export function readAlongside(manifest: JsonObject, known: Surroundings): ReadAlongside | null {
  const namespace = namespaceOf(manifest);
  const objects: Record<string, JsonObject> = {};
  const workload = readWorkload(manifest, {
    object: (kind, name) => {
      const found = known.object(namespace, kind, name);
      if (found !== undefined) objects[keyOfObject(kind, name)] = found;
      return found;
    },
  });
  if (workload === null) return null;
  const configMaps: Record<string, Readonly<Record<string, string>>> = {};
  for (const name of namedConfigMaps(workload)) {
    const data = known.configMap(namespace, name);
    if (data !== undefined) configMaps[name] = data;
  }
  return { workload, alongside: { configMaps, objects } };
}

function namespaceOf({ metadata }: JsonObject): string | null {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return null;
  const { namespace } = metadata;
  return typeof namespace === 'string' && namespace !== '' ? namespace : null;
}
