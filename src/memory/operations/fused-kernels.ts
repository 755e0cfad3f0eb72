import { bool, float32 } from '../../model/dtype.js';
import type { FusedOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Gradients, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

const BIAS_DROPOUT_ADD = operation('bias_dropout_add');
const BIAS_GELU = operation('bias_gelu');
const SWIGLU = operation('swiglu');
const CROSS_ENTROPY = operation('vocab_parallel_cross_entropy');
const MASKED_SOFTMAX = operation('scaled_masked_softmax');

/** The incoming gradient goes to the residual as it is, and once more to the branch unless nothing was dropped. */
const BIAS_DROPOUT_ADD_FORMULA: Formula = {
  operation: BIAS_DROPOUT_ADD,
  apply: (workspace, node): Gradients => {
    const drops = node.saved.length > 0;
    const branch = drops ? workspace.emptyLike(node.gradient, BIAS_DROPOUT_ADD) : node.gradient;
    return [branch, node.needs(1) ? branch : null, node.needs(2) ? node.gradient : null];
  },
};

/** `residual + dropout(x + bias)` in one kernel: only the mask is kept (megatron/core/fusions/fused_bias_dropout.py). */
function biasDropoutAdd(
  engine: Engine,
  [x, bias, residual]: readonly [EngineTensor, EngineTensor | null, EngineTensor],
  probability: number,
): EngineTensor {
  const node = engine.record(BIAS_DROPOUT_ADD_FORMULA, [x, bias, residual]);
  const out = engine.empty(residual.shape, residual.dtype, BIAS_DROPOUT_ADD);
  if (probability > 0) {
    const mask = engine.empty(x.shape, bool, BIAS_DROPOUT_ADD);
    engine.save(node, mask);
    engine.consume(mask);
  }
  engine.attach(out, node);
  engine.consume(x);
  engine.consume(residual);
  return out;
}

/** One gradient of the input's size; its sum is the bias's. */
const activationGradient = (workspace: Workspace, node: Node, name: number): Gradients => {
  const input = workspace.emptyLike(node.saved[0]!, name);
  return [input, node.next.length > 1 && node.needs(1) ? input : null];
};

const BIAS_GELU_FORMULA: Formula = {
  operation: BIAS_GELU,
  apply: (workspace, node) => activationGradient(workspace, node, BIAS_GELU),
};
const SWIGLU_FORMULA: Formula = {
  operation: SWIGLU,
  apply: (workspace, node) => activationGradient(workspace, node, SWIGLU),
};

/** `gelu(x + bias)`, or `silu(a) * b` of the two halves; what goes in is kept. */
function activation(engine: Engine, x: EngineTensor, bias: EngineTensor | null, kind: 'gelu' | 'swiglu'): EngineTensor {
  const node = engine.record(kind === 'gelu' ? BIAS_GELU_FORMULA : SWIGLU_FORMULA, [x, bias]);
  engine.save(node, x);
  const width = x.shape[x.shape.length - 1]! / (kind === 'gelu' ? 1 : 2);
  const name = kind === 'gelu' ? BIAS_GELU : SWIGLU;
  const out = engine.attach(engine.empty([...x.shape.slice(0, -1), width], x.dtype, name), node);
  engine.consume(x);
  return out;
}

/** The softmax that was kept becomes the gradient, in its own memory. */
const CROSS_ENTROPY_FORMULA: Formula = {
  operation: CROSS_ENTROPY,
  apply: (workspace, node) => {
    const softmax = node.saved[0]!;
    return [workspace.viewOf(softmax, softmax.shape, null)];
  },
};

/**
 * Cross-entropy of logits of which each rank has a part of the vocabulary: one copy in fp32, in which maximum, exponential
 * and quotient are taken in place (megatron/core/tensor_parallel/cross_entropy.py).
 */
function vocabParallelCrossEntropy(engine: Engine, logits: EngineTensor, labels: EngineTensor): EngineTensor {
  const node = engine.record(CROSS_ENTROPY_FORMULA, [logits]);
  if (engine.recorder.currentPhase === 'forward') engine.recorder.phase('loss');
  const softmax = engine.empty(logits.shape, float32, CROSS_ENTROPY);
  const rows = logits.shape.slice(0, -1);
  const predicted = engine.empty(rows, float32, CROSS_ENTROPY);
  const sums = engine.empty(rows, float32, CROSS_ENTROPY);
  engine.save(node, softmax);
  const loss = engine.attach(engine.empty(rows, float32, CROSS_ENTROPY), node);
  for (const tensor of [softmax, predicted, sums]) engine.consume(tensor);
  engine.consume(logits);
  engine.consume(labels);
  return loss;
}

/** The scores' gradient, in place of the incoming one (csrc/megatron/scaled_masked_softmax_cuda). */
const MASKED_SOFTMAX_FORMULA: Formula = {
  operation: MASKED_SOFTMAX,
  apply: (_, node) => [node.gradient],
};

function maskedSoftmax(engine: Engine, scores: EngineTensor): EngineTensor {
  const node = engine.record(MASKED_SOFTMAX_FORMULA, [scores]);
  const out = engine.empty(scores.shape, scores.dtype, MASKED_SOFTMAX);
  engine.save(node, out);
  engine.attach(out, node);
  engine.consume(scores);
  return out;
}

export function fusedOperations(engine: Engine): Omit<FusedOperations, 'section' | 'gatheredLinear'> {
  const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
  return {
    biasDropoutAdd: (x, bias, residual, probability) =>
      biasDropoutAdd(engine, [own(x), bias && own(bias), own(residual)], probability),
    biasGelu: (x, bias) => activation(engine, own(x), bias && own(bias), 'gelu'),
    fusedSwiglu: (x) => activation(engine, own(x), null, 'swiglu'),
    vocabParallelCrossEntropy: (logits, labels) => vocabParallelCrossEntropy(engine, own(logits), own(labels)),
    maskedSoftmax: (scores) => maskedSoftmax(engine, own(scores)),
  };
}
