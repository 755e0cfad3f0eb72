import type { Field } from '../field.js';
import type { KindReading } from '../workload.js';
import { readReplicaJob } from './replica-specs.js';
import type { WorkloadKind } from './workload-kind.js';

/** Kubeflow's JAXJob: one process for each pod, which drives all devices of its pod. */
export const jaxJob: WorkloadKind = {
  apiGroup: 'kubeflow.org',
  kind: 'JAXJob',
  versions: ['v1'],
  resource: 'jaxjobs',
  read: (object: Field): KindReading => readReplicaJob(object.get('spec'), 'jaxReplicaSpecs', { processesPerPod: 1 }),
};
