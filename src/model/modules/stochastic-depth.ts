import type { Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Step } from './sequential.js';

const same: Step = (_, x) => x;

/** torchvision's `StochasticDepth` by row: times one random number for each image. Nothing at probability 0. */
export function stochasticDepth(probability: number): Step {
  if (probability === 0) return same;
  return module((ops, x: Tensor): Tensor => {
    const shape = x.shape.map((size, dim) => (dim === 0 ? size : 1));
    const noise = ops.keep(ops.create('empty', shape, x.dtype));
    return ops.mul(x, noise);
  });
}
