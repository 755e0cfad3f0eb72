import type { DType } from '../dtype.js';
import { bool, float32 } from '../dtype.js';
import type { Buffer, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** How experts are chosen in groups: the best groups first, then the best experts of these. */
export interface ExpertSelection {
  hidden: number;
  experts: number;
  perToken: number;
  groups: number;
  groupsPerToken: number;
  normalises: boolean;
  /** Type of the correction; null: that of the weights. */
  correction: DType | null;
}

/** Which experts each token goes to, and their weights: `[indices, weights]`. */
export type Select = (ops: Operations, x: Tensor) => [indices: Tensor, weights: Tensor];

type Groups = Pick<ExpertSelection, 'experts' | 'groups'>;

/** Scores outside of the best groups are struck out, in the caller's frame; what `scores` was bound to dies. */
function withinGroups(ops: Operations, scores: Tensor, best: Tensor, { experts, groups }: Groups): Tensor {
  const tokens = scores.shape[0]!;
  const mask = ops.keep(ops.create('zeros_like', [tokens, groups], best.dtype));
  const expanded = ops.expand(ops.unsqueeze(mask, 2), [tokens, groups, experts / groups]);
  const rows = ops.keep(ops.reshape(expanded, [tokens, experts]));
  const outside = ops.derive('bitwise_not', [ops.derive('to_copy', [], rows.shape, bool)], rows.shape, bool);
  return ops.maskedFill(scores, outside);
}

/** `get_topk_indices` of DeepSeek V3: groups by the sum of their two best scores. */
function bestExperts(ops: Operations, scores: Tensor, bias: Buffer, selection: ExpertSelection): Tensor {
  const { experts, groups, groupsPerToken, perToken } = selection;
  return ops.noGrad(() => {
    ops.enter([scores]);
    let choice = ops.keep(ops.add(scores, ops.unsqueeze(ops.buffer(bias), 0)));
    const [pair, places] = ops.topK(ops.view(choice, [-1, groups, experts / groups]), 2);
    ops.drop(places);
    const ofGroups = ops.keep(ops.sum(pair, [-1], false));
    const [values, chosenGroups] = ops.topK(ofGroups, groupsPerToken);
    ops.drop(values);
    ops.keep(chosenGroups);
    choice = ops.rebind(choice, withinGroups(ops, choice, ofGroups, selection));
    const [best, indices] = ops.topK(choice, perToken);
    ops.drop(best);
    return ops.leave(indices);
  });
}

/** DeepSeek V2's router: softmax, perhaps within the best groups, weights as they are. */
export function softmaxSelection(scope: Scope, selection: Omit<ExpertSelection, 'correction' | 'normalises'>): Select {
  const { hidden, experts, perToken, groups } = selection;
  const weight = scope.parameter('weight', [experts, hidden]);
  return module((ops, x: Tensor): [Tensor, Tensor] => {
    const tokens = ops.keep(ops.view(x, [-1, hidden]));
    const raised = ops.to(tokens, float32);
    const logits = ops.keep(ops.linearWith(raised, ops.to(ops.parameter(weight), float32), null));
    const scores = ops.keep(ops.softmax(logits, float32));
    const choice = groups > 1 ? ops.keep(limitedScores(ops, scores, selection)) : scores;
    const [best, indices] = ops.topK(choice, perToken);
    const weights = ops.keep(best);
    return [ops.keep(indices), ops.rebind(weights, ops.mulScalar(weights))];
  });
}

/** Scores outside of the groups whose best score is high struck out, in the caller's frame. */
function limitedScores(ops: Operations, scores: Tensor, selection: Omit<ExpertSelection, 'correction' | 'normalises'>) {
  const { experts, groups, groupsPerToken } = selection;
  const [greatest, places] = ops.maxAlong(ops.view(scores, [-1, groups, experts / groups]), [2], false);
  ops.drop(places);
  const ofGroups = ops.keep(greatest);
  const [values, chosen] = ops.topK(ofGroups, groupsPerToken);
  ops.drop(values);
  ops.keep(chosen);
  return withinGroups(ops, scores, ofGroups, selection);
}

/** DeepSeek V3's router: sigmoid, a correction that is added for the choice alone, weights that sum to one. */
export function sigmoidSelection(scope: Scope, selection: ExpertSelection): Select {
  const { hidden, experts } = selection;
  const weight = scope.parameter('weight', [experts, hidden]);
  const bias = scope.buffer('e_score_correction_bias', [experts], selection.correction);
  return module((ops, x: Tensor): [Tensor, Tensor] => {
    const tokens = ops.keep(ops.view(x, [-1, hidden]));
    const raised = ops.to(tokens, float32);
    const logits = ops.keep(ops.linearWith(raised, ops.to(ops.parameter(weight), float32), null));
    const scores = ops.keep(ops.sigmoid(logits));
    const indices = ops.keep(bestExperts(ops, scores, bias, selection));
    let weights = ops.keep(ops.gather(scores, 1, indices));
    if (selection.normalises) {
      const total = ops.keep(ops.addScalar(ops.sum(weights, [-1], true)));
      weights = ops.rebind(weights, ops.divInPlace(weights, total));
    }
    weights = ops.rebind(weights, ops.mulScalar(weights));
    return [indices, weights];
  });
}
