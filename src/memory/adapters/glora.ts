import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod } from './adapter-method.js';

const DEFAULT_RANK = 4;

/** GLoRA: the weight is scaled and shifted by two low-rank products, as a weight of its own beside the layer's. */
export const gLora: AdapterMethod = (beside) => {
  const { ops, layer } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  const path = (): (() => Tensor) => {
    const left = beside.trained([layer.outFeatures, rank]);
    const right = beside.trained([rank, layer.inFeatures]);
    return () => ops.mm(left, right);
  };
  const [scale, shift] = [path(), path()];
  for (const size of [layer.inFeatures, layer.outFeatures, layer.outFeatures]) beside.kept([size]);
  return (x, base) => {
    ops.enter([x]);
    const plain = ops.keep(base(x));
    const own = ops.keep(beside.weight());
    const scaling = ops.keep(ops.to(scale(), own.dtype));
    const shifting = ops.keep(ops.to(shift(), own.dtype));
    const whole = ops.keep(ops.add(ops.add(own, ops.mul(own, scaling)), shifting));
    const adapted = ops.keep(ops.linearWith(x, whole, null));
    let result = ops.keep(ops.add(plain, adapted));
    result = ops.rebind(result, ops.sub(result, ops.mulScalar(plain)));
    return ops.leave(ops.to(result, plain.dtype));
  };
};
