import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

const HOOK = operation('hook');

/** The same tensor behind a node that acts when its gradient is complete and passes it on. */
export function onGradient(engine: Engine, tensor: EngineTensor, act: (gradient: EngineTensor) => void): EngineTensor {
  const formula: Formula = {
    operation: HOOK,
    apply: (_, node) => {
      act(node.gradient);
      return [node.gradient];
    },
  };
  const node = engine.record(formula, [tensor]);
  const same = engine.viewOf(tensor, tensor.shape, tensor.strides);
  same.isView = tensor.isView;
  return engine.attach(same, node);
}

/** Runs with another stream as the current one. */
export function onStream<R>(engine: Engine, stream: number, act: () => R): R {
  const before = engine.stream;
  engine.stream = stream;
  const result = act();
  engine.stream = before;
  return result;
}
