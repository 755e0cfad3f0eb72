import type { DType } from '../../model/dtype.js';
import { bfloat16 } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Optimizer } from './optimizer.js';
import { stateLike } from './optimizer.js';

/** Steps of the Newton-Schulz iteration (torch/optim/_muon.py). */
const ITERATIONS = 5;

const made = (engine: Engine, shape: Shape, dtype: DType, name: string): EngineTensor =>
  engine.hold(engine.empty(shape, dtype, operation(name)));

/**
 * torch.optim.Muon of PyTorch 2.9 for the matrices of hidden layers, one after another: momentum, and an update made
 * orthogonal in bf16. Everything else is left to another optimizer.
 */
export function muon(isHidden: (parameter: EngineTensor) => boolean, others: Optimizer): Optimizer {
  const momenta = new Set<EngineTensor>();
  return {
    step: (engine, parameters) => {
      const matrices = parameters.filter((parameter) => parameter.shape.length === 2 && isHidden(parameter));
      for (const parameter of matrices) {
        if (momenta.has(parameter)) continue;
        momenta.add(parameter);
        stateLike(engine, parameter);
      }
      let update: EngineTensor | null = null;
      for (const parameter of matrices) update = orthogonalUpdate(engine, parameter, update);
      if (update !== null) engine.release(update);
      const taken = new Set(matrices);
      others.step(
        engine,
        parameters.filter((parameter) => !taken.has(parameter)),
      );
    },
  };
}

/** The update of the parameter before dies once the new one is there. Returns the update, held. */
function orthogonalUpdate(engine: Engine, parameter: EngineTensor, previous: EngineTensor | null): EngineTensor {
  const direction = engine.hold(engine.emptyLike(parameter, operation('lerp')));
  if (previous !== null) engine.release(previous);
  const start = direction.dtype === bfloat16 ? engine.hold(direction) : engine.hold(lowered(engine, direction));
  for (const scalar of ['linalg_vector_norm', 'clamp'].map((name) => made(engine, [], bfloat16, name)))
    engine.release(scalar);
  const result = newtonSchulz(engine, start);
  engine.release(direction);
  return result;
}

const lowered = (engine: Engine, direction: EngineTensor): EngineTensor =>
  engine.emptyLike(direction, operation('to_copy'), bfloat16);

/** Each name's old value dies when the new one exists. Takes `start` over. */
function newtonSchulz(engine: Engine, start: EngineTensor): EngineTensor {
  const [rows = 1, columns = 1] = start.shape;
  const small = Math.min(rows, columns);
  const names: Record<'gram' | 'polynomial', EngineTensor | null> = { gram: null, polynomial: null };
  const bind = (name: 'gram' | 'polynomial', operationName: string): void => {
    const old = names[name];
    names[name] = made(engine, [small, small], bfloat16, operationName);
    if (old !== null) engine.release(old);
  };
  let current = start;
  for (let i = 0; i < ITERATIONS; i++) {
    bind('gram', 'mm');
    bind('polynomial', 'addmm');
    const next = made(engine, start.shape, bfloat16, 'addmm');
    engine.release(current);
    current = next;
  }
  for (const tensor of Object.values(names)) if (tensor !== null) engine.release(tensor);
  return current;
}
