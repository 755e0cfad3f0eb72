import type { Json, JsonObject } from '../workload/workload.js';

const ENDINGS = new Set(['Complete', 'Completed', 'Succeeded', 'Failed', 'Finished']);

/** Whether a workload has ended, by the ways in which the kinds say so: conditions, or the phase of a Pod. */
export function isFinished(object: JsonObject): boolean {
  const status = objectIn(object['status']);
  if (typeof status['phase'] === 'string' && ENDINGS.has(status['phase'])) return true;
  const conditions = Array.isArray(status['conditions']) ? status['conditions'].map(objectIn) : [];
  return conditions.some(
    ({ type, status: holds }) => typeof type === 'string' && ENDINGS.has(type) && holds === 'True',
  );
}

function objectIn(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
