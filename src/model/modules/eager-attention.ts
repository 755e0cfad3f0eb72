import { float32 } from '../dtype.js';
import type { Buffer } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';

/** Queries, keys and values as [batch, heads, length, head size]. */
export interface AttentionHeads {
  query: Tensor;
  key: Tensor;
  value: Tensor;
  mask: Tensor | null;
  dropout: number;
  /** Scores are divided, squashed by tanh and multiplied again. */
  softCap?: boolean;
  /** Softmax in the scores' type (Llama 4). */
  softmaxAsIs?: boolean;
}

/** GPT-2's eager attention: scores divided by a tensor, causal `where`, mask added, softmax, cast, dropout. */
export function gpt2EagerAttention(ops: Operations, heads: AttentionHeads, causal: Tensor): [Tensor, Tensor] {
  const { query, key, value, mask, dropout } = heads;
  ops.enter([query, key, value, mask]);
  const allowed = ops.keep(ops.slice(ops.slice(causal, 2, 0, query.shape[2]!), 3, 0, key.shape[2]!));
  let scores = ops.keep(ops.matmul(query, ops.transpose(key, 2, 3)));
  scores = ops.rebind(scores, ops.div(scores, ops.create('full', [], scores.dtype)));
  const least = ops.keep(ops.create('full', [], scores.dtype));
  scores = ops.rebind(scores, ops.where(allowed, scores, least));
  if (mask !== null) scores = ops.rebind(scores, ops.add(scores, mask));
  scores = ops.rebind(scores, ops.softmax(scores));
  scores = ops.rebind(scores, ops.to(scores, value.dtype));
  scores = ops.rebind(scores, ops.dropout(scores, dropout));
  const attended = ops.keep(ops.matmul(scores, value));
  return ops.leave([ops.transpose(attended, 1, 2), scores]);
}

/** What eager attention in fp32 does between the product and the softmax. */
export interface RaisedAttention {
  /** Scores where attention is not allowed are replaced, by this buffer (GPT-Neo). */
  causal?: Buffer;
  /** Scores are divided by a number: before the mask, or after it is added in place (CodeGen). */
  scales?: boolean;
  masksInPlace?: boolean;
}

/**
 * Eager attention over queries and keys in fp32 (GPT-Neo, GPT-J, CodeGen): softmax in the scores' type, lowered to that of
 * the values. A kernel of flash-attention takes its place where asked for.
 */
export function raisedEagerAttention(
  ops: Operations,
  heads: AttentionHeads,
  options: RaisedAttention,
): [Tensor, Tensor | null] {
  const { query, key, value, mask, dropout } = heads;
  if (ops.attention === 'flash')
    return [ops.scaledDotProductAttention(query, key, value, { causal: true, dropout }), null];
  ops.enter([query, key, value, mask]);
  const [q, k] = [query, key].map((x) => ops.keep(ops.to(x, float32))) as [Tensor, Tensor];
  const scores = betweenProductAndSoftmax(ops, ops.keep(ops.matmul(q, ops.transpose(k, 2, 3))), mask, options);
  let weights = ops.rebind(scores, ops.softmax(scores));
  weights = ops.rebind(weights, ops.to(weights, value.dtype));
  weights = ops.rebind(weights, ops.dropout(weights, dropout));
  return ops.leave([ops.keep(ops.matmul(weights, value)), weights]);
}

function betweenProductAndSoftmax(
  ops: Operations,
  product: Tensor,
  mask: Tensor | null,
  { causal, scales = false, masksInPlace = false }: RaisedAttention,
): Tensor {
  let scores = product;
  if (causal !== undefined) {
    const length = scores.shape[3]!;
    const allowed = ops.keep(ops.slice(ops.slice(ops.buffer(causal), 2, 0, length), 3, 0, length));
    const least = ops.keep(ops.create('to_copy', [], scores.dtype));
    scores = ops.rebind(scores, ops.where(allowed, scores, least));
  }
  if (mask !== null && masksInPlace) scores = ops.rebind(scores, ops.addInPlace(scores, mask));
  if (scales) scores = ops.rebind(scores, ops.mulScalar(scores));
  return mask === null || masksInPlace ? scores : ops.rebind(scores, ops.add(scores, mask));
}

/** `repeat_kv`: an expanded copy of the key or value heads where several query heads share one. */
export function repeatHeads(ops: Operations, x: Tensor, groups: number): Tensor {
  if (groups === 1) return x;
  const [batch, heads, length, size] = x.shape as readonly [number, number, number, number];
  const expanded = ops.expand(ops.unsqueeze(x, 2), [batch, heads, groups, length, size]);
  return ops.reshape(expanded, [batch, heads * groups, length, size]);
}

/** Eager attention of the Llama family: softmax in fp32, cast to the queries' type. */
export function groupedEagerAttention(ops: Operations, heads: AttentionHeads): [Tensor, Tensor] {
  const { query, key, value, mask, dropout } = heads;
  ops.enter([query, key, value, mask]);
  const groups = query.shape[1]! / key.shape[1]!;
  const keys = ops.keep(repeatHeads(ops, key, groups));
  const values = ops.keep(repeatHeads(ops, value, groups));
  let scores = ops.keep(ops.mulScalar(ops.matmul(query, ops.transpose(keys, 2, 3))));
  if (heads.softCap) {
    scores = ops.rebind(scores, ops.mulScalar(scores));
    scores = ops.rebind(scores, ops.tanh(scores));
    scores = ops.rebind(scores, ops.mulScalar(scores));
  }
  if (mask !== null) scores = ops.rebind(scores, ops.add(scores, mask));
  const probabilities = heads.softmaxAsIs ? ops.softmax(scores) : ops.to(ops.softmax(scores, float32), query.dtype);
  scores = ops.rebind(scores, probabilities);
  scores = ops.rebind(scores, ops.dropout(scores, dropout));
  const attended = ops.keep(ops.matmul(scores, values));
  return ops.leave([ops.contiguous(ops.transpose(attended, 1, 2)), scores]);
}
