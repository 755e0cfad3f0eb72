import type { Linear } from '../../model/module-tree.js';
import type { MatrixOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Gradients, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount, viewStrides } from '../autograd/strides.js';
import { consumeCast, lowered, loweredAnew } from '../precision/autocast.js';
import { add, addInPlace } from './elementwise.js';
import { contiguous, expand, reshape, reshaped, view } from './views.js';

const ADDMM = operation('addmm');
const MM = operation('mm');
const BMM = operation('bmm');
const BADDBMM = operation('baddbmm');

/** Rows of a tensor seen as a matrix. */
const rowsOf = (tensor: EngineTensor): number => elementCount(tensor.shape) / tensor.shape[tensor.shape.length - 1]!;

/**
 * Gradient of a linear layer's input, in the input's shape. Over more than two dimensions it is a view of the product,
 * which is why torch never adds to it in place.
 */
function inputGradient(workspace: Workspace, node: Node, flat: EngineTensor): EngineTensor {
  const { shape } = node.next[0]!.outputs[node.outputNumbers[0]!]!;
  const result = workspace.empty(shape, flat.dtype, MM);
  result.isView = shape.length > 2;
  return result;
}

/** Gradient of a weight: [out, in] is the transposed view of a product. */
function weightGradient(workspace: Workspace, node: Node, gradient: EngineTensor): EngineTensor {
  const { shape } = node.next[1]!.outputs[node.outputNumbers[1]!]!;
  const result = workspace.empty(shape, gradient.dtype, MM);
  result.isView = node.attribute === 0;
  return result;
}

/** The incoming gradient as a matrix; where only a copy will do, the copy takes its place. */
function flattenGradient(workspace: Workspace, node: Node): void {
  const { gradient } = node;
  const columns = gradient.shape[gradient.shape.length - 1]!;
  const matrix = [elementCount(gradient.shape) / columns, columns];
  if (viewStrides(gradient.shape, gradient.strides, matrix) !== undefined) return;
  const copy = reshaped(workspace, gradient, matrix);
  copy.refs = 1;
  node.buffer = [copy];
  workspace.release(gradient);
}

/** With bias: input first, then weight; the bias gradient is the output's, summed by validation. */
const ADDMM_FORMULA: Formula = {
  operation: ADDMM,
  delivery: [2, 1, 0],
  prepare: flattenGradient,
  apply: (workspace, node): Gradients => {
    const flat = node.gradient;
    const input = node.needs(0) ? inputGradient(workspace, node, flat) : null;
    const weight = node.needs(1) ? weightGradient(workspace, node, flat) : null;
    return [input, weight, node.needs(2) ? flat : null];
  },
};

/** A matrix goes in without a view node, so its gradient arrives before the weight's. */
const ADDMM_MATRIX_FORMULA: Formula = { ...ADDMM_FORMULA, delivery: [2, 0, 1] };

/** Without bias: weight first, then input. */
const MM_FORMULA: Formula = {
  operation: MM,
  delivery: [0, 1],
  prepare: flattenGradient,
  apply: (workspace, node): Gradients => {
    const flat = node.gradient;
    const weight = node.needs(1) ? weightGradient(workspace, node, flat) : null;
    return [node.needs(0) ? inputGradient(workspace, node, flat) : null, weight];
  },
};

/** Second operand's gradient first; operands are saved only for each other. */
const BMM_FORMULA: Formula = {
  operation: BMM,
  apply: (workspace, node): Gradients => bmmGradients(workspace, node, 0),
};

function bmmGradients(workspace: Workspace, node: Node, first: number): (EngineTensor | null)[] {
  const product = (input: number): EngineTensor | null => {
    if (!node.needs(input)) return null;
    const result = workspace.empty(node.shapes![input - first]!, node.gradient.dtype, BMM);
    if (node.attribute !== SCALED) return result;
    const scaled = workspace.emptyLike(result, operation('mul'));
    workspace.consume(result);
    return scaled;
  };
  const second = product(first + 1);
  return [product(first), second];
}

/** Mark of a `baddbmm` whose product is multiplied by a number. */
const SCALED = 1;

const BADDBMM_FORMULA: Formula = {
  operation: BADDBMM,
  apply: (workspace, node): Gradients => {
    const factors = bmmGradients(workspace, node, 1);
    return [node.needs(0) ? node.gradient : null, ...factors];
  },
};

/** Weights of a layer as they are at this moment: their tensors change when they are gathered. */
export interface LayerWeights {
  weight: EngineTensor;
  bias: EngineTensor | null;
}

/** `F.linear`, or `torch.addmm` for layers that store their weight as [in, out]. Autocast casts bias, weight, input. */
export function linear(engine: Engine, x: EngineTensor, layer: Linear, weights: LayerWeights): EngineTensor {
  const { bias: ownBias, weight: ownWeight } = weights;
  const early = layer.transposed ? lowered(engine, ownWeight) : null;
  const bias = ownBias && !layer.transposed ? lowered(engine, ownBias) : null;
  const weight = early ?? (layer.castAnew ? loweredAnew(engine, ownWeight) : lowered(engine, ownWeight));
  const input = lowered(engine, x);
  const lateBias = ownBias && (bias ?? lowered(engine, ownBias));
  const out = product(engine, input, layer, { weight, bias: lateBias });
  consumeCast(engine, x, input);
  consumeCast(engine, ownWeight, weight);
  if (ownBias && lateBias) consumeCast(engine, ownBias, lateBias);
  return out;
}

