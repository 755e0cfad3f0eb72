import type { Field } from '../field.js';
import type { KindReading } from '../workload.js';
import { readReplicaJob } from './replica-specs.js';
import type { WorkloadKind } from './workload-kind.js';

/** Kubeflow's TFJob: each pod is one TensorFlow process, told of the others by TF_CONFIG. */
export const tfJob: WorkloadKind = {
  apiGroup: 'kubeflow.org',
  kind: 'TFJob',
  versions: ['v1'],
  resource: 'tfjobs',
  read: (object: Field): KindReading => readReplicaJob(object.get('spec'), 'tfReplicaSpecs', { processesPerPod: 1 }),
};
