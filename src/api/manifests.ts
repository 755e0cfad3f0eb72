import { z } from 'zod';
import { keyOfObject } from '../advisor/alongside.js';
import type { ConfigMaps, NamedObjects, Surroundings } from '../advisor/alongside.js';
import { readDocuments } from '../workload/documents/documents.js';
import type { JsonObject } from '../workload/workload.js';
import { ProblemError } from './problem.js';

/** Most manifests of one request. */
const MANIFEST_LIMIT = 100;

/** Group and version, and kind, as the API server takes them: names of DNS, a kind also with capitals. */
export const API_VERSION_PATTERN = '^([a-z0-9][a-z0-9.-]{0,252}/)?[a-z][a-z0-9-]{0,62}$';
export const KIND_PATTERN = '^[A-Za-z][A-Za-z0-9-]{0,62}$';
const FORMS = { apiVersion: new RegExp(API_VERSION_PATTERN), kind: new RegExp(KIND_PATTERN) };

const configMapSchema = z.object({
  kind: z.literal('ConfigMap'),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  data: z.record(z.string(), z.string()).default({}),
});

export interface PostedManifest {
  /** Which of the posted documents: `body`, `body#2`, ... */
  document: string;
  manifest: JsonObject;
}

export interface Posted {
  manifests: readonly PostedManifest[];
  /** ConfigMaps and other objects posted alongside, by name, whatever their namespace. */
  surroundings: Surroundings;
}

/**
 * The manifests of a request's body (YAML or JSON text, several documents, Lists), with the ConfigMaps among them set
 * aside. Throws ProblemError where nothing can be read of it.
 */
export function readPosted(body: string): Posted {
  const documents = readDocuments(body, 'body');
  const errors = documents.flatMap(({ name, errors: problems }) =>
    problems.map((problem) => ({ field: name, problem })),
  );
  if (errors.length > 0) throw new ProblemError(400, 'The body is not a manifest.', errors.slice(0, 20));
  const read = documents.flatMap(({ name, manifest }) => (manifest === null ? [] : [{ document: name, manifest }]));
  const manifests = read.filter(({ manifest }) => manifest['kind'] !== 'ConfigMap');
  if (manifests.length === 0 || manifests.length > MANIFEST_LIMIT) {
    throw new ProblemError(400, `The body holds ${manifests.length} manifests; it takes 1 to ${MANIFEST_LIMIT}.`);
  }
  // One that is not stands beside others for a reason, such as a template that is not filled in: it is skipped.
  if (!manifests.some(({ manifest }) => isOfKubernetes(manifest))) {
    throw new ProblemError(400, 'The body holds no manifest: apiVersion or kind is none that Kubernetes takes.');
  }
  return { manifests, surroundings: surroundingsOf(configMapsAmong(read), objectsAmong(manifests)) };
}

function isOfKubernetes({ apiVersion, kind }: JsonObject): boolean {
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return false;
  return FORMS.apiVersion.test(apiVersion) && FORMS.kind.test(kind);
}

function surroundingsOf(configMaps: ConfigMaps, objects: NamedObjects): Surroundings {
  return {
    configMap: (_namespace, name) => (Object.hasOwn(configMaps, name) ? configMaps[name] : undefined),
    object: (_namespace, kind, name) => {
      const key = keyOfObject(kind, name);
      return Object.hasOwn(objects, key) ? objects[key] : undefined;
    },
  };
}

function objectsAmong(documents: readonly PostedManifest[]): NamedObjects {
  const found = documents.flatMap(({ manifest }) => {
    const { kind, metadata } = manifest;
    const name =
      typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata) ? metadata['name'] : null;
    return typeof kind === 'string' && typeof name === 'string' ? [[keyOfObject(kind, name), manifest] as const] : [];
  });
  return Object.fromEntries(found);
}

function configMapsAmong(documents: readonly PostedManifest[]): ConfigMaps {
  const found = documents.flatMap(({ manifest }) => {
    const { success, data } = configMapSchema.safeParse(manifest);
    return success ? [[data.metadata.name, data.data] as const] : [];
  });
  return Object.fromEntries(found);
}
