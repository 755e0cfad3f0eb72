import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading } from '../workload.js';
import type { WorkloadKind } from './workload-kind.js';

/** Kueue's Workload: the pod sets of whatever object it was made for (kueue.x-k8s.io). */
export const kueueWorkload: WorkloadKind = {
  apiGroup: 'kueue.x-k8s.io',
  kind: 'Workload',
  versions: ['v1beta2', 'v1beta1'],
  resource: 'workloads',
  read(object: Field): KindReading {
    const podSets = object.get('spec', 'podSets');
    const read = podSets.items().map((podSet) => {
      const name = podSet.get('name').text() ?? 'main';
      return readPodSet(podSet.get('template'), { name, role: name, replicas: podSet.get('count').count(1) });
    });
    if (read.length === 0) throw podSets.expected('a list with at least one pod set');
    const gangSize = podSets.items().reduce((all, podSet) => all + leastPods(podSet), 0);
    return { podSets: read, gangSize, suspended: false, purpose: 'training' };
  },
};

/** `minCount` allows to start with fewer (partial admission). */
function leastPods(podSet: Field): number {
  const minimum = podSet.get('minCount');
  return minimum.present ? minimum.count(1).value : podSet.get('count').count(1).value;
}
