import type { Engine } from './autograd/engine.js';
import type { Optimizer } from './optimizer/optimizer.js';

/** Runs something whose tensors lie in the host's memory, if the run says so. */
export function onHost<R>(engine: Engine, offloads: boolean, act: () => R): R {
  const before = engine.onHost;
  engine.onHost = before || offloads;
  const result = act();
  engine.onHost = before;
  return result;
}

/** An optimizer that has its states and temporaries in the host's memory and steps there. */
export function optimizerOnHost(optimizer: Optimizer): Optimizer {
  return {
    begin: (engine, parameters) => onHost(engine, true, () => optimizer.begin?.(engine, parameters)),
    step: (engine, parameters) => onHost(engine, true, () => optimizer.step(engine, parameters)),
  };
}
