import type { HolderPod } from './holder-pod.js';

/** Labels in which operators say which of their pods one is. */
const ROLE_LABELS = [
  'training.kubeflow.org/replica-type',
  'jobset.sigs.k8s.io/replicatedjob-name',
  'volcano.sh/task-spec',
  'ray.io/group',
  'ray.io/node-type',
  'leaderworkerset.sigs.k8s.io/role',
] as const;

/** A pod set that trains, by the name that the reader of its kind gives it. */
export interface TrainingPodSet {
  name: string;
  fingerprint: string;
}

/**
 * Which pod set a pod is of: the one that its operator's label names; any of them where all train the same. null: it
 * cannot be told.
 */
export function podSetOf({ labels }: Pick<HolderPod, 'labels'>, podSets: readonly TrainingPodSet[]): string | null {
  const said = ROLE_LABELS.flatMap((label) => labels[label]?.toLowerCase() ?? []);
  const named = podSets.find(({ name }) => said.includes(name.toLowerCase()));
  if (named !== undefined) return named.name;
  const [first] = podSets;
  const isOne = podSets.every(({ fingerprint }) => fingerprint === first?.fingerprint);
  // Pods of a set that is named and does not train (a head, a launcher) hold devices too.
  return isOne && said.length === 0 ? (first?.name ?? null) : null;
}
