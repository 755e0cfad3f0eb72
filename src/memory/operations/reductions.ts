import type { DType } from '../../model/dtype.js';
import { bool, float16, float32, int64, isAutocastable } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { ReductionOperations, Tensor, TensorOperations } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { contiguousStrides, elementwiseStrides, viewStrides } from '../autograd/strides.js';
import { consumeCast, toType } from '../precision/autocast.js';

const MEAN = operation('mean');
const SUM = operation('sum');
const DIV = operation('div');
const NORM = operation('linalg_vector_norm');
const VARIANCE = operation('var');
const EXTREME = operation('amax');
const MAX_ALONG = operation('max');
const SOFTMAX = operation('softmax');
const CLONE = operation('clone');
const SOFTMAX_BACKWARD = operation('softmax_backward');

/** The gradient expanded to the input's size and divided by the count. */
const MEAN_FORMULA: Formula = {
  operation: MEAN,
  apply: (workspace, node) => [workspace.empty(node.shapes![0]!, node.gradient.dtype, DIV)],
};

/** The gradient expanded to the input's size: a view whose elements repeat along what was summed. */
const SUM_FORMULA: Formula = {
  operation: SUM,
  apply: (workspace, { gradient, shapes }) => {
    const [shape, kept] = shapes as [Shape, Shape];
    const own = viewStrides(gradient.shape, gradient.strides, kept) ?? contiguousStrides(kept);
    const repeated = shape.map((size, i) => (kept[i] === size ? own[i]! : 0));
    return [workspace.viewOf(gradient, shape, repeated)];
  },
};

/** One tensor in the input's type (fp16 inputs are raised inside the kernel). */
const SOFTMAX_FORMULA: Formula = {
  operation: SOFTMAX,
  apply: (workspace, node) => {
    const { dtype } = node.next[0]!.outputs[node.outputNumbers[0]!]!;
    const result = node.saved[0]!;
    return [workspace.empty(result.shape, dtype, SOFTMAX_BACKWARD, result.strides)];
  },
};

function reducedShape(shape: Shape, dims: readonly number[], keepDims: boolean): Shape {
  const reduced = new Set(dims.map((dim) => (dim < 0 ? dim + shape.length : dim)));
  return shape.flatMap((size, i) => (reduced.has(i) ? (keepDims ? [1] : []) : [size]));
}

interface Reduction {
  formula: Formula;
  dims: readonly number[];
  keepDims: boolean;
  /** Of the result; the input's where left out. */
  dtype?: DType;
}

function reduce(engine: Engine, x: EngineTensor, { formula, dims, keepDims, dtype }: Reduction): EngineTensor {
  const node = engine.record(formula, [x]);
  if (node !== null) node.shapes = [x.shape, reducedShape(x.shape, dims, true)];
  const shape = reducedShape(x.shape, dims, keepDims);
  const strides = x.strides === null || !keepDims ? null : elementwiseStrides(shape, [{ shape, strides: x.strides }]);
  const out = engine.attach(engine.empty(shape, dtype ?? x.dtype, formula.operation, strides), node);
  engine.consume(x);
  return out;
}

/** A sum, which autocast has come out in fp32 (its list `fp32_set_opt_dtype`). */
function sum(engine: Engine, x: EngineTensor, dims: readonly number[], keepDims: boolean): EngineTensor {
  const dtype = engine.autocast !== null && isAutocastable(x.dtype) ? float32 : x.dtype;
  return reduce(engine, x, { formula: SUM_FORMULA, dims, keepDims, dtype });
}

/** `x.mean(-1, keepdim=True)` */
export const meanOfRows = (engine: Engine, x: EngineTensor): EngineTensor =>
  reduce(engine, x, { formula: MEAN_FORMULA, dims: [-1], keepDims: true });

/**
 * The kernel goes over contiguous rows, so that other layouts are copied for a moment, and its result is contiguous
 * (SoftMax.cu: host_softmax). Softmax over the last dimension. fp16 to fp32 happens inside the kernel, other raises are casts of their own. */
export function softmax(engine: Engine, x: EngineTensor, asked?: DType): EngineTensor {
  const dtype = asked ?? (engine.autocast === null ? x.dtype : float32);
  const fused = x.dtype === float16 && dtype === float32;
  const source = fused ? x : toType(engine, x, dtype);
  const node = engine.record(SOFTMAX_FORMULA, [source]);
  const rows = source.strides === null ? null : engine.keep(engine.empty(source.shape, source.dtype, CLONE));
  const out = engine.attach(engine.empty(source.shape, dtype, SOFTMAX), node);
  if (rows !== null) engine.drop(rows);
  engine.save(node, out);
  if (engine.habits.keepsSoftmaxInputs) engine.save(node, source);
  consumeCast(engine, x, source);
  return out;
}

