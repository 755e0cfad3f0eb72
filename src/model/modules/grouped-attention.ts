import type { Operations, Tensor } from '../operations.js';
import type { AttentionHeads } from './eager-attention.js';
import { groupedEagerAttention, repeatHeads } from './eager-attention.js';

/**
 * `ALL_ATTENTION_FUNCTIONS` of transformers 4.57 for decoders with grouped heads: eager, or SDPA, which is asked to
 * share key heads itself where there is no mask and gets expanded ones where there is.
 */
export function groupedAttention(ops: Operations, heads: AttentionHeads): [Tensor, Tensor | null] {
  if (ops.attention === 'eager') return groupedEagerAttention(ops, heads);
  const { query, key, value, mask, dropout } = heads;
  ops.enter([query, key, value, mask]);
  const groups = query.shape[1]! / key.shape[1]!;
  const expands = mask !== null && ops.attention === 'sdpa';
  const keys = expands ? ops.keep(repeatHeads(ops, key, groups)) : key;
  const values = expands ? ops.keep(repeatHeads(ops, value, groups)) : value;
  const options = { mask, causal: mask === null, dropout, grouped: !expands };
  const attended = ops.keep(ops.scaledDotProductAttention(query, keys, values, options));
  return ops.leave([ops.contiguous(ops.transpose(attended, 1, 2)), null]);
}

/** The same for modules without key-value groups: SDPA is not asked to share heads. */
export function ungroupedAttention(ops: Operations, heads: AttentionHeads, causal = true): [Tensor, Tensor | null] {
  if (ops.attention === 'eager') return groupedEagerAttention(ops, heads);
  const { query, key, value, mask, dropout } = heads;
  ops.enter([query, key, value, mask]);
  const options = { mask, causal: causal && mask === null, dropout };
  const attended = ops.keep(ops.scaledDotProductAttention(query, key, value, options));
  return ops.leave([ops.contiguous(ops.transpose(attended, 1, 2)), null]);
}
