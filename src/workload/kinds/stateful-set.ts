import { readServing } from './serving.js';
import type { WorkloadKind } from './workload-kind.js';

export const statefulSet: WorkloadKind = {
  apiGroup: 'apps',
  kind: 'StatefulSet',
  versions: ['v1'],
  resource: 'statefulsets',
  read: readServing,
};
