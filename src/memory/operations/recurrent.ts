import type { DType } from '../../model/dtype.js';
import { uint8 } from '../../model/dtype.js';
import type { Parameter, Recurrent } from '../../model/module-tree.js';
import type { RecurrentOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import { lowered } from '../precision/autocast.js';

const RNN = operation('_cudnn_rnn');
const RNN_BACKWARD = operation('_cudnn_rnn_backward');
const FLATTEN = operation('_cudnn_rnn_flatten_weight');
const ZEROS = operation('zeros');
/** The name under which cuDNN's reserve is found in the list of allocations. */
export const RESERVE = operation('cudnn_rnn_reserve');

const GATES = { lstm: 4, gru: 3 } as const;

/**
 * Bytes that cuDNN keeps for backward. Its size is asked of the driver and nowhere published; what backward needs is, for
 * each step, layer and direction, the activated gates and, of an LSTM, the cell state, and what each layer hands to the
 * next one, with a byte for each element that dropout leaves or takes.
 */
export function reserveBytes(layer: Recurrent, steps: number, batch: number, dtype: DType): number {
  const { cell, hidden, layers, directions, dropout } = layer;
  const each = steps * batch * directions * hidden;
  const kept = GATES[cell] + 1;
  const between = each * (layers - 1);
  return (each * layers * kept + between) * dtype.bytes + (dropout > 0 ? between : 0);
}

/** The gates of all steps of a layer are multiplied at once, into scratch memory. */
function workspaceBytes({ cell, hidden, directions }: Recurrent, steps: number, batch: number, dtype: DType): number {
  return steps * batch * directions * hidden * GATES[cell] * dtype.bytes;
}

/** Gradients of input and states, then one buffer for those of all weights, of which each weight's is a view. */
const RNN_FORMULA: Formula = {
  operation: RNN,
  apply: (workspace, node) => {
    const [input, state] = node.saved as [EngineTensor, EngineTensor];
    const { dtype } = input;
    const scratch = workspace.scratch(node.attribute, RNN_BACKWARD);
    const inner = workspace.empty(input.shape, dtype, RNN_BACKWARD);
    const states = [0, 1].map(() => workspace.empty(state.shape, dtype, RNN_BACKWARD));
    const weights = weightGradients(workspace, node, dtype);
    workspace.discard(scratch);
    for (const tensor of states) workspace.consume(tensor);
    if (!node.needs(0)) workspace.consume(inner);
    return [node.needs(0) ? inner : null, ...weights];
  },
};

function weightGradients(workspace: Workspace, node: Parameters<Formula['apply']>[1], dtype: DType): EngineTensor[] {
  const shapes = node.next.slice(1).map((next, i) => next!.outputs[node.outputNumbers[i + 1]!]!.shape);
  const total = shapes.reduce((sum, shape) => sum + elementCount(shape), 0);
  const whole = workspace.empty([total], dtype, ZEROS);
  const views = shapes.map((shape) => workspace.viewOf(whole, shape, null));
  workspace.consume(whole);
  return views;
}

/** Weights under autocast are cast into one flat buffer, anew in each forward pass. */
function flattened(engine: Engine, weights: readonly EngineTensor[], dtype: DType): EngineTensor | null {
  if (weights[0]!.dtype === dtype) return null;
  const total = weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return engine.empty([total], dtype, FLATTEN);
}

/** `nn.LSTM` or `nn.GRU` over [steps, batch, features], from states of zeros. */
function recurrent(
  engine: Engine,
  x: EngineTensor,
  layer: Recurrent,
  tensorOf: (parameter: Parameter) => EngineTensor,
): EngineTensor {
  const [steps, batch] = x.shape as readonly [number, number];
  const { hidden, layers, directions } = layer;
  const input = lowered(engine, x);
  const { dtype } = input;
  const weights = layer.weights.map(tensorOf);
  const flat = flattened(engine, weights, dtype);
  const stateShape = [layers * directions, batch, hidden];
  const zeros = [0, 1].map(() => engine.hold(engine.empty(stateShape, dtype, ZEROS)));
  const node = engine.record(RNN_FORMULA, [input, ...weights]);
  const scratch = workspaceBytes(layer, steps, batch, dtype);
  if (node !== null) node.attribute = scratch;
  engine.save(node, input);
  for (const tensor of zeros) engine.save(node, tensor);
  const out = engine.empty([steps, batch, directions * hidden], dtype, RNN);
  const last = [0, 1].map(() => engine.empty(stateShape, dtype, RNN));
  const reserve = engine.empty([reserveBytes(layer, steps, batch, dtype)], uint8, RESERVE);
  engine.discard(engine.scratch(scratch, RNN));
  for (const tensor of [out, reserve, ...(flat === null ? [] : [flat])]) engine.save(node, tensor);
  engine.attach(out, node);
  for (const tensor of [reserve, ...last, ...(flat === null ? [] : [flat])]) engine.consume(tensor);
  for (const tensor of zeros) engine.release(tensor);
  if (input !== x) engine.consume(input);
  engine.consume(x);
  return out;
}

export function recurrentOperations(
  engine: Engine,
  tensorOf: (parameter: Parameter) => EngineTensor,
): RecurrentOperations {
  return { recurrent: (x: Tensor, layer) => recurrent(engine, x as EngineTensor, layer, tensorOf) };
}
