import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../workload/workload.js';
import { ANNOTATION_PREFIX, ANSWER_ANNOTATIONS } from './annotations.js';
import type { ConfigMaps } from './assessor.js';

/** Written by Plimsoll itself, or a copy of the whole object by kubectl: no part of what is asked. */
const LEFT_OUT = new Set([
  ...ANSWER_ANNOTATIONS.map((name) => ANNOTATION_PREFIX + name),
  'kubectl.kubernetes.io/last-applied-configuration',
]);

/** What may differ between objects that get the same answer: who they are, and what the API server keeps about them. */
const IDENTITY = new Set([
  'name',
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
]);

/** One short key for all manifests (with their ConfigMaps) that get the same answer, whatever their names. */
export function questionKey(manifest: JsonObject, configMaps: ConfigMaps): string {
  const { metadata, status: _status, ...rest } = manifest;
  const text = JSON.stringify([rest, strippedMetadata(metadata), configMaps]);
  return createHash('sha256').update(text).digest('base64url');
}

function strippedMetadata(metadata: Json | undefined): Json {
  if (!isObject(metadata)) return metadata ?? null;
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !IDENTITY.has(key)));
  const { annotations } = metadata;
  if (!isObject(annotations)) return kept;
  const asked = Object.entries(annotations).filter(([name]) => !LEFT_OUT.has(name));
  const { annotations: _annotations, ...others } = kept;
  return asked.length === 0 ? others : { ...others, annotations: Object.fromEntries(asked) };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
