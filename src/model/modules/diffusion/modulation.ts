import { float16 } from '../../dtype.js';
import type { Normalisation, Scope } from '../../module-tree.js';
import type { Operations, Tensor } from '../../operations.js';
import { module } from '../../operations.js';

/** `nn.LayerNorm(..., elementwise_affine=False)` */
export const PLAIN_NORM: Normalisation = { weight: null, bias: null };

/** `tensor.chunk(count, dim=-1)`, each part a name. */
export function chunks<N extends readonly Tensor[]>(ops: Operations, x: Tensor, count: number): N {
  const last = x.shape.length - 1;
  const size = x.shape[last]! / count;
  const parts = ops.split(x, new Array<number>(count).fill(size), last);
  return parts.map((part) => ops.keep(part)) as readonly Tensor[] as N;
}

/** fp16 is kept from overflowing. */
export const clippedIfHalf = (ops: Operations, x: Tensor): Tensor =>
  x.dtype === float16 ? ops.rebind(x, ops.clamp(x)) : x;

/** `AdaLayerNormContinuous` without affine parameters of its own. */
export function continuousNorm(
  scope: Scope,
  widths: { condition: number; width: number; bias: boolean },
): (ops: Operations, x: Tensor, emb: Tensor) => Tensor {
  const { condition, width, bias } = widths;
  const linear = scope.linear('linear', condition, 2 * width, { bias });
  return module((ops, x: Tensor, emb: Tensor): Tensor => {
    const conditioned = ops.to(ops.silu(emb), x.dtype);
    const both = ops.keep(ops.linear(conditioned, linear));
    const [scale, shift] = chunks<readonly [Tensor, Tensor]>(ops, both, 2);
    const scaled = ops.mul(ops.layerNorm(x, PLAIN_NORM), ops.unsqueeze(ops.addScalar(scale), 1));
    return ops.add(scaled, ops.unsqueeze(shift, 1));
  });
}
