import type { Shape } from '../../model/module-tree.js';
import type { Tensor, ViewOperations } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Strides } from '../autograd/strides.js';
import {
  ShapeMismatch,
  contiguousStrides,
  elementCount,
  elementwiseStrides,
  normalise,
  sameShape,
  viewStrides,
} from '../autograd/strides.js';
import type { DType } from '../../model/dtype.js';
import { promote } from '../../model/dtype.js';

const CLONE = operation('clone');
const CAT = operation('cat');
const SLICE_BACKWARD = operation('slice_backward');
const SELECT_BACKWARD = operation('select_backward');
const PAD = operation('constant_pad_nd');
const ROLL = operation('roll');

/** `gradient.reshape(shape)`: a view where strides allow it, else a copy. */
export function reshaped(workspace: Workspace, tensor: EngineTensor, shape: Shape): EngineTensor {
  const strides = viewStrides(tensor.shape, tensor.strides, shape);
  return strides === undefined ? workspace.empty(shape, tensor.dtype, CLONE) : workspace.viewOf(tensor, shape, strides);
}

export const stridesOf = (tensor: EngineTensor): readonly number[] => tensor.strides ?? contiguousStrides(tensor.shape);

function permuted(workspace: Workspace, tensor: EngineTensor, order: readonly number[]): EngineTensor {
  const strides = stridesOf(tensor);
  const shape = order.map((dim) => tensor.shape[dim]!);
  return workspace.viewOf(
    tensor,
    shape,
    normalise(
      shape,
      order.map((dim) => strides[dim]!),
    ),
  );
}

function swapped(workspace: Workspace, tensor: EngineTensor, a: number, b: number): EngineTensor {
  const order = tensor.shape.map((_, i) => (i === a ? b : i === b ? a : i));
  return permuted(workspace, tensor, order);
}

const inputShape = (node: Node): Shape => node.next[0]!.outputs[node.outputNumbers[0]!]!.shape;

const VIEW: Formula = {
  operation: operation('view'),
  apply: (workspace, node) => {
    const shape = inputShape(node);
    return [sameShape(shape, node.gradient.shape) ? node.gradient : reshaped(workspace, node.gradient, shape)];
  },
};

/** Pairs of numbers as complex ones, or the other way round; of a gradient too. */
const VIEW_AS: Formula = {
  operation: operation('view_as_complex'),
  apply: (workspace, node) => {
    const { shape, dtype } = node.next[0]!.outputs[node.outputNumbers[0]!]!;
    return [workspace.viewOf(node.gradient, shape, null, dtype)];
  },
};

/** `clone`: the gradient as it is. */
const CLONE_FORMULA: Formula = { operation: CLONE, apply: (_, node) => [node.gradient] };

const TRANSPOSE: Formula = {
  operation: operation('transpose'),
  apply: (workspace, node) => {
    const [a, b] = node.shapes![0]!;
    return [swapped(workspace, node.gradient, a!, b!)];
  },
};

const PERMUTE: Formula = {
  operation: operation('permute'),
  apply: (workspace, node) => {
    const order = node.shapes![0]!;
    const inverse = order.map((_, i) => order.indexOf(i));
    return [permuted(workspace, node.gradient, inverse)];
  },
};

/** Zeros of the input's size into which the gradient is written. */
const zeros = (name: number): Formula => ({
  operation: name,
  apply: (workspace, node) => [workspace.empty(inputShape(node), node.gradient.dtype, name)],
});
const SLICE = zeros(SLICE_BACKWARD);
const SELECT = zeros(SELECT_BACKWARD);

/** `expand`: the gradient is summed by validation of the expanded input. */
const EXPAND: Formula = { operation: operation('expand'), apply: (_, node) => [node.gradient] };

/** One `cat` of the parts' gradients; a part without one is filled with zeros for the moment. */
const SPLIT: Formula = {
  operation: operation('split'),
  apply: (workspace, node) => {
    const { dtype } = node.outputs[0]!;
    const missing = node.outputs.map((part, i) =>
      node.buffer[i] ? null : workspace.empty(part.shape, dtype, operation('zeros')),
    );
    const result = workspace.empty(inputShape(node), dtype, CAT);
    for (const part of missing) if (part !== null) workspace.consume(part);
    return [result];
  },
};

/** Views of the gradient, one for each part. */
const CAT_FORMULA: Formula = {
  operation: CAT,
  apply: (workspace, node) =>
    node.next.map((next, i) => {
      if (next === null) return null;
      const { shape } = next.outputs[node.outputNumbers[i]!]!;
      return workspace.viewOf(node.gradient, shape, normalise(shape, stridesOf(node.gradient)));
    }),
};

/** A negative pad of the gradient: a view and a copy. */
const PAD_FORMULA: Formula = {
  operation: PAD,
  apply: (workspace, node) => [workspace.empty(inputShape(node), node.gradient.dtype, PAD)],
};

const ROLL_FORMULA: Formula = {
  operation: ROLL,
  apply: (workspace, node) => [workspace.emptyLike(node.gradient, ROLL)],
};

