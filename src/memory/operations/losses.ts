import { float32 } from '../../model/dtype.js';
import type { Parameter, Shape } from '../../model/module-tree.js';
import type { LossOperations, Tensor, TensorOperations } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { consumeCast, raised } from '../precision/autocast.js';
import { headLogProbabilities } from './chunked-head.js';
import { fusedCrossEntropy, fusedLinearCrossEntropy } from './fused-losses.js';

const LOG_SOFTMAX = operation('log_softmax');
const NLL_LOSS = operation('nll_loss');
const MSE_LOSS = operation('mse_loss');

const LOG_SOFTMAX_FORMULA: Formula = {
  operation: LOG_SOFTMAX,
  apply: (workspace, node) => {
    const result = node.saved[0]!;
    const { dtype } = node.next[0]!.outputs[node.outputNumbers[0]!]!;
    return [workspace.empty(result.shape, dtype, operation('log_softmax_backward'), result.strides)];
  },
};

/** Zeros of the log-probabilities' size. */
const NLL_LOSS_FORMULA: Formula = {
  operation: NLL_LOSS,
  apply: (workspace, node) => [workspace.emptyLike(node.saved[0]!, operation('nll_loss_backward'))],
};

const MSE_LOSS_FORMULA: Formula = {
  operation: MSE_LOSS,
  apply: (workspace, node) => [workspace.emptyLike(node.saved[0]!, operation('mse_loss_backward'))],
};

/**
 * `F.cross_entropy`: log-softmax in the logits' type (it passes an explicit type, so autocast leaves it), then nll_loss,
 * which autocast raises to fp32. The loss phase begins here.
 */
function crossEntropy(engine: Engine, logits: EngineTensor, target: EngineTensor, rows: Shape): EngineTensor {
  if (engine.recorder.currentPhase === 'forward') engine.recorder.phase('loss');
  const logProbabilities = logSoftmax(engine, logits);
  const loss = nllLoss(engine, logProbabilities, target, rows);
  engine.consume(logits);
  return loss;
}

/** The input is not used up. */
function logSoftmax(engine: Engine, logits: EngineTensor): EngineTensor {
  const node = engine.record(LOG_SOFTMAX_FORMULA, [logits]);
  const out = engine.attach(engine.emptyLike(logits, LOG_SOFTMAX), node);
  engine.save(node, out);
  if (engine.habits.keepsSoftmaxInputs) engine.save(node, logits);
  return out;
}

/** `rows`: the shape of the result, of no dimensions where rows are averaged. */
function nllLoss(engine: Engine, input: EngineTensor, target: EngineTensor, rows: Shape): EngineTensor {
  const source = raised(engine, input);
  const node = engine.record(NLL_LOSS_FORMULA, [source]);
  engine.save(node, source);
  engine.save(node, target);
  const loss = engine.attach(engine.empty(rows, source.dtype, NLL_LOSS), node);
  const totalWeight = engine.empty([], source.dtype, NLL_LOSS);
  engine.save(node, totalWeight);
  engine.consume(totalWeight);
  consumeCast(engine, input, source);
  engine.consume(target);
  return loss;
}

function mseLoss(engine: Engine, input: EngineTensor, target: EngineTensor): EngineTensor {
  const other = raised(engine, target);
  const source = raised(engine, input);
  const node = engine.record(MSE_LOSS_FORMULA, [source]);
  engine.save(node, source);
  engine.save(node, other);
  const loss = engine.attach(engine.empty([], float32, MSE_LOSS), node);
  consumeCast(engine, target, other);
  consumeCast(engine, input, source);
  return loss;
}

export function lossOperations(
  engine: Engine,
  parameter: (wanted: Parameter) => EngineTensor,
): LossOperations & Pick<TensorOperations, 'logSoftmax'> {
  const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
  return {
    crossEntropy: (logits, target, reduction = 'mean') =>
      crossEntropy(engine, own(logits), own(target), reduction === 'mean' ? [] : target.shape),
    fusedCrossEntropy: (logits, target) => fusedCrossEntropy(engine, own(logits), own(target)),
    fusedLinearCrossEntropy: (x, head) => fusedLinearCrossEntropy(engine, own(x), head, parameter(head.weight)),
    logSoftmax: (x) => {
      const source = raised(engine, own(x));
      const out = logSoftmax(engine, source);
      consumeCast(engine, own(x), source);
      return out;
    },
    nllLoss: (logProbabilities, target) => nllLoss(engine, own(logProbabilities), own(target), []),
    headLogProbabilities: (x, head, target) =>
      headLogProbabilities(engine, { x: own(x), target: own(target), weight: parameter(head.weight) }),
    mseLoss: (input, target) => mseLoss(engine, own(input), own(target)),
  };
}
