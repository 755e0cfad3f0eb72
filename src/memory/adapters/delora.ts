import type { AdapterMethod } from './adapter-method.js';
import type { Tensor } from '../../model/operations.js';

const DEFAULT_RANK = 8;

/** DeLoRA: low-rank factors of unit length, scaled by a learned bound and by the lengths of the weight's columns. */
export const deLora: AdapterMethod = (beside) => {
  const { ops, layer } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  const down = beside.trained([rank, layer.inFeatures]);
  const up = beside.trained([layer.outFeatures, rank]);
  const bound = beside.trained([1]);
  const lengths = beside.kept([layer.inFeatures], beside.dtype);
  /** `torch.clamp(x.norm(dim), min=...)` */
  const clampedNorm = (factor: Tensor, dim: number): Tensor => ops.clamp(ops.vectorNorm(factor, [dim], false));
  return (x, base) => {
    ops.enter([x]);
    const result = ops.keep(base(x));
    const change = ops.keep(ops.create('zeros_like', result.shape, result.dtype));
    let h = ops.keep(ops.linearWith(ops.mul(ops.dropout(x, beside.dropout), lengths), down, null));
    const ofDown = ops.keep(clampedNorm(down, 1));
    const ofUp = ops.keep(clampedNorm(up, 0));
    const scaling = ops.keep(ops.div(ops.mulScalar(bound), ops.mul(ofDown, ofUp)));
    h = ops.rebind(h, ops.mul(h, scaling));
    h = ops.rebind(h, ops.linearWith(h, up, null));
    const sum = ops.rebind(change, ops.addInPlace(change, h));
    const out = ops.keep(ops.add(result, ops.to(sum, result.dtype)));
    return ops.leave(ops.to(out, x.dtype));
  };
};
