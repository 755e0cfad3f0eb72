import { int64 } from '../../model/dtype.js';
import type { AdapterMethod, BesideLayer } from './adapter-method.js';
import { added } from './adapter-method.js';
import type { Tensor } from '../../model/operations.js';

const DEFAULT_RANK = 32;

/** `get_matrix`: the rotation that elements above the diagonal make, stretched on both sides. */
function rotation({ ops, dtype }: BesideLayer, parts: readonly [Tensor, Tensor, Tensor], rank: number): Tensor {
  ops.enter([]);
  const [elements, before, after] = parts;
  const shape = [rank, rank];
  const zeros = ops.keep(ops.create('zeros', shape, dtype));
  const filled = ops.rebind(zeros, ops.indexPutInPlace(zeros, [], elements));
  const skew = ops.keep(ops.sub(filled, ops.transpose(filled, 0, 1)));
  const identity = ops.keep(ops.create('eye', shape, dtype));
  const left = ops.keep(ops.sub(identity, skew));
  let whole = ops.keep(ops.mm(ops.add(identity, skew), left));
  whole = ops.rebind(whole, ops.mul(ops.view(before, [rank, 1]), whole));
  return ops.leave(ops.rebind(whole, ops.mul(whole, ops.view(after, [1, rank]))));
}

/** PSOFT: a rotation within the subspace of the weight's largest singular vectors, which are kept beside it. */
export const psoft: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  const elements = beside.trained([(rank * (rank - 1)) / 2]);
  const before = beside.trained([rank]);
  const after = beside.trained([rank]);
  beside.kept([2, elements.shape[0]!], int64);
  const down = beside.kept([rank, layer.inFeatures], dtype);
  const up = beside.kept([layer.outFeatures, rank], dtype);
  return added(beside, (input) => {
    ops.enter([input]);
    const inner = ops.keep(ops.linearWith(ops.dropout(input, beside.dropout), down, null));
    const turned = ops.keep(ops.linearWith(inner, rotation(beside, [elements, before, after], rank), null));
    const change = ops.keep(ops.linearWith(ops.sub(turned, inner), up, null));
    return ops.leave(ops.mulScalar(change));
  });
};
