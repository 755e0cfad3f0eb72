import type { Node, Taint } from '../inventory/inventory.js';
import type { Placement } from '../workload/workload.js';
import { affinityMatches, missingSelector } from './requirements.js';
import { untolerated } from './tolerations.js';

/** Why a node does not take a pod. `passing`: a state that ends by itself or is ended by an operator. */
export interface Obstacle {
  words: string;
  passing: boolean;
}

const UNSCHEDULABLE_TAINT: Taint = { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' };

/** Taints of the node life-cycle controller come and go; those of a person or a cloud stay. */
const isPassing = (taint: Taint): boolean => taint.key.startsWith('node.kubernetes.io/');

function taintObstacle(taints: readonly Taint[]): Obstacle | null {
  const first = taints.find((taint) => !isPassing(taint)) ?? taints[0];
  if (first === undefined) return null;
  const value = first.value === '' ? '' : `=${first.value}`;
  return { words: `with the untolerated taint ${first.key}${value}:${first.effect}`, passing: isPassing(first) };
}

/**
 * A pod that names its node passes the scheduler by: its kubelet takes it in spite of a cordon and of NoSchedule taints
 * (pkg/kubelet/lifecycle/predicate.go, generalFilter).
 */
const taintsFor = ({ taints }: Node, { nodeName }: Placement): readonly Taint[] =>
  nodeName === null ? taints : taints.filter(({ effect }) => effect === 'NoExecute');

/** A cordoned node turns pods away unless they tolerate its taint (scheduler plugin NodeUnschedulable). */
function cordonObstacle(node: Node, placement: Placement): Obstacle | null {
  if (
    !node.unschedulable ||
    placement.nodeName !== null ||
    untolerated([UNSCHEDULABLE_TAINT], placement.tolerations).length === 0
  )
    return null;
  return { words: 'cordoned', passing: true };
}

function selectionObstacle(node: Node, placement: Placement): Obstacle | null {
  if (placement.nodeName !== null && placement.nodeName !== node.name)
    return { words: `other than ${placement.nodeName}`, passing: false };
  const missing = missingSelector(node, placement.nodeSelector);
  if (missing !== null) return { words: `not matching the node selector ${missing}`, passing: false };
  if (!affinityMatches(node, placement.requiredNodeTerms))
    return { words: 'not matching the required node affinity', passing: false };
  return null;
}

/**
 * What keeps a pod off a node whatever devices it holds: the scheduler's plugins NodeName, NodeAffinity, TaintToleration
 * and NodeUnschedulable. A lasting obstacle is named before a passing one. null: the node takes the pod.
 */
export function obstacle(node: Node, placement: Placement): Obstacle | null {
  if (node.supposed === true) return null;
  const selection = selectionObstacle(node, placement);
  if (selection !== null) return selection;
  const taint = taintObstacle(untolerated(taintsFor(node, placement), placement.tolerations));
  if (taint !== null && !taint.passing) return taint;
  const passing = cordonObstacle(node, placement) ?? taint;
  if (passing !== null) return passing;
  if (node.potential === true) return { words: 'that its pool may still grow by', passing: true };
  return node.ready ? null : { words: 'not ready', passing: true };
}
