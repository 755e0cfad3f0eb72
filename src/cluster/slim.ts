import { slimContainerStatus } from '../observation/container-status.js';
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
    metadata: picked(metadata, ['name', 'namespace', 'uid', 'labels', 'resourceVersion', 'ownerReferences']),
    spec: {
      ...picked(spec, ['nodeName', 'overhead', 'resources']),
      containers: slimContainers(objectIn(spec)['containers']),
      initContainers: slimContainers(objectIn(spec)['initContainers']),
    },
    status: { ...picked(status, ['phase', 'podIP']), ...slimStatuses(objectIn(spec)['containers'], objectIn(status)) },
  };
}

/** How containers fare is only asked of pods that hold devices. */
function slimStatuses(containers: Json | undefined, status: JsonObject): JsonObject {
  const { containerStatuses } = status;
  if (!Array.isArray(containerStatuses) || !asksForDevices(containers)) return {};
  return { containerStatuses: containerStatuses.map((one) => slimContainerStatus(objectIn(one))) };
}

function asksForDevices(containers: Json | undefined): boolean {
  const all = Array.isArray(containers) ? containers : [];
  const limits = all.flatMap((one) => Object.keys(objectIn(objectIn(objectIn(one)['resources'])['limits'])));
  return limits.some((resource) => resource.includes('/'));
}

function slimContainers(containers: Json | undefined): Json[] {
  if (!Array.isArray(containers)) return [];
  return containers.map((container) => picked(container, ['name', 'restartPolicy', 'resources', 'ports']));
}

function picked(value: Json | undefined, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(objectIn(value)).filter(([key]) => keys.includes(key)));
}

function objectIn(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
