import { int32 } from '../../model/dtype.js';
import type { AdapterMethod } from './adapter-method.js';

const DEFAULT_RANK = 32;

/** SHiRA: some elements of the weight are trained, in a copy of the whole weight that each pass makes. */
export const shira: AdapterMethod = (beside) => {
  const { ops, layer } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  const count = rank * (layer.inFeatures + layer.outFeatures);
  const elements = beside.trained([count]);
  const places = beside.kept([2, count], int32);
  return (x) => {
    ops.enter([x]);
    const own = beside.weight();
    const whole = ops.keep(ops.clone(own));
    const changed = ops.rebind(whole, ops.sparseAddInPlace(whole, ops.mulScalar(elements), places));
    return ops.leave(ops.linearWith(x, changed, null));
  };
};
