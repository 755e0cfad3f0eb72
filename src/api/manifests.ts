import { z } from 'zod';
import type { ConfigMaps } from '../advisor/assessor.js';
import { readDocuments } from '../workload/documents/documents.js';
import type { JsonObject } from '../workload/workload.js';
import { ProblemError } from './problem.js';

/** Most manifests of one request. */
const MANIFEST_LIMIT = 100;

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
  /** ConfigMaps posted alongside, by name. */
  configMaps: ConfigMaps;
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
  return { manifests, configMaps: configMapsAmong(read) };
}

function configMapsAmong(documents: readonly PostedManifest[]): ConfigMaps {
  const found = documents.flatMap(({ manifest }) => {
    const { success, data } = configMapSchema.safeParse(manifest);
    return success ? [[data.metadata.name, data.data] as const] : [];
  });
  return Object.fromEntries(found);
}
