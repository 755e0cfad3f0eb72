import type { Field } from '../field.js';
import type { KindReading } from '../workload.js';
import { readReplicaJob } from './replica-specs.js';
import type { WorkloadKind } from './workload-kind.js';

/** Kubeflow's PaddleJob: paddle.distributed.launch starts a process for each device it sees. */
export const paddleJob: WorkloadKind = {
  apiGroup: 'kubeflow.org',
  kind: 'PaddleJob',
  versions: ['v1'],
  resource: 'paddlejobs',
  read: (object: Field): KindReading =>
    readReplicaJob(object.get('spec'), 'paddleReplicaSpecs', { processesPerPod: 'auto' }),
};
