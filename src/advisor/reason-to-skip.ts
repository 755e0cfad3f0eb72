import type { Workload } from '../workload/workload.js';

/** Why a workload is left alone wherever it is met (child of a handled owner, no GPUs asked for); null: it is assessed. */
export function reasonToSkip(workload: Workload): 'child' | 'no-devices' | null {
  if (workload.owner !== null) return 'child';
  return workload.podSets.every(({ devices }) => devices.length === 0) ? 'no-devices' : null;
}
