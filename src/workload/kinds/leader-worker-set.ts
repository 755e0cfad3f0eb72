import { asNodes, known, product } from '../count.js';
import type { Count } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import { exclusively } from '../pod-template/topology.js';
import type { KindReading, LaunchFacts } from '../workload.js';
import type { WorkloadKind } from './workload-kind.js';

/** Each group in a domain of its own (kubernetes-sigs/lws, docs/concepts). */
const EXCLUSIVE_TOPOLOGY = 'leaderworkerset.sigs.k8s.io/exclusive-topology';

/**
 * LeaderWorkerSet: `replicas` groups of `size` pods, one of them the leader, which has the worker's template where it
 * has none of its own. Each group is one distributed run and starts as one (kubernetes-sigs/lws).
 */
export const leaderWorkerSet: WorkloadKind = {
  apiGroup: 'leaderworkerset.x-k8s.io',
  kind: 'LeaderWorkerSet',
  versions: ['v1'],
  resource: 'leaderworkersets',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    const template = spec.get('leaderWorkerTemplate');
    const groups = spec.get('replicas').count(1);
    const size = template.get('size').count(1);
    const own = template.get('leaderTemplate');
    const leader = own.present ? own : template.get('workerTemplate');
    const launch = launchFacts(size);
    const leaders = readPodSet(leader, { name: 'leader', role: 'leader', replicas: groups, launch });
    const others = { value: Math.max(0, size.value - 1), unresolved: size.unresolved };
    const workers = { name: 'worker', role: 'worker', replicas: product(groups, others), launch };
    const key = object.get('metadata', 'annotations').textRecord()[EXCLUSIVE_TOPOLOGY];
    const all = others.value === 0 ? [leaders] : [leaders, readPodSet(template.get('workerTemplate'), workers)];
    const podSets = all.map((podSet) => exclusively(podSet, key, podSet.role === 'leader' ? 1 : others.value));
    return { podSets, gangSize: size.value, suspended: false, purpose: 'training' };
  },
};

function launchFacts(size: Count = known(1)): Partial<LaunchFacts> {
  const env: Record<string, string> = size.unresolved.length > 0 ? {} : { LWS_GROUP_SIZE: String(size.value) };
  return { ...asNodes(size), env };
}
