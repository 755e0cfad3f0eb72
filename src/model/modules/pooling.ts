import type { Tensor, Operations } from '../operations.js';

/** `x = avgpool(x); x = flatten(x, 1)` where `x` is a local name. */
export function poolAndFlatten(ops: Operations, x: Tensor): Tensor {
  const pooled = ops.rebind(x, ops.adaptiveAvgPool2d(x, 1));
  return ops.rebind(pooled, ops.reshape(pooled, [pooled.shape[0]!, -1]));
}
