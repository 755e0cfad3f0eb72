import type { Field } from '../field.js';
import type { KindReading } from '../workload.js';
import { readReplicaJob } from './replica-specs.js';
import type { WorkloadKind } from './workload-kind.js';

/** Kubeflow's XGBoostJob: WORLD_SIZE counts pods (training-operator pkg/controller.v1/xgboost/xgboost.go). */
export const xgboostJob: WorkloadKind = {
  apiGroup: 'kubeflow.org',
  kind: 'XGBoostJob',
  versions: ['v1'],
  resource: 'xgboostjobs',
  read: (object: Field): KindReading =>
    readReplicaJob(object.get('spec'), 'xgbReplicaSpecs', { processesPerPod: 1, worldSizeIsPods: true }),
};
