import { known } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading } from '../workload.js';
import type { WorkloadKind } from './workload-kind.js';

/** How many pods a pod's group has (kubernetes-sigs/kueue, plain pod groups). */
const GROUP_SIZE = 'kueue.x-k8s.io/pod-group-total-count';

/** A single pod. Groups of pods are read pod by pod; the group's size is the gang. */
export const pod: WorkloadKind = {
  apiGroup: '',
  kind: 'Pod',
  versions: ['v1'],
  resource: 'pods',
  read(object: Field): KindReading {
    const podSet = readPodSet(object, { name: 'main', role: 'main', replicas: known(1) });
    const suspended = object.get('spec', 'schedulingGates').items().length > 0;
    const group = object.get('metadata', 'annotations', GROUP_SIZE);
    const gangSize = group.present ? group.count(1).value : null;
    return { podSets: [podSet], gangSize, suspended, purpose: 'training' };
  },
};
