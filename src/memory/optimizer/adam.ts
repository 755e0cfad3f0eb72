import { float32 } from '../../model/dtype.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Optimizer } from './optimizer.js';
import { foreachTemporaries, groupsByType, releaseAll, state, stateLike } from './optimizer.js';

const FOREACH_SQRT = operation('foreach_sqrt');
const FOREACH_ADD = operation('foreach_add');
const SQRT = operation('sqrt');
const DIV = operation('div');

export type NativeImplementation = 'foreach' | 'fused' | 'for-loop';

export interface AdamOptions {
  implementation: NativeImplementation;
  amsgrad: boolean;
  /** Weight decay that is added to the gradients (Adam), not to the weights (AdamW). */
  coupledDecay: boolean;
}

/** torch.optim.Adam and AdamW of PyTorch 2.9 (torch/optim/adam.py). Moments are in the parameter's type. */
export function adam(options: AdamOptions): Optimizer {
  const moments = new Set<EngineTensor>();
  const begin = (engine: Engine, parameter: EngineTensor): void => {
    if (moments.has(parameter)) return;
    moments.add(parameter);
    if (options.implementation === 'fused') state(engine, [], float32);
    stateLike(engine, parameter);
    stateLike(engine, parameter);
    if (options.amsgrad) stateLike(engine, parameter);
  };
  return {
    step: (engine, parameters) => {
      for (const parameter of parameters) begin(engine, parameter);
      if (options.implementation === 'foreach')
        for (const group of groupsByType(parameters)) foreach(engine, group, options);
      if (options.implementation === 'for-loop') forLoop(engine, parameters);
    },
  };
}

/** Denominators of all parameters at once: +1 times their size. */
function foreach(engine: Engine, parameters: readonly EngineTensor[], { coupledDecay }: AdamOptions): void {
  const gradients = coupledDecay ? foreachTemporaries(engine, parameters, FOREACH_ADD) : [];
  const denominators = foreachTemporaries(engine, parameters, FOREACH_SQRT);
  releaseAll(engine, denominators);
  releaseAll(engine, gradients);
}

/** The denominator of the parameter before dies once the new one is there. */
function forLoop(engine: Engine, parameters: readonly EngineTensor[]): void {
  let previous: EngineTensor | null = null;
  for (const parameter of parameters) {
    const root = engine.emptyLike(parameter, SQRT);
    const denominator = engine.hold(engine.emptyLike(parameter, DIV));
    engine.consume(root);
    if (previous !== null) engine.release(previous);
    previous = denominator;
  }
  if (previous !== null) engine.release(previous);
}
