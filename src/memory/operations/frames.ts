import type { NameOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';

/** Names within a call, and whether it is recorded for backward: what the code of layers and of adapters shares. */
export type FrameOperations = Pick<NameOperations, 'enter' | 'leave' | 'keep' | 'rebind' | 'drop' | 'noGrad'>;

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

export function frameOperations(engine: Engine): FrameOperations {
  return {
    enter: (args) => engine.enter(args),
    leave: (result) => engine.leave(result),
    keep: (value) => {
      engine.keep(own(value));
      return value;
    },
    rebind: (old, value) => engine.rebind(own(old), own(value)),
    drop: (value) => engine.drop(own(value)),
    noGrad: (body) => {
      const { gradEnabled } = engine;
      engine.gradEnabled = false;
      const result = body();
      engine.gradEnabled = gradEnabled;
      return result;
    },
  };
}