/** Keeps input and norm: grad * (self / norm).masked_fill_(norm == 0, 0). */
const NORM_FORMULA: Formula = {
  operation: NORM,
  apply: (workspace, node) => {
    const norm = node.saved[1]!;
    const { shape, strides } = node.saved[0]!;
    const unit = workspace.empty(shape, norm.dtype, DIV, strides);
    const mask = workspace.empty(norm.shape, bool, operation('eq'), norm.strides);
    const result = workspace.empty(shape, norm.dtype, operation('mul'), strides);
    for (const temporary of [mask, unit]) workspace.consume(temporary);
    return [result];
  },
};

/** (2 / n) * grad * (self - self.mean()) */
const VARIANCE_FORMULA: Formula = {
  operation: VARIANCE,
  apply: (workspace, node) => {
    const x = node.saved[0]!;
    const scaled = workspace.emptyLike(node.gradient, operation('mul'));
    const mean = workspace.emptyLike(node.gradient, MEAN);
    const centred = workspace.emptyLike(x, operation('sub'));
    const result = workspace.emptyLike(x, operation('mul'));
    for (const temporary of [centred, mean, scaled]) workspace.consume(temporary);
    return [result];
  },
};

/** The gradient shared among the elements that are extreme: a mask, the product and the quotient. */
const EXTREME_FORMULA: Formula = {
  operation: EXTREME,
  apply: (workspace, node) => {
    const x = node.saved[0]!;
    const mask = workspace.empty(x.shape, bool, operation('eq'), x.strides);
    const product = workspace.emptyLike(x, operation('mul'));
    const result = workspace.emptyLike(x, DIV);
    workspace.consume(product);
    workspace.consume(mask);
    return [result];
  },
};

/** Zeros of the input's size into which the gradient is scattered: in place, or made anew while recorded. */
const MAX_ALONG_FORMULA: Formula = {
  operation: MAX_ALONG,
  apply: (workspace, node) => {
    const shape = node.shapes![0]!;
    const { dtype } = node.gradient;
    const zeros = workspace.empty(shape, dtype, operation('new_zeros'));
    if (!workspace.recorded) return [zeros];
    const result = workspace.empty(shape, dtype, operation('scatter'));
    workspace.consume(zeros);
    return [result];
  },
};

interface SavingReduction extends Reduction {
  savesResult: boolean;
  /** On autocast's list `fp32_set_opt_dtype`: the result is fp32, the input stays as it is. */
  raisesResult: boolean;
}

/** A reduction that keeps its input. */
function reduceSaving(engine: Engine, x: EngineTensor, reduction: SavingReduction): EngineTensor {
  const { formula, dims, keepDims, raisesResult } = reduction;
  const node = engine.record(formula, [x]);
  engine.save(node, x);
  const dtype = raisesResult && engine.autocast !== null && isAutocastable(x.dtype) ? float32 : x.dtype;
  const out = engine.empty(reducedShape(x.shape, dims, keepDims), dtype, formula.operation);
  if (reduction.savesResult) engine.save(node, out);
  engine.attach(out, node);
  engine.consume(x);
  return out;
}

function maxAlong(
  engine: Engine,
  x: EngineTensor,
  dims: readonly number[],
  keep: boolean,
): [EngineTensor, EngineTensor] {
  const node = engine.record(MAX_ALONG_FORMULA, [x]);
  if (node !== null) node.shapes = [x.shape];
  const shape = reducedShape(x.shape, dims, keep);
  const values = engine.attach(engine.empty(shape, x.dtype, MAX_ALONG), node);
  const indices = engine.empty(shape, int64, MAX_ALONG);
  engine.save(node, indices);
  engine.consume(x);
  return [values, indices];
}

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

type SavingReductions = Pick<TensorOperations, 'vectorNorm' | 'variance' | 'extreme' | 'maxAlong'>;

function savingReductions(engine: Engine): SavingReductions {
  const saving =
    (formula: Formula, savesResult: boolean, raisesResult: boolean) =>
    (x: Tensor, dims: readonly number[], keepDims: boolean): Tensor =>
      reduceSaving(engine, own(x), { formula, dims, keepDims, savesResult, raisesResult });
  return {
    vectorNorm: saving(NORM_FORMULA, true, true),
    variance: saving(VARIANCE_FORMULA, false, false),
    extreme: saving(EXTREME_FORMULA, true, false),
    maxAlong: (x, dims, keepDims) => maxAlong(engine, own(x), dims, keepDims),
  };
}

export function reductionOperations(engine: Engine): ReductionOperations & SavingReductions {
  return {
    mean: (x, dims, keepDims) => reduce(engine, own(x), { formula: MEAN_FORMULA, dims, keepDims }),
    sum: (x, dims, keepDims) => sum(engine, own(x), dims, keepDims),
    softmax: (x, dtype) => softmax(engine, own(x), dtype),
    ...savingReductions(engine),
  };
}
