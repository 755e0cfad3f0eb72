import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { NativeImplementation } from './adam.js';
import type { Optimizer } from './optimizer.js';
import { foreachTemporaries, groupsByType, releaseAll, stateLike } from './optimizer.js';

const FOREACH_ADD = operation('foreach_add');
const ADD = operation('add');
const CLONE = operation('clone');

export interface SgdOptions {
  implementation: NativeImplementation;
  momentum: boolean;
  weightDecay: boolean;
}

/** torch.optim.SGD of PyTorch 2.9 (torch/optim/sgd.py): the momentum buffer is a copy of the first gradient. */
export function sgd(options: SgdOptions): Optimizer {
  const buffers = new Set<EngineTensor>();
  const begin = (engine: Engine, parameter: EngineTensor): void => {
    if (!options.momentum || buffers.has(parameter)) return;
    buffers.add(parameter);
    stateLike(engine, parameter, CLONE);
  };
  return {
    step: (engine, parameters) => {
      if (options.implementation !== 'foreach') {
        for (const parameter of parameters) single(engine, parameter, options, begin);
        return;
      }
      for (const group of groupsByType(parameters)) {
        const decayed = options.weightDecay ? foreachTemporaries(engine, group, FOREACH_ADD) : [];
        for (const parameter of group) begin(engine, parameter);
        releaseAll(engine, decayed);
      }
    },
  };
}

/** One parameter at a time: fused decays inside the kernel, the loop makes one decayed gradient. */
function single(
  engine: Engine,
  parameter: EngineTensor,
  options: SgdOptions,
  begin: (engine: Engine, parameter: EngineTensor) => void,
): void {
  const decays = options.weightDecay && options.implementation === 'for-loop';
  const decayed = decays ? engine.hold(engine.emptyLike(parameter, ADD)) : null;
  begin(engine, parameter);
  if (decayed !== null) engine.release(decayed);
}
