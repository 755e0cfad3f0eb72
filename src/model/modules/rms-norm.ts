import { float32 } from '../dtype.js';
import type { Parameter } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';

export type Norm = (ops: Operations, x: Tensor, weight: Parameter) => Tensor;

/** Kernels that bring a norm of their own: it keeps its input and one number for each row. */
const NORM_KERNELS = ['liger', 'unsloth', 'fused-norms'];

/** Hugging Face's RMSNorm in Python: fp32 inside, back to the input's type before the weight. */
export function rmsNorm(ops: Operations, x: Tensor, weight: Parameter): Tensor {
  if (NORM_KERNELS.some((kernel) => ops.kernels.has(kernel))) return ops.rmsNormWith(x, ops.parameter(weight), 1);
  ops.enter([x]);
  let h = ops.keep(ops.to(x, float32));
  const variance = ops.keep(ops.mean(ops.pow(h, 2), [-1], true));
  h = ops.rebind(h, ops.mul(h, ops.rsqrt(ops.addScalar(variance))));
  return ops.leave(ops.mul(ops.parameter(weight), ops.to(h, x.dtype)));
}

/** Gemma's RMSNorm: multiplied by one plus the weight, in fp32 to the end. */
export function gemmaNorm(ops: Operations, x: Tensor, weight: Parameter): Tensor {
  ops.enter([x]);
  let out = ops.keep(normalised(ops, ops.to(x, float32)));
  out = ops.rebind(out, ops.mul(out, ops.addScalar(ops.to(ops.parameter(weight), float32))));
  return ops.leave(ops.to(out, x.dtype));
}

/** `x * rsqrt(mean(x ** 2) + eps)` */
export function normalised(ops: Operations, x: Tensor): Tensor {
  ops.enter([x]);
  return ops.leave(ops.mul(x, ops.rsqrt(ops.addScalar(ops.mean(ops.pow(x, 2), [-1], true)))));
}
