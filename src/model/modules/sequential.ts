import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** One step of a `nn.Sequential`. */
export type Step = (ops: Operations, x: Tensor) => Tensor;

/** `nn.Sequential`: the name of the running value is bound anew after each step; the input lives to the end. */
export function sequential(steps: readonly Step[]): Step {
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(x);
    for (const step of steps) h = ops.rebind(h, step(ops, h));
    return h;
  });
}
