import type { Linear, Shape } from '../../model/module-tree.js';
import type { Tensor, TensorOperations } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Node } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { normalise } from '../autograd/strides.js';
import { consumeCast, lowered } from '../precision/autocast.js';
import {
  binaryResult,
  consumePair,
  inPlace,
  MUL_FORMULA,
  saveClone,
  SUB_FORMULA,
  unary,
  unaryInPlace,
} from './elementwise.js';
import { embedding } from './indexing.js';
import { linear } from './matrix.js';
import { UNARY } from './unary.js';
import { stridesOf } from './views.js';

const MM = operation('mm');
const ADDMM = operation('addmm');
const STACK = operation('stack');
const MAXIMUM = operation('maximum');
const CLONE = operation('clone');

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

/** A linear layer whose weight [out, in] is any tensor. */
function linearWith(engine: Engine, x: EngineTensor, weight: EngineTensor, bias: EngineTensor | null): EngineTensor {
  const [outFeatures, inFeatures] = weight.shape as readonly [number, number];
  const layer = { inFeatures, outFeatures, transposed: false } as Linear;
  return linear(engine, x, layer, { weight, bias });
}

/** grad @ b.T and a.T @ grad; operands are saved only for each other. */
const mmFormula = (name: number, first: number): Formula => ({
  operation: name,
  apply: (workspace, node) => {
    const product = (input: number, shape: Shape): EngineTensor | null =>
      node.needs(input) ? workspace.empty(shape, node.gradient.dtype, MM) : null;
    const [a, b] = node.shapes as [Shape, Shape];
    const second = product(first + 1, b);
    const factors = [product(first, a), second];
    return first === 0 ? factors : [node.needs(0) ? node.gradient : null, ...factors];
  },
});
const MM_FORMULA = mmFormula(MM, 0);
const ADDMM_FORMULA = mmFormula(ADDMM, 1);

/** Each operand is kept for the other one's gradient. */
function matrixProduct(engine: Engine, node: Node | null, a: EngineTensor, b: EngineTensor): EngineTensor {
  const first = node === null ? 0 : node.next.length - 2;
  if (node?.needs(first + 1)) engine.save(node, a);
  if (node?.needs(first)) engine.save(node, b);
  if (node !== null) node.shapes = [a.shape, b.shape];
  return engine.attach(engine.empty([a.shape[0]!, b.shape[1]!], a.dtype, first === 1 ? ADDMM : MM), node);
}

/** Autocast casts the second operand first. */
function mm(engine: Engine, left: EngineTensor, right: EngineTensor): EngineTensor {
  const b = lowered(engine, right);
  const a = lowered(engine, left);
  const out = matrixProduct(engine, engine.record(MM_FORMULA, [a, b]), a, b);
  consumeCast(engine, right, b);
  consumeCast(engine, left, a);
  return out;
}

function addmm(engine: Engine, bias: EngineTensor, left: EngineTensor, right: EngineTensor): EngineTensor {
  const b = lowered(engine, right);
  const a = lowered(engine, left);
  const added = lowered(engine, bias);
  const out = matrixProduct(engine, engine.record(ADDMM_FORMULA, [added, a, b]), a, b);
  consumeCast(engine, right, b);
  consumeCast(engine, left, a);
  consumeCast(engine, bias, added);
  return out;
}

/** Views of the gradient, one for each part. */
const STACK_FORMULA: Formula = {
  operation: STACK,
  apply: (workspace, node) =>
    node.next.map((next, i) => {
      if (next === null) return null;
      const { shape } = next.outputs[node.outputNumbers[i]!]!;
      const strides = stridesOf(node.gradient).filter((_, dim) => dim !== node.attribute);
      return workspace.viewOf(node.gradient, shape, normalise(shape, strides));
    }),
};

function stack(engine: Engine, parts: readonly EngineTensor[], dim: number): EngineTensor {
  const node = engine.record(STACK_FORMULA, parts);
  if (node !== null) node.attribute = dim;
  const shape = [...parts[0]!.shape];
  shape.splice(dim, 0, parts.length);
  const out = engine.attach(engine.empty(shape, parts[0]!.dtype, STACK), node);
  for (const part of new Set(parts)) engine.consume(part);
  return out;
}

/** where(self == other, grad / 2, grad).masked_fill_(self < other, 0), for each side. */
const MAXIMUM_FORMULA: Formula = {
  operation: MAXIMUM,
  apply: (workspace, node) =>
    [0, 1].map((side) => {
      if (!node.needs(side)) return null;
      const half = workspace.emptyLike(node.gradient, operation('div'));
      const result = workspace.emptyLike(node.gradient, operation('where'));
      workspace.consume(half);
      return result;
    }),
};

