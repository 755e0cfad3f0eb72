import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Optimizer } from './optimizer.js';
import { foreachTemporaries, groupsByType, releaseAll, stateLike } from './optimizer.js';

const FOREACH_SQRT = operation('foreach_sqrt');
const FOREACH_ADD = operation('foreach_add');

export interface RmspropOptions {
  momentum: boolean;
  weightDecay: boolean;
}

/** torch.optim.RMSprop of PyTorch 2.9, foreach (torch/optim/rmsprop.py). */
export function rmsprop({ momentum, weightDecay }: RmspropOptions): Optimizer {
  const averages = new Set<EngineTensor>();
  return {
    step: (engine, parameters) => {
      for (const parameter of parameters) {
        if (averages.has(parameter)) continue;
        averages.add(parameter);
        stateLike(engine, parameter);
        if (momentum) stateLike(engine, parameter);
      }
      for (const group of groupsByType(parameters)) {
        const decayed = weightDecay ? foreachTemporaries(engine, group, FOREACH_ADD) : [];
        releaseAll(engine, foreachTemporaries(engine, group, FOREACH_SQRT));
        releaseAll(engine, decayed);
      }
    },
  };
}
