import { float32 } from '../dtype.js';
import type { Parameter } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';

/** Hugging Face's RMSNorm in Python: fp32 inside, back to the input's type before the weight. */
export function rmsNorm(ops: Operations, x: Tensor, weight: Parameter): Tensor {
  ops.enter([x]);
  let h = ops.keep(ops.to(x, float32));
  const variance = ops.keep(ops.mean(ops.pow(h, 2), [-1], true));
  h = ops.rebind(h, ops.mul(h, ops.rsqrt(ops.addScalar(variance))));
  return ops.leave(ops.mul(ops.parameter(weight), ops.to(h, x.dtype)));
}
