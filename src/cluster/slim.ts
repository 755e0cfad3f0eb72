import type { Json, JsonObject } from '../workload/workload.js';

/** An object without what the API server keeps for itself: half of many objects. */
export function withoutManagedFields(object: JsonObject): JsonObject {
  const metadata = objectIn(object['metadata']);
  const { managedFields: _managedFields, ...kept } = metadata;
  return { ...object, metadata: kept };
}

/** What the inventory needs of a pod: clusters have tens of thousands. */
export function slimPod(pod: JsonObject): JsonObject {
  const { metadata, spec, status } = { metadata: {}, spec: {}, status: {}, ...pod };
  return {
    metadata: picked(metadata, ['name', 'namespace', 'uid', 'labels', 'resourceVersion']),
    spec: {
      ...picked(spec, ['nodeName', 'overhead']),
      containers: slimContainers(objectIn(spec)['containers']),
      initContainers: slimContainers(objectIn(spec)['initContainers']),
    },
    status: picked(status, ['phase', 'podIP']),
  };
}

function slimContainers(containers: Json | undefined): Json[] {
  if (!Array.isArray(containers)) return [];
  return containers.map((container) => picked(container, ['restartPolicy', 'resources', 'ports']));
}

function picked(value: Json | undefined, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(objectIn(value)).filter(([key]) => keys.includes(key)));
}

function objectIn(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
