import { bool } from '../dtype.js';
import type { DType } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';

/**
 * The mask of an encoder for an attention mask without padding: SDPA finds nothing masked; eager attention gets an
 * additive mask [batch, 1, 1, length] (`get_extended_attention_mask`).
 */
export function encoderMask(ops: Operations, attentionMask: Tensor, dtype: DType): Tensor | null {
  if (ops.attention === 'eager') return additiveMask(ops, attentionMask, dtype);
  if (ops.attention === 'sdpa') {
    const ones = ops.derive('eq', [], attentionMask.shape, bool);
    ops.drop(ops.derive('all', [ones], [], bool));
  }
  return null;
}

function additiveMask(ops: Operations, attentionMask: Tensor, dtype: DType): Tensor {
  const [batch, length] = attentionMask.shape as readonly [number, number];
  ops.enter([attentionMask]);
  const extended = ops.keep(ops.derive('to_copy', [], [batch, 1, 1, length], dtype));
  const inverted = ops.derive('rsub', [], extended.shape, dtype);
  return ops.leave(ops.derive('mul', [inverted], extended.shape, dtype));
}
