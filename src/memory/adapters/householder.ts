import { float32 } from '../../model/dtype.js';
import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod } from './adapter-method.js';

const DEFAULT_RANK = 8;

/** HRA: the weight is turned by a chain of reflections, each of which keeps the product so far. */
export const householder: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const { inFeatures } = layer;
  const rank = beside.rank ?? DEFAULT_RANK;
  const vectors = beside.trained([inFeatures, rank]);
  const reflected = (): Tensor => {
    ops.enter([]);
    const units = ops.keep(ops.div(vectors, ops.vectorNorm(vectors, [0], false)));
    let product = ops.keep(ops.create('eye', [inFeatures, inFeatures], dtype));
    for (let i = 0; i < rank; i++) {
      const unit = ops.keep(ops.reshape(ops.select(units, 1), [inFeatures, 1]));
      const outer = ops.mm(ops.mm(ops.mulScalar(product), unit), ops.transpose(unit, 0, 1));
      product = ops.rebind(product, ops.sub(product, outer));
    }
    return ops.leave(product);
  };
  return (x) => {
    ops.enter([x]);
    let whole = ops.keep(ops.create('eye', [inFeatures, inFeatures], float32));
    const turn = ops.keep(reflected());
    whole = ops.rebind(whole, ops.mm(whole, turn));
    const own = ops.keep(ops.to(beside.weight(), dtype));
    whole = ops.rebind(whole, ops.mm(own, whole));
    const input = ops.keep(ops.to(x, dtype));
    const result = ops.keep(ops.linearWith(input, whole, null));
    return ops.leave(ops.to(result, x.dtype));
  };
};