/** CopySlices: a copy of the whole gradient, and of the part that was written; zeros for what was there before. */
const ASSIGN_FORMULA: Formula = {
  operation: operation('copy'),
  apply: (workspace, node) => {
    const { gradient } = node;
    const shape = node.shapes![0]!;
    const whole = workspace.emptyLike(gradient, operation('new_empty_strided'));
    const part = workspace.empty(shape, gradient.dtype, CLONE);
    workspace.consume(workspace.empty(shape, gradient.dtype, operation('zeros_like')));
    return [whole, part];
  },
};

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

function assign(engine: Engine, x: EngineTensor, value: EngineTensor): EngineTensor {
  const node = engine.record(ASSIGN_FORMULA, [x, value]);
  if (node !== null) node.shapes = [value.shape];
  const out = engine.viewOf(x, x.shape, x.strides);
  out.isView = x.isView;
  engine.attach(out, node);
  engine.consume(x);
  engine.consume(value);
  return out;
}

interface ViewNode {
  formula: Formula;
  attribute?: Shape;
}

/** A view of `x`, recorded, using up a floating input. */
function viewed(engine: Engine, x: EngineTensor, view: { shape: Shape; strides: Strides }, by: ViewNode): EngineTensor {
  const node = engine.record(by.formula, [x]);
  if (node !== null && by.attribute) node.shapes = [by.attribute];
  const out = engine.attach(engine.viewOf(x, view.shape, view.strides), node);
  engine.consume(x);
  return out;
}

/** Fills in a dimension of -1. */
function resolved(x: EngineTensor, shape: Shape): Shape {
  const open = shape.indexOf(-1);
  if (open < 0) return shape;
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  return shape.map((size) => (size === -1 ? elementCount(x.shape) / known : size));
}

export function view(engine: Engine, x: EngineTensor, target: Shape): EngineTensor {
  const shape = resolved(x, target);
  const strides = viewStrides(x.shape, x.strides, shape);
  if (strides === undefined) throw new ShapeMismatch(`[${x.shape.join()}] cannot be viewed as [${shape.join()}]`);
  return viewed(engine, x, { shape, strides }, { formula: VIEW });
}

/** Tensors of pairs are contiguous, or PyTorch refuses. */
function viewAs(engine: Engine, x: EngineTensor, shape: Shape, dtype: DType): EngineTensor {
  const node = engine.record(VIEW_AS, [x]);
  const out = engine.attach(engine.viewOf(x, shape, null, dtype), node);
  engine.consume(x);
  return out;
}

export function contiguous(engine: Engine, x: EngineTensor): EngineTensor {
  if (x.strides === null) return x;
  const node = engine.record(CLONE_FORMULA, [x]);
  const out = engine.attach(engine.empty(x.shape, x.dtype, CLONE), node);
  engine.consume(x);
  return out;
}

export function reshape(engine: Engine, x: EngineTensor, target: Shape): EngineTensor {
  const shape = resolved(x, target);
  if (sameShape(shape, x.shape)) return x;
  const fits = viewStrides(x.shape, x.strides, shape) !== undefined;
  return view(engine, fits ? x : contiguous(engine, x), shape);
}

export function transpose(engine: Engine, x: EngineTensor, a: number, b: number): EngineTensor {
  const strides = [...stridesOf(x)];
  const shape = [...x.shape];
  [shape[a], shape[b]] = [shape[b]!, shape[a]!];
  [strides[a], strides[b]] = [strides[b]!, strides[a]!];
  const layout = { shape, strides: normalise(shape, strides) };
  return viewed(engine, x, layout, { formula: TRANSPOSE, attribute: [a, b] });
}

function permute(engine: Engine, x: EngineTensor, order: readonly number[]): EngineTensor {
  const strides = stridesOf(x);
  const shape = order.map((dim) => x.shape[dim]!);
  const layout = {
    shape,
    strides: normalise(
      shape,
      order.map((dim) => strides[dim]!),
    ),
  };
  return viewed(engine, x, layout, { formula: PERMUTE, attribute: order });
}

export function unsqueeze(engine: Engine, x: EngineTensor, dim: number): EngineTensor {
  const strides = [...stridesOf(x)];
  const shape = [...x.shape];
  strides.splice(dim, 0, dim < shape.length ? shape[dim]! * strides[dim]! : 1);
  shape.splice(dim, 0, 1);
  return viewed(engine, x, { shape, strides: normalise(shape, strides) }, { formula: VIEW });
}

export function slice(engine: Engine, x: EngineTensor, dim: number, range: readonly [number, number]): EngineTensor {
  const [from, to] = range;
  if (from === 0 && to === x.shape[dim]) return x;
  const shape = x.shape.map((size, i) => (i === dim ? to - from : size));
  return viewed(engine, x, { shape, strides: normalise(shape, stridesOf(x)) }, { formula: SLICE });
}

function everyNth(engine: Engine, x: EngineTensor, dim: number, range: readonly [number, number]): EngineTensor {
  const [from, step] = range;
  const shape = x.shape.map((size, i) => (i === dim ? Math.ceil((size - from) / step) : size));
  const strides = stridesOf(x).map((stride, i) => (i === dim ? stride * step : stride));
  return viewed(engine, x, { shape, strides: normalise(shape, strides) }, { formula: SLICE });
}

