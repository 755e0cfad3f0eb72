import type { Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

/** A `torch.autograd.Function`: how it is computed, and what its backward allocates and gives for each input. */
export interface CustomFunction {
  name: string;
  inputs: readonly Tensor[];
  /** `ctx.save_for_backward` */
  saves: readonly Tensor[];
  forward: () => Tensor;
  /** Gradients of the inputs; autocast is off and nothing is recorded. */
  backward: (gradient: Tensor) => readonly (Tensor | null)[];
}

/** Runs a function of a library's own, whose operations autograd does not see. */
export function customFunction(engine: Engine, { name, inputs, saves, forward, backward }: CustomFunction): Tensor {
  const formula: Formula = {
    operation: operation(name),
    apply: (_, node) => withoutGradient(engine, () => backward(node.gradient)) as readonly (EngineTensor | null)[],
  };
  const node = engine.record(formula, inputs as readonly EngineTensor[]);
  for (const tensor of saves) engine.save(node, tensor as EngineTensor);
  const out = withoutGradient(engine, forward) as EngineTensor;
  return engine.attach(out, node);
}

function withoutGradient<R>(engine: Engine, body: () => R): R {
  const { gradEnabled } = engine;
  engine.gradEnabled = false;
  const result = body();
  engine.gradEnabled = gradEnabled;
  return result;
}
