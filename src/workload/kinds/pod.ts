import { known } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading } from '../workload.js';
import type { WorkloadKind } from './workload-kind.js';

/** A single pod; groups of pods (Kueue's pod integration) are read pod by pod. */
export const pod: WorkloadKind = {
  apiGroup: '',
  kind: 'Pod',
  versions: ['v1'],
  resource: 'pods',
  read(object: Field): KindReading {
    const podSet = readPodSet(object, { name: 'main', role: 'main', replicas: known(1) });
    const suspended = object.get('spec', 'schedulingGates').items().length > 0;
    return { podSets: [podSet], gangSize: null, suspended, purpose: 'training' };
  },
};
