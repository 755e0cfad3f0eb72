import { bool, float32, int64 } from '../dtype.js';
import type { DType } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/**
 * `_prepare_4d_causal_attention_mask_with_cache_position` of transformers 4.57 for a mask without padding: a float mask
 * [batch, 1, length, length].
 */
export const additiveCausalMask = (ops: Operations, attentionMask: Tensor, positions: Tensor, dtype: DType): Tensor => {
  ops.enter([attentionMask, positions]);
  const [batch, length] = attentionMask.shape as readonly [number, number];
  const square = [length, length];
  const full = ops.keep(ops.create('full', square, dtype));
  const upper = ops.rebind(full, ops.derive('triu', [], square, dtype));
  ops.drop(ops.derive('gt', [ops.create('arange', [length], int64)], square, bool));
  const mask = ops.rebind(upper, ops.derive('clone', [], [batch, 1, length, length], dtype));
  const sum = attentionMask.dtype.floating && attentionMask.dtype.bytes > dtype.bytes ? attentionMask.dtype : dtype;
  const padding = ops.keep(ops.derive('add', [], mask.shape, sum));
  ops.rebind(padding, ops.derive('eq', [], mask.shape, bool));
  ops.drop(ops.derive('masked_fill', [], mask.shape, dtype));
  return ops.leave(mask);
};

/** `AttentionMaskConverter._ignore_causal_mask_sdpa`: SDPA looks whether anything is masked, and finds nothing. */
export function findNothingMasked(ops: Operations, attentionMask: Tensor): void {
  ops.drop(ops.derive('all', [ops.derive('eq', [], attentionMask.shape, bool)], [], bool));
}

/**
 * `_update_causal_mask` of decoders that were not moved to the common mask functions: none for SDPA, a float mask for
 * eager attention.
 */
export function olderCausalMask(
  ops: Operations,
  attentionMask: Tensor,
  positions: Tensor,
  dtype: DType,
): Tensor | null {
  if (ops.attention === 'eager') return additiveCausalMask(ops, attentionMask, positions, dtype);
  if (ops.attention === 'sdpa') findNothingMasked(ops, attentionMask);
  return null;
}

/** `torch.ones` where the model was given no attention mask, in fp32. */
export const ownAttentionMask = (ops: Operations, batch: number, length: number): Tensor =>
  ops.create('ones', [batch, length], float32);

/** `(1 - mask) * least`: a mask [batch, 1, 1, length] that is added to scores. */
export const invertedMask = module((ops, attentionMask: Tensor, like: Tensor): Tensor => {
  const [batch, length] = attentionMask.shape as readonly [number, number];
  const extended = ops.keep(ops.derive('to_copy', [], [batch, 1, 1, length], like.dtype));
  const inverted = ops.derive('rsub', [], extended.shape, like.dtype);
  return ops.derive('mul', [inverted], extended.shape, like.dtype);
});

/** `AttentionMaskConverter._expand_mask`: a float mask [batch, 1, queries, keys]. */
export function expandedMask(ops: Operations, mask: Tensor, queries: number, dtype: DType): Tensor {
  ops.enter([mask]);
  const [batch, keys] = mask.shape as readonly [number, number];
  const shape = [batch, 1, queries, keys];
  ops.keep(ops.derive('to_copy', [], shape, dtype));
  const inverted = ops.keep(ops.derive('rsub', [], shape, dtype));
  return ops.leave(ops.derive('masked_fill', [ops.derive('to_copy', [], shape, bool)], inverted.shape, dtype));
}

/** The same as `additiveCausalMask` in the way of classes with a sliding window (Phi-3.5-MoE). */
export function slidingCausalMask(ops: Operations, attentionMask: Tensor, dtype: DType, windowed: boolean): Tensor {
  ops.enter([attentionMask]);
  const [batch, length] = attentionMask.shape as readonly [number, number];
  const square = [length, length];
  const full = ops.keep(ops.create('full', square, dtype));
  ops.keep(ops.derive('gt', [ops.create('arange', [length], int64)], square, bool));
  if (windowed) {
    const before = [ops.create('arange', [length], int64), ops.create('sub', [length], int64)];
    ops.keep(ops.derive('le', before, square, bool));
  }
  const mask = ops.rebind(full, ops.derive('clone', [], [batch, 1, length, length], dtype));
  const padding = ops.keep(ops.derive('add', [], mask.shape, dtype));
  ops.rebind(padding, ops.derive('eq', [], mask.shape, bool));
  ops.drop(ops.derive('masked_fill', [], mask.shape, dtype));
  return ops.leave(mask);
}
