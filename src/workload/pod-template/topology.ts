import type { Field } from '../field.js';
import type { PodSet, TopologyRule } from '../workload.js';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const ANY_NODE = 'any node';

/**
 * Annotations of a pod template by which gang schedulers are told to put all pods of the set into one domain: Kueue's
 * topology-aware scheduling (kueue.sigs.k8s.io, TAS) and KAI's. What is only preferred binds nobody.
 */
const ONE_DOMAIN = ['kueue.x-k8s.io/podset-required-topology', 'kai.scheduler/topology-required-placement'];

/** Labels that controllers put on the pods of an object, by its name (Job, Kubeflow's trainer). */
const OF_CONTROLLERS = /^(batch\.kubernetes\.io\/|training\.kubeflow\.org\/)?job-name$/;

/** How the pods of a set are tied to each other, or kept apart, by what stands in their template. */
export function readTopology(template: Field, pods: number): readonly TopologyRule[] {
  return [...annotatedRules(template, pods), ...affinityRules(template, pods)];
}

function annotatedRules(template: Field, pods: number): TopologyRule[] {
  const annotations = template.get('metadata', 'annotations').textRecord();
  return ONE_DOMAIN.flatMap((name): TopologyRule[] => {
    const key = annotations[name];
    return key === undefined || key === '' ? [] : [{ key, podsPerGroup: pods, exclusive: false, atOnce: true }];
  });
}

/** Required affinity of pods to their own kind, and anti-affinity; that to other pods is not followed. */
function affinityRules(template: Field, pods: number): TopologyRule[] {
  const affinity = template.get('spec', 'affinity');
  const labels = template.get('metadata', 'labels').textRecord();
  const keysOf = (kind: string): string[] =>
    affinity
      .get(kind, REQUIRED)
      .items()
      .filter((term) => selectsOwn(term, labels))
      .flatMap((term) => term.get('topologyKey').settledText(ANY_NODE) ?? []);
  return [
    ...keysOf('podAffinity').map((key) => ({ key, podsPerGroup: pods, exclusive: false, atOnce: false })),
    ...keysOf('podAntiAffinity').map((key) => ({ key, podsPerGroup: 1, exclusive: true, atOnce: false })),
  ];
}

function selectsOwn(term: Field, labels: Readonly<Record<string, string>>): boolean {
  const selector = term.get('labelSelector');
  if (!selector.present || term.get('namespaceSelector').present) return false;
  const wanted = Object.entries(selector.get('matchLabels').textRecord());
  const named = wanted.every(([key, value]) => labels[key] === value || (!(key in labels) && OF_CONTROLLERS.test(key)));
  return (
    named &&
    selector
      .get('matchExpressions')
      .items()
      .every((one) => holdsFor(one, labels))
  );
}

function holdsFor(expression: Field, labels: Readonly<Record<string, string>>): boolean {
  const own = labels[expression.get('key').text() ?? ''];
  const isListed = own !== undefined && expression.get('values').texts().includes(own);
  const operator = expression.get('operator').text();
  if (operator === 'In') return isListed;
  if (operator === 'NotIn') return !isListed;
  return operator === 'Exists' ? own !== undefined : own === undefined;
}

/** The pod set with its groups each in a domain of their own, where an operator's annotation names the label. */
export function exclusively(podSet: PodSet, key: string | undefined, podsPerGroup: number): PodSet {
  if (key === undefined || key === '' || podsPerGroup === 0) return podSet;
  const rule = { key, podsPerGroup, exclusive: true, atOnce: true };
  return { ...podSet, placement: { ...podSet.placement, topology: [...(podSet.placement.topology ?? []), rule] } };
}
