import type { Returned } from '../model/operations.js';
import type { BlockCall } from './autograd/checkpoint.js';
import type { Engine } from './autograd/engine.js';
import { EngineTensor } from './autograd/graph.js';
import type { SavePolicy } from './autograd/kept-outputs.js';
import { operationName } from './autograd/operation-names.js';
import { onGradient } from './parallel/graph-hooks.js';
import { isProduct } from './save-policy.js';

/**
 * A call as `torch.compile` runs it: pointwise operations are written into the kernels that read them, backward keeps the
 * results of products and attention and computes the rest again (torch/_functorch/partitioners.py, min-cut; inductor's
 * fusion). With a policy of selective checkpointing, products that it does not keep are computed again, too.
 */
export function compiledCall(engine: Engine, call: BlockCall, policy: SavePolicy | null): BlockCall {
  return (args) => {
    const { fusing, recomputes } = engine;
    const inputs = args.map((argument) =>
      argument?.requiresGrad ? onGradient(engine, argument, () => undefined) : argument,
    );
    engine.fusing = true;
    engine.recomputes = policy && recomputing(policy);
    engine.enter(inputs);
    const result = engine.leave(call(inputs));
    commit(engine, result);
    engine.fusing = fusing;
    engine.recomputes = recomputes;
    return result;
  };
}

/** Counts the products of one call and says of each whether it is left to backward. */
function recomputing(policy: SavePolicy): (operationNumber: number) => boolean {
  let call = 0;
  return (number) => {
    const name = operationName(number);
    return isProduct(name) && !policy(name, ++call);
  };
}

function commit(engine: Engine, result: Returned): void {
  if (result === null) return;
  const tensors = result instanceof EngineTensor ? [result] : (result as readonly (EngineTensor | null)[]);
  for (const tensor of tensors) if (tensor !== null) engine.commit(tensor);
}
