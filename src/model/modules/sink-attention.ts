import type { Parameter } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import type { AttentionHeads } from './eager-attention.js';
import { repeatHeads } from './eager-attention.js';
import { groupedAttention } from './grouped-attention.js';

/**
 * Attention of gpt-oss: a learned score of each head takes part in the softmax and is dropped after it. A kernel of
 * flash-attention does the same; SDPA does not, so that it is written out.
 */
export function sinkAttention(ops: Operations, heads: AttentionHeads, sinks: Parameter): [Tensor, Tensor | null] {
  if (ops.attention === 'flash') return groupedAttention(ops, heads);
  const { query, key, value, mask, dropout } = heads;
  ops.enter([query, key, value, mask]);
  const groups = query.shape[1]! / key.shape[1]!;
  const keys = ops.keep(repeatHeads(ops, key, groups));
  const values = ops.keep(repeatHeads(ops, value, groups));
  let scores = ops.keep(ops.mulScalar(ops.matmul(query, ops.transpose(keys, 2, 3))));
  if (mask !== null) scores = ops.rebind(scores, ops.add(scores, mask));
  const all = withSinks(ops, scores, sinks);
  const probabilities = ops.keep(ops.softmax(all));
  const length = key.shape[2]!;
  const kept = ops.keep(ops.slice(probabilities, 3, 0, length));
  scores = ops.rebind(scores, ops.dropout(kept, dropout));
  const attended = ops.keep(ops.matmul(scores, values));
  return ops.leave([ops.contiguous(ops.transpose(attended, 1, 2)), scores]);
}

/** Scores with one more in each row, less the greatest of the row; kept in the caller's frame. */
function withSinks(ops: Operations, scores: Tensor, sinks: Parameter): Tensor {
  const [batch, heads, length] = scores.shape as readonly [number, number, number, number];
  const rows = ops.view(ops.parameter(sinks), [1, heads, 1, 1]);
  const column = ops.keep(ops.expand(rows, [batch, heads, length, 1]));
  const all = ops.keep(ops.cat([scores, column], 3));
  const [greatest, places] = ops.maxAlong(all, [3], true);
  ops.drop(places);
  return ops.rebind(all, ops.sub(all, greatest));
}
