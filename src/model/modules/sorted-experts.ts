import { bool, int64 } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';
import type { Dispatch } from './shared-mixture.js';

/** Each token's results [tokens, per token, hidden] times their weights: in place on a view, or on a raised copy. */
function weighed(ops: Operations, rows: Tensor, weights: Tensor): Tensor {
  const [tokens, perToken] = weights.shape as readonly [number, number];
  const shape = [tokens, perToken, rows.shape[1]!];
  if (rows.dtype === weights.dtype) {
    return ops.view(ops.mulThroughView(rows, ops.view(weights, [rows.shape[0]!, 1])), shape);
  }
  return ops.mulInPlace(ops.to(ops.view(rows, shape), weights.dtype), ops.unsqueeze(weights, 2));
}

/** `DeepseekV2MoE.moe`: tokens sorted by their experts, a slice for each, results put back into their places. */
export const sortedExperts: Dispatch = (ops, experts, [x, indices, weights]) => {
  ops.enter([x, indices, weights]);
  const [tokens, hidden] = x.shape as readonly [number, number];
  const perToken = indices.shape[1]!;
  const pairs = tokens * perToken;
  ops.keep(ops.create('new_zeros', [tokens, experts.length], int64));
  ops.keep(ops.create('sum', [experts.length], int64));
  const values = ops.create('sort', [pairs], int64);
  const order = ops.keep(ops.create('sort', [pairs], int64));
  ops.drop(values);
  const sorted = ops.keep(ops.index(x, [ops.create('floor_divide', [pairs], int64)], [pairs, hidden]));
  const outputs: Tensor[] = [];
  let start: Tensor | null = null;
  for (const expert of experts) {
    const perExpert = Math.floor(pairs / experts.length);
    ops.drop(ops.derive('eq', [], [], bool));
    const end = ops.keep(ops.create('add', [], int64));
    outputs.push(ops.keep(expert(ops, ops.slice(sorted, 0, 0, perExpert))));
    if (start !== null) ops.drop(start);
    start = end;
  }
  const outs = ops.keep(ops.cat(outputs, 0));
  const placed = ops.scatterInPlace(ops.create('empty_like', outs.shape, outs.dtype), order, outs);
  const summed = ops.sum(weighed(ops, ops.keep(placed), weights), [1], false);
  return ops.leave(ops.to(summed, outs.dtype));
};
