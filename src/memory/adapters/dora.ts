import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod, BesideLayer } from './adapter-method.js';

const DEFAULT_RANK = 8;

type Factors = readonly [down: Tensor, up: Tensor];

/** Lengths of the rows of the whole weight with its change, for which that change is made of an identity matrix. */
function rowLengths({ ops, layer, dtype }: BesideLayer, weight: Tensor, [down, up]: Factors): Tensor {
  const identity = ops.create('eye', [layer.inFeatures, layer.inFeatures], dtype);
  const change = ops.keep(ops.linearWith(ops.linearWith(identity, down, null), up, null));
  const own = ops.keep(ops.to(weight, dtype));
  const whole = ops.noGrad(() => ops.add(own, ops.mulScalar(ops.transpose(change, 0, 1))));
  return ops.keep(ops.noGrad(() => ops.vectorNorm(whole, [1], false)));
}

/**
 * DoRA (`DoraLinearLayer` of peft): low-rank factors and a learned length for each row of the weight. With dropout the
 * layer's own product is made a second time, of the input with gaps and of a copy of the weight in the adapter's type.
 */
export const dora: AdapterMethod = (beside) => {
  const { ops, layer, dtype, dropout } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  const down = beside.trained([rank, layer.inFeatures]);
  const up = beside.trained([layer.outFeatures, rank]);
  const lengths = beside.trained([layer.outFeatures]);
  const change = (input: Tensor, result: Tensor): Tensor => {
    ops.enter([input, result]);
    const norm = rowLengths(beside, beside.weight(), [down, up]);
    const ratio = ops.keep(ops.div(lengths, norm));
    const low = ops.keep(ops.linearWith(ops.linearWith(input, down, null), up, null));
    const again = (): Tensor => ops.keep(ops.linearWith(input, ops.to(beside.weight(), dtype), null));
    const own = dropout === 0 ? result : again();
    const base = ops.mul(ops.addScalar(ratio), own);
    return ops.leave(ops.add(base, ops.mulScalar(ops.mul(ratio, low))));
  };
  return (x, base) => {
    ops.enter([x]);
    const result = ops.keep(base(x));
    const input = ops.keep(ops.to(x, dtype));
    const dropped = ops.dropout(input, dropout);
    const sum = ops.rebind(result, ops.add(result, change(dropped, result)));
    return ops.leave(ops.to(sum, result.dtype));
  };
};