function product(engine: Engine, x: EngineTensor, layer: Linear, weights: LayerWeights): EngineTensor {
  const { bias } = weights;
  const flattens = x.shape.length === 2 || x.strides === null || layer.transposed;
  if (bias === null || flattens) return multiply(engine, x, layer, weights);
  const result = multiply(engine, x, layer, { ...weights, bias: null });
  // A cast that autocast does not keep, as of a frozen bias, lives until the call returns.
  engine.hold(bias);
  const out = engine.recorded ? add(engine, result, bias) : addInPlace(engine, result, bias);
  engine.float(bias);
  return out;
}

/** The product of a tensor seen as a matrix with the weight; one that cannot be seen so is copied first. */
function multiply(engine: Engine, x: EngineTensor, layer: Linear, weights: LayerWeights): EngineTensor {
  const matrix = [rowsOf(x), layer.inFeatures];
  if (viewStrides(x.shape, x.strides, matrix) !== undefined) return multiplyMatrix(engine, x, layer, weights);
  const copy = contiguous(engine, engine.hold(x));
  const out = multiplyMatrix(engine, copy, layer, weights);
  engine.consume(copy);
  engine.float(x);
  return out;
}

function multiplyMatrix(engine: Engine, x: EngineTensor, layer: Linear, { weight, bias }: LayerWeights): EngineTensor {
  const node = engine.record(formulaFor(x, layer, bias), bias === null ? [x, weight] : [x, weight, bias]);
  if (node !== null) saveFactors(engine, node, x, weight);
  if (node !== null) node.attribute = layer.transposed ? 1 : 0;
  const shape = [...x.shape.slice(0, -1), layer.outFeatures];
  return engine.attach(engine.empty(shape, x.dtype, bias === null ? MM : ADDMM), node);
}

function formulaFor(x: EngineTensor, layer: Linear, bias: EngineTensor | null): Formula {
  if (bias === null) return MM_FORMULA;
  return x.shape.length === 2 && !layer.transposed ? ADDMM_MATRIX_FORMULA : ADDMM_FORMULA;
}

/** Each factor is saved only if the other one needs a gradient. */
function saveFactors(engine: Engine, node: Node, x: EngineTensor, weight: EngineTensor): void {
  if (node.needs(1)) engine.save(node, x);
  if (node.needs(0)) engine.save(node, weight);
}

export function bmm(engine: Engine, a: EngineTensor, b: EngineTensor): EngineTensor {
  const second = lowered(engine, b);
  const first = lowered(engine, a);
  const node = engine.record(BMM_FORMULA, [first, second]);
  if (node?.needs(1)) engine.save(node, first);
  if (node?.needs(0)) engine.save(node, second);
  if (node !== null) node.shapes = [first.shape, second.shape];
  const out = engine.attach(engine.empty([a.shape[0]!, a.shape[1]!, b.shape[2]!], first.dtype, BMM), node);
  consumeCast(engine, b, second);
  consumeCast(engine, a, first);
  return out;
}

function baddbmm(
  engine: Engine,
  input: EngineTensor,
  [a, b]: readonly [EngineTensor, EngineTensor],
  scaled: boolean,
): EngineTensor {
  const second = lowered(engine, b);
  const first = lowered(engine, a);
  const added = lowered(engine, input);
  const node = engine.record(BADDBMM_FORMULA, [added, first, second]);
  if (node?.needs(2)) engine.save(node, first);
  if (node?.needs(1)) engine.save(node, second);
  if (node !== null && scaled) node.attribute = SCALED;
  if (node !== null) node.shapes = [first.shape, second.shape];
  const out = engine.attach(engine.empty([a.shape[0]!, a.shape[1]!, b.shape[2]!], first.dtype, BADDBMM), node);
  consumeCast(engine, b, second);
  consumeCast(engine, a, first);
  consumeCast(engine, input, added);
  return out;
}

/** Batched `torch.matmul`: operands that cannot be viewed as [batch, ., .] are copied first (aten LinearAlgebra.cpp). */
export function matmul(engine: Engine, a: EngineTensor, b: EngineTensor): EngineTensor {
  const second = lowered(engine, b);
  const first = lowered(engine, a);
  engine.hold(first);
  engine.hold(second);
  const batch = first.shape.slice(0, -2);
  const count = batch.reduce((total, size) => total * size, 1);
  const [m, k] = first.shape.slice(-2);
  const [, n] = second.shape.slice(-2);
  const left = reshape(engine, expand(engine, first, [...batch, m!, k!]), [count, m!, k!]);
  const right = reshape(engine, expand(engine, second, [...batch, k!, n!]), [count, k!, n!]);
  const out = view(engine, bmm(engine, left, right), [...batch, m!, n!]);
  for (const [operand, cast] of [
    [a, first],
    [b, second],
  ] as const) {
    engine.float(cast);
    consumeCast(engine, operand, cast);
  }
  return out;
}

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

export function matrixOperations(
  engine: Engine,
  linearOf: (x: EngineTensor, layer: Linear) => EngineTensor,
): MatrixOperations {
  return {
    linear: (x, layer) => linearOf(own(x), layer),
    matmul: (a, b) => matmul(engine, own(a), own(b)),
    bmm: (a, b) => bmm(engine, own(a), own(b)),
    baddbmm: (input, a, b, options) => baddbmm(engine, own(input), [own(a), own(b)], options?.scaled ?? false),
  };
}
