import { readServing } from './serving.js';
import type { WorkloadKind } from './workload-kind.js';

export const deployment: WorkloadKind = {
  apiGroup: 'apps',
  kind: 'Deployment',
  versions: ['v1'],
  resource: 'deployments',
  read: readServing,
};
