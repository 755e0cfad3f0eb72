import { float32 } from '../../model/dtype.js';
import type { Linear } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import { consumeCast, lowered } from '../precision/autocast.js';

const FUSED_LINEAR = operation('fused_linear_cross_entropy');
const FUSED = operation('fused_cross_entropy');
const SWIGLU = operation('swiglu');

/** What forward has computed already, without a copy. */
const madeInForward = (workspace: Workspace, tensor: EngineTensor): EngineTensor =>
  workspace.viewOf(tensor, tensor.shape, tensor.strides);

/** Gradients of input and weight are made with the loss and kept until backward hands them on. */
const FUSED_LINEAR_FORMULA: Formula = {
  operation: FUSED_LINEAR,
  apply: (workspace, node) => {
    const gradients = [...node.saved];
    return [0, 1].map((input) => (node.needs(input) ? madeInForward(workspace, gradients.shift()!) : null));
  },
};

const nextPowerOfTwo = (value: number): number => 2 ** Math.ceil(Math.log2(value));

/** Rows of logits that exist at a time (liger_kernel/ops/fused_linear_cross_entropy.py). */
function chunkRows(rows: number, hidden: number, vocabulary: number): number {
  const factor = Math.ceil(vocabulary / hidden);
  return Math.min(rows, nextPowerOfTwo(Math.ceil(rows / factor)));
}

/**
 * Head and cross-entropy in one: logits of some rows at a time, turned into their gradient in place. What remains is the
 * gradient of the hidden states and, where the head is trained, of its weight.
 */
export function fusedLinearCrossEntropy(
  engine: Engine,
  x: EngineTensor,
  layer: Linear,
  ownWeight: EngineTensor,
): EngineTensor {
  if (engine.recorder.currentPhase === 'forward') engine.recorder.phase('loss');
  const weight = lowered(engine, ownWeight);
  const input = lowered(engine, x);
  const node = engine.record(FUSED_LINEAR_FORMULA, [input, weight]);
  const rows = elementCount(input.shape) / layer.inFeatures;
  for (const [at, tensor] of [input, weight].entries()) {
    if (!node?.needs(at)) continue;
    const gradient = engine.emptyLike(tensor, FUSED_LINEAR);
    engine.save(node, gradient);
    engine.consume(gradient);
  }
  const losses = engine.scratch(rows * float32.bytes, FUSED_LINEAR);
  const chunk = chunkRows(rows, layer.inFeatures, layer.outFeatures);
  const logits = engine.scratch(chunk * layer.outFeatures * input.dtype.bytes, FUSED_LINEAR);
  const product = engine.scratch(chunk * layer.inFeatures * input.dtype.bytes, FUSED_LINEAR);
  const loss = engine.attach(engine.empty([], float32, FUSED_LINEAR), node);
  for (const storage of [product, logits, losses]) engine.discard(storage);
  consumeCast(engine, x, input);
  consumeCast(engine, ownWeight, weight);
  return loss;
}

/** The gradient is written over the logits. */
const FUSED_FORMULA: Formula = {
  operation: FUSED,
  apply: (workspace, node) => [madeInForward(workspace, node.saved[0]!)],
};

/** Cross-entropy in one kernel: keeps the logits themselves and one number for each row. */
export function fusedCrossEntropy(engine: Engine, logits: EngineTensor, target: EngineTensor): EngineTensor {
  if (engine.recorder.currentPhase === 'forward') engine.recorder.phase('loss');
  const node = engine.record(FUSED_FORMULA, [logits]);
  const sums = engine.empty(target.shape, float32, FUSED);
  const losses = engine.empty(target.shape, float32, FUSED);
  for (const tensor of [logits, sums, target]) engine.save(node, tensor);
  const loss = engine.attach(engine.empty([], float32, FUSED), node);
  for (const tensor of [losses, sums, logits, target]) engine.consume(tensor);
  return loss;
}

/** Both gradients are written over what they are gradients of. */
const SWIGLU_FORMULA: Formula = {
  operation: SWIGLU,
  apply: (workspace, node: Node) => node.saved.map((tensor) => madeInForward(workspace, tensor)),
};

/** `silu(gate) * up` in one kernel that keeps both and computes silu again in backward. */
export function swiglu(engine: Engine, gate: EngineTensor, up: EngineTensor): EngineTensor {
  const node = engine.record(SWIGLU_FORMULA, [gate, up]);
  engine.save(node, gate);
  engine.save(node, up);
  const out = engine.attach(engine.emptyLike(gate, SWIGLU), node);
  engine.consume(gate);
  engine.consume(up);
  return out;
}
