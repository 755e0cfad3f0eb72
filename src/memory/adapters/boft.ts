import type { Tensor } from '../../model/operations.js';
import { float32 } from '../../model/dtype.js';
import type { AdapterMethod, BesideLayer } from './adapter-method.js';
import { requireBlocks } from './adapter-method.js';

const BLOCK = 4;

/** `cayley_batch`: the rotations of all blocks, from one solution of a linear system for each. */
function cayley({ ops, dtype }: BesideLayer, elements: Tensor): Tensor {
  ops.enter([elements]);
  const { shape } = elements;
  const skew = ops.keep(ops.mulScalar(ops.sub(elements, ops.transpose(elements, 1, 2))));
  const identity = ops.keep(ops.create('eye', shape.slice(1), dtype));
  const [right, left] = [ops.sub(identity, skew), ops.add(identity, skew)];
  ops.keep(right);
  ops.keep(left);
  return ops.leave(ops.bmm(left, right));
}

/** BOFT with one factor (without the CUDA extension): the input is turned by a matrix as wide as it, made anew. */
export const boft: AdapterMethod = (beside) => {
  const { ops, layer } = beside;
  const { inFeatures: width, outFeatures } = layer;
  requireBlocks('boft', layer, BLOCK, [width]);
  const count = width / BLOCK;
  const order = beside.kept([1, width, width], float32);
  const elements = beside.trained([1, count, BLOCK, BLOCK]);
  const scale = beside.trained([outFeatures, 1]);
  const rotation = (x: Tensor): Tensor => {
    ops.enter([x]);
    const blocks = ops.keep(cayley(beside, ops.view(elements, [count, BLOCK, BLOCK])));
    const diagonal = ops.keep(ops.rearranged([blocks], 'block_diag', [1, width, width]));
    const permutation = ops.keep(ops.to(order, x.dtype));
    const cast = ops.rebind(diagonal, ops.to(diagonal, x.dtype));
    const once = ops.keep(ops.bmm(cast, ops.transpose(permutation, 1, 2)));
    const twice = ops.rebind(once, ops.bmm(permutation, once));
    return ops.leave(ops.select(twice, 0));
  };
  return (x, base) => {
    ops.enter([x]);
    const identity = ops.keep(ops.create('eye', [width, width], x.dtype));
    const ones = ops.keep(ops.create('ones', [outFeatures, 1], x.dtype));
    const turn = ops.keep(rotation(x));
    const whole = ops.rebind(identity, ops.mm(turn, identity));
    const scales = ops.rebind(ones, ops.mul(scale, ones));
    const rotated = ops.keep(ops.linearWith(x, ops.transpose(whole, 0, 1), null));
    const plain = ops.keep(base(rotated));
    const result = ops.rebind(plain, ops.mul(plain, ops.view(scales, [outFeatures])));
    return ops.leave(ops.to(result, x.dtype));
  };
};
