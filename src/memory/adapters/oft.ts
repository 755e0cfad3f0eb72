import type { Tensor } from '../../model/operations.js';
import { int64 } from '../../model/dtype.js';
import type { AdapterMethod, BesideLayer } from './adapter-method.js';

const DEFAULT_BLOCK = 32;
/** Products of the Neumann series by which the rotation is approximated (`num_cayley_neumann_terms` 5). */
const FURTHER_POWERS = 1;

/** The largest divisor of a width up to a size (`adjust_oft_parameters` takes the nearest). */
function nearestDivisor(width: number, wanted: number): number {
  if (width % wanted === 0) return wanted;
  let lower = wanted;
  let higher = wanted;
  while (lower > 1 && width % lower !== 0) lower--;
  while (higher <= width && width % higher !== 0) higher++;
  return wanted - lower <= higher - wanted ? lower : higher;
}

/** The rotations of all blocks, from the elements above the diagonal of skew-symmetric matrices. */
function rotations({ ops, dtype }: BesideLayer, elements: Tensor, positions: Tensor, block: number) {
  ops.enter([elements]);
  const count = elements.shape[0]!;
  const shape = [count, block, block];
  const zeros = ops.keep(ops.create('zeros', shape, dtype));
  const filled = ops.rebind(zeros, ops.indexPutInPlace(zeros, [positions], elements));
  const skew = ops.rebind(filled, ops.sub(filled, ops.transpose(filled, 1, 2)));
  const identity = ops.create('eye', [block, block], dtype);
  let sum = ops.keep(ops.derive('repeat', [identity], shape, dtype));
  sum = ops.rebind(sum, ops.addScaledInPlace(sum, skew));
  const square = ops.keep(ops.bmm(skew, skew));
  sum = ops.rebind(sum, ops.addScaledInPlace(sum, square));
  let power = square;
  for (let i = 0; i < FURTHER_POWERS; i++) {
    power = power === square ? ops.keep(ops.bmm(power, skew)) : ops.rebind(power, ops.bmm(power, skew));
    sum = ops.rebind(sum, ops.addScaledInPlace(sum, power));
  }
  power = ops.rebind(power, ops.bmm(power, skew));
  return ops.leave(ops.rebind(sum, ops.addInPlace(sum, power)));
}

/** OFT: blocks of the input are turned before the layer; what is trained are the rotations' elements. */
export const oft: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const block = nearestDivisor(layer.inFeatures, beside.rank ?? DEFAULT_BLOCK);
  const count = layer.inFeatures / block;
  const size = (block * (block - 1)) / 2;
  const elements = beside.trained([count, size]);
  const positions = beside.kept([2, size], int64);
  /** `einsum("...rk,rkc->...rc")`: a product for each block. */
  const turned = (x: Tensor, rotation: Tensor): Tensor => {
    const rows = ops.reshape(x, [-1, count, block]);
    const product = ops.bmm(ops.transpose(rows, 0, 1), rotation);
    return ops.reshape(ops.transpose(product, 0, 1), x.shape);
  };
  return (x, base) => {
    ops.enter([x]);
    const input = ops.keep(ops.to(x, dtype));
    const rotation = ops.keep(rotations(beside, elements, positions, block));
    const rotated = ops.keep(turned(input, rotation));
    ops.drop(rotation);
    return ops.leave(ops.to(ops.keep(base(ops.to(rotated, x.dtype))), x.dtype));
  };
};