function select(engine: Engine, x: EngineTensor, dim: number): EngineTensor {
  const without = (_: number, i: number): boolean => i !== dim;
  const shape = x.shape.filter(without);
  const layout = { shape, strides: normalise(shape, stridesOf(x).filter(without)) };
  return viewed(engine, x, layout, { formula: SELECT });
}

/** Several views of one tensor by one node, all with the same strides. */
function parts(engine: Engine, x: EngineTensor, shapes: readonly Shape[], strides: readonly number[]): EngineTensor[] {
  const node = engine.record(SPLIT, [x]);
  const out = shapes.map((shape) => engine.attach(engine.viewOf(x, shape, normalise(shape, strides)), node));
  engine.consume(x);
  return out;
}

export function expand(engine: Engine, x: EngineTensor, shape: Shape): EngineTensor {
  if (sameShape(shape, x.shape)) return x;
  const own = stridesOf(x);
  const offset = shape.length - x.shape.length;
  const strides = shape.map((size, i) => (i < offset || x.shape[i - offset] !== size ? 0 : own[i - offset]!));
  return viewed(engine, x, { shape, strides: normalise(shape, strides) }, { formula: EXPAND });
}

export function cat(engine: Engine, inputs: readonly EngineTensor[], dim: number): EngineTensor {
  const first = inputs[0]!;
  const node = engine.record(CAT_FORMULA, inputs);
  const size = inputs.reduce((sum, part) => sum + part.shape[dim]!, 0);
  const shape = first.shape.map((own, i) => (i === dim ? size : own));
  const dtype = inputs.reduce((type, part) => promote(type, part.dtype), first.dtype);
  const out = engine.attach(engine.empty(shape, dtype, CAT, catStrides(shape, inputs)), node);
  for (const part of new Set(inputs)) engine.consume(part);
  return out;
}

/** `cat` keeps a common memory format such as channels last, and is contiguous otherwise. */
function catStrides(shape: Shape, inputs: readonly EngineTensor[]): Strides {
  if (shape.length !== 4 || !inputs.every(isChannelsLast)) return null;
  return elementwiseStrides(shape, [{ shape, strides: channelsLastStrides(shape) }]);
}

export function channelsLastStrides(shape: Shape): Strides {
  const [, c, h, w] = shape as readonly [number, number, number, number];
  return normalise(shape, [c * h * w, 1, w * c, c]);
}

/** Whether `suggest_memory_format` says channels last. */
export function isChannelsLast(tensor: EngineTensor): boolean {
  if (tensor.strides === null) return false;
  const expected = channelsLastStrides(tensor.shape);
  return expected !== null && sameShape(tensor.strides, expected);
}

export function pad(engine: Engine, x: EngineTensor, padding: readonly number[]): EngineTensor {
  const node = engine.record(PAD_FORMULA, [x]);
  const last = x.shape.length - 1;
  const shape = x.shape.map((size, i) => size + (padding[2 * (last - i)] ?? 0) + (padding[2 * (last - i) + 1] ?? 0));
  const out = engine.attach(engine.empty(shape, x.dtype, PAD), node);
  engine.consume(x);
  return out;
}

function roll(engine: Engine, x: EngineTensor): EngineTensor {
  const node = engine.record(ROLL_FORMULA, [x]);
  const out = engine.attach(engine.emptyLike(x, ROLL), node);
  engine.consume(x);
  return out;
}

export function viewOperations(engine: Engine): ViewOperations {
  return {
    view: (x, shape) => view(engine, own(x), shape),
    reshape: (x, shape) => reshape(engine, own(x), shape),
    viewAs: (x, shape, dtype) => viewAs(engine, own(x), shape, dtype),
    transpose: (x, a, b) => transpose(engine, own(x), a, b),
    permute: (x, order) => permute(engine, own(x), order),
    unsqueeze: (x, dim) => unsqueeze(engine, own(x), dim),
    slice: (x, dim, from, to) => slice(engine, own(x), dim, [from, to]),
    everyNth: (x, dim, range) => everyNth(engine, own(x), dim, range),
    select: (x, dim) => select(engine, own(x), dim),
    split: (x, sizes, dim) => {
      const shapes = sizes.map((size) => x.shape.map((whole, i) => (i === dim ? size : whole)));
      return parts(engine, own(x), shapes, stridesOf(own(x)));
    },
    unbind: (x, dim) => {
      const without = (_: number, i: number): boolean => i !== dim;
      const shapes = Array.from({ length: x.shape[dim]! }, () => x.shape.filter(without));
      return parts(engine, own(x), shapes, stridesOf(own(x)).filter(without));
    },
    expand: (x, shape) => expand(engine, own(x), shape),
    contiguous: (x) => contiguous(engine, own(x)),
    cat: (inputs, dim) => cat(engine, inputs.map(own), dim),
    assignFrom: (x, _dim, _from, value) => assign(engine, own(x), own(value)),
    pad: (x, padding) => pad(engine, own(x), padding),
    roll: (x) => roll(engine, own(x)),
  };
}
