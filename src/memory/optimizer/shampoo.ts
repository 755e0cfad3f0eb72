import { float32 } from '../../model/dtype.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import type { Optimizer } from './optimizer.js';
import { state } from './optimizer.js';
import { Scratch } from './scratch.js';

/** For each side of a parameter its preconditioner, which begins as an identity in fp32, and the inverse root of it. */
function begin(engine: Engine, scratch: Scratch, { shape, dtype }: EngineTensor): void {
  for (const size of shape) {
    if (dtype !== float32) scratch.bind('eye', [size, size], float32);
    state(engine, [size, size], dtype);
    scratch.drop('eye');
    state(engine, [size, size], dtype);
  }
}

/** `compute_power_svd`: the root of a preconditioner by its singular values. */
function root(scratch: Scratch, size: number, dtype: EngineTensor['dtype']): void {
  const square = [size, size];
  scratch.bind('svd_u', square, dtype);
  scratch.bind('svd_s', [size], dtype);
  scratch.bind('svd_v', square, dtype);
  scratch.bind('scaled', square, dtype);
  scratch.bind('power', square, dtype);
  scratch.drop('scaled', 'svd_u', 'svd_s', 'svd_v', 'power');
}

/**
 * Shampoo (pytorch-optimizer): gradients are multiplied by the inverse roots of preconditioners, one for each side. The
 * result of the step before is kept, whatever the momentum.
 */
export function shampoo(): Optimizer {
  const results = new Map<EngineTensor, EngineTensor>();
  const begun = new Set<EngineTensor>();
  return {
    step: (engine, parameters) => {
      const scratch = new Scratch(engine);
      for (const parameter of parameters) {
        if (begun.has(parameter)) continue;
        begun.add(parameter);
        begin(engine, scratch, parameter);
      }
      for (const parameter of parameters) {
        const { shape, dtype } = parameter;
        shape.forEach((size, side) => {
          if (side > 0) scratch.bind('clone', shape, dtype);
          else scratch.drop('clone');
          scratch.drop('grad');
          root(scratch, size, dtype);
          if (side < shape.length - 1) scratch.bind('grad', shape, dtype);
        });
        const old = results.get(parameter);
        results.set(parameter, state(engine, shape, dtype));
        if (old !== undefined) engine.release(old);
      }
      scratch.end();
    },
  };
}