function maximum(engine: Engine, a: EngineTensor, b: EngineTensor): EngineTensor {
  const node = engine.record(MAXIMUM_FORMULA, [a, b]);
  engine.save(node, a);
  engine.save(node, b);
  const out = engine.attach(binaryResult(engine, a, b, MAXIMUM), node);
  consumePair(engine, a, b);
  return out;
}

/** `x *= y`: what autograd needs of x as it was is cloned. */
function mulInPlace(engine: Engine, x: EngineTensor, y: EngineTensor): EngineTensor {
  const node = engine.record(MUL_FORMULA, [x, y]);
  if (node?.needs(1)) saveClone(engine, node, x);
  if (node?.needs(0)) engine.save(node, y);
  const out = inPlace(engine, x, node);
  engine.consume(y);
  return out;
}

function subInPlace(engine: Engine, x: EngineTensor, y: EngineTensor): EngineTensor {
  const node: Node | null = engine.record(SUB_FORMULA, [x, y]);
  const out = inPlace(engine, x, node);
  engine.consume(y);
  return out;
}

const CLONE_FORMULA: Formula = { operation: CLONE, apply: (_, node) => [node.gradient] };

function clone(engine: Engine, x: EngineTensor): EngineTensor {
  const node = engine.record(CLONE_FORMULA, [x]);
  const out = engine.attach(engine.emptyLike(x, CLONE), node);
  engine.consume(x);
  return out;
}

/** The gradient with its elements back in their places. */
const rearrangedFormula = (name: string): Formula => ({
  operation: operation(name),
  apply: (workspace, node) =>
    node.next.map((next, i) => {
      if (next === null) return null;
      const { shape } = next.outputs[node.outputNumbers[i]!]!;
      return workspace.empty(shape, node.gradient.dtype, operation(`${name}_backward`));
    }),
});

/**
 * Functions that move elements by positions that are tensors themselves keep all that they were given; so do those that pad
 * with what lies at the edges (derivatives.yaml).
 */
const SAVING = new Set([
  'grid_sampler_2d',
  'deform_conv',
  'reflection_pad1d',
  'reflection_pad2d',
  'replication_pad1d',
  'replication_pad2d',
]);

function rearranged(engine: Engine, inputs: readonly EngineTensor[], name: string, shape: Shape): EngineTensor {
  const node = engine.record(rearrangedFormula(name), inputs);
  if (SAVING.has(name)) for (const input of inputs) engine.save(node, input);
  const out = engine.attach(engine.empty(shape, inputs[0]!.dtype, operation(name)), node);
  for (const input of new Set(inputs)) engine.consume(input);
  return out;
}

type LayerOperations = Pick<
  TensorOperations,
  | 'linearWith'
  | 'embeddingWith'
  | 'mm'
  | 'addmm'
  | 'elementwise'
  | 'elementwiseInPlace'
  | 'addScalarInPlace'
  | 'subInPlace'
  | 'mulInPlace'
  | 'maximum'
  | 'detach'
  | 'clone'
  | 'stack'
  | 'rearranged'
>;

export function tensorLayerOperations(engine: Engine): LayerOperations {
  return {
    linearWith: (x, weight, bias) => linearWith(engine, own(x), own(weight), bias && own(bias)),
    embeddingWith: (indices, table) => embedding(engine, own(indices), own(table)),
    mm: (a, b) => mm(engine, own(a), own(b)),
    addmm: (bias, a, b) => addmm(engine, own(bias), own(a), own(b)),
    elementwise: (x, name) => unary(engine, own(x), UNARY[name]),
    elementwiseInPlace: (x, name) => unaryInPlace(engine, own(x), UNARY[name]),
    addScalarInPlace: (x) => inPlace(engine, own(x), engine.record(UNARY.addScalar.formula, [own(x)])),
    subInPlace: (x, y) => subInPlace(engine, own(x), own(y)),
    mulInPlace: (x, y) => mulInPlace(engine, own(x), own(y)),
    maximum: (a, b) => maximum(engine, own(a), own(b)),
    detach: (x) => {
      const out = engine.viewOf(own(x), x.shape, own(x).strides);
      engine.consume(own(x));
      return out;
    },
    clone: (x) => clone(engine, own(x)),
    stack: (parts, dim) => stack(engine, parts.map(own), dim),
    rearranged: (inputs, name, shape) => rearranged(engine, inputs.map(own), name, shape),
  };
}
