import { bool, int64 } from '../dtype.js';
import type { Linear, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import type { DisentangledInputs, DisentangledSizes } from './disentangled-attention.js';

/** `build_relative_position` of DeBERTa v1: [1, length, length], the same for all layers. */
export function plainDistances(ops: Operations, length: number): Tensor {
  ops.enter([]);
  const square = [length, length];
  ops.keep(ops.create('arange', [length], int64));
  ops.keep(ops.create('arange', [length], int64));
  const distances = ops.keep(ops.derive('sub', [ops.create('repeat', square, int64)], square, int64));
  return ops.leave(ops.unsqueeze(distances, 0));
}

type Heads = [query: Tensor, key: Tensor, value: Tensor];

/** Scores of positions: content to position and position to content, summed up. */
function positionScores(
  sizes: DisentangledSizes,
  { positionKey, positionQuery }: { positionKey: Linear | null; positionQuery: Linear | null },
) {
  const { heads, headSize, span } = sizes;
  const apart = (ops: Operations, x: Tensor): Tensor =>
    ops.permute(ops.view(x, [1, x.shape[1]!, heads, headSize]), [0, 2, 1, 3]);
  return (ops: Operations, [query, key]: readonly [Tensor, Tensor], relative: Tensor, table: Tensor): Tensor => {
    ops.enter([query, key, relative, table]);
    const [batch, , length] = query.shape as readonly [number, number, number];
    const near = Math.min(length, span);
    const square = [1, 1, length, length];
    const rows = ops.keep(ops.unsqueeze(ops.slice(table, 0, span - near, span + near), 0));
    const along = (scores: Tensor, places: Tensor): Tensor =>
      ops.gather(scores, 3, ops.expand(places, [batch, heads, length, length]));
    let score: Tensor | null = null;
    if (positionKey !== null) {
      const own = ops.keep(ops.linear(rows, positionKey));
      const keys = ops.rebind(own, apart(ops, own));
      let scores = ops.keep(ops.matmul(query, ops.transpose(keys, 2, 3)));
      const places = ops.keep(ops.derive('clamp', [ops.derive('add', [], square, int64)], square, int64));
      scores = ops.rebind(scores, along(scores, places));
      score = ops.keep(ops.addScalar(scores));
    }
    if (positionQuery !== null) {
      const own = ops.keep(ops.mulScalarThroughView(ops.linear(rows, positionQuery)));
      const queries = ops.rebind(own, apart(ops, own));
      const turned = ops.derive('add', [ops.derive('neg', [], square, int64)], square, int64);
      const places = ops.keep(ops.derive('clamp', [turned], square, int64));
      let scores = ops.keep(ops.matmul(key, ops.transpose(queries, 2, 3)));
      scores = ops.rebind(scores, ops.transpose(along(scores, places), 2, 3));
      score = score === null ? ops.keep(ops.addScalar(scores)) : ops.rebind(score, ops.addInPlace(score, scores));
    }
    return ops.leave(score!);
  };
}

/** `DisentangledSelfAttention` of DeBERTa v1: one product for queries, keys and values, with biases of its own. */
export function firstDisentangledAttention(
  scope: Scope,
  sizes: DisentangledSizes,
): (ops: Operations, inputs: DisentangledInputs) => Tensor {
  const { hidden, heads, headSize } = sizes;
  const width = heads * headSize;
  const queryBias = scope.parameter('q_bias', [width]);
  const valueBias = scope.parameter('v_bias', [width]);
  const project = scope.linear('in_proj', hidden, 3 * width, { bias: false });
  const positionKey = sizes.contentToPosition ? scope.linear('pos_proj', hidden, width, { bias: false }) : null;
  const positionQuery = sizes.positionToContent ? scope.linear('pos_q_proj', hidden, width) : null;
  const scoresOf = positionScores(sizes, { positionKey, positionQuery });

  const projected = (ops: Operations, x: Tensor): Heads => {
    const [batch, length] = x.shape as readonly [number, number];
    const all = ops.keep(ops.linear(x, project));
    const shaped = ops.permute(ops.view(all, [batch, length, heads, 3 * headSize]), [0, 2, 1, 3]);
    const parts = ops.split(shaped, [headSize, headSize, headSize], 3).map((part) => ops.keep(part));
    const [query, key, value] = parts as Heads;
    const biased = (part: Tensor, bias: typeof queryBias): Tensor => {
      const row = ops.view(ops.parameter(bias), [1, 1, heads, headSize]);
      return ops.rebind(part, ops.add(part, ops.permute(row, [0, 2, 1, 3])));
    };
    return [biased(query, queryBias), key, biased(value, valueBias)];
  };

  return (ops, { x, mask, relative, table }) => {
    ops.enter([x, mask, relative, table]);
    const [batch, length] = x.shape as readonly [number, number];
    const [unscaled, key, value] = projected(ops, x);
    const query = ops.rebind(unscaled, ops.mulScalar(unscaled));
    let scores = ops.keep(ops.matmul(query, ops.transpose(key, 2, 3)));
    const dropped = ops.dropout(table, ops.dropoutOf(sizes.dropout));
    const rows = dropped === table ? table : ops.keep(dropped);
    const biases = ops.keep(scoresOf(ops, [query, key], ops.unsqueeze(relative, 1), rows));
    scores = ops.rebind(scores, ops.add(scores, biases));
    ops.keep(ops.derive('to_copy', [], mask.shape, bool));
    scores = ops.rebind(scores, ops.maskedFill(scores, ops.derive('bitwise_not', [], mask.shape, bool)));
    let weights = ops.keep(ops.softmax(scores));
    weights = ops.rebind(weights, ops.dropout(weights, ops.dropoutOf(sizes.attentionDropout)));
    let context = ops.keep(ops.matmul(weights, value));
    context = ops.rebind(context, ops.contiguous(ops.permute(context, [0, 2, 1, 3])));
    return ops.leave(ops.rebind(context, ops.view(context, [batch, length, width])));
  };
}
