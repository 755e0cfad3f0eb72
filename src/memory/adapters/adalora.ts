import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod } from './adapter-method.js';

/** Rank that training begins with (peft/tuners/adalora/config.py `init_r`). */
const INITIAL_RANK = 12;

/** AdaLoRA (`SVDLinear` of peft): `x @ (A * E).T @ B.T`, scaled and divided by the rank that is left. */
export const adaLora: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const rank = beside.rank ?? INITIAL_RANK;
  const down = beside.trained([rank, layer.inFeatures]);
  const up = beside.trained([layer.outFeatures, rank]);
  const lengths = beside.trained([rank, 1]);
  const left = beside.kept([1]);
  return (x, base) => {
    ops.enter([x]);
    const result = ops.keep(base(x));
    const rankNow = ops.keep(ops.addScalar(left));
    const input: Tensor = ops.keep(ops.to(x, dtype));
    const inner = ops.linearWith(ops.dropout(input, beside.dropout), ops.mul(down, lengths), null);
    const change = ops.div(ops.mulScalar(ops.linearWith(inner, up, null)), rankNow);
    return ops.leave(ops.rebind(result, ops.addInPlace(result, change)));
  };
};
