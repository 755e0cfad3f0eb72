import type { DType } from '../../model/dtype.js';
import { float16, float32 } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { ReductionOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementwiseStrides } from '../autograd/strides.js';
import { consumeCast, toType } from '../precision/autocast.js';

const MEAN = operation('mean');
const SUM = operation('sum');
const DIV = operation('div');
const SOFTMAX = operation('softmax');
const SOFTMAX_BACKWARD = operation('softmax_backward');

/** The gradient expanded to the input's size and divided by the count. */
const MEAN_FORMULA: Formula = {
  operation: MEAN,
  apply: (workspace, node) => [workspace.empty(node.shapes![0]!, node.gradient.dtype, DIV)],
};

/** The gradient expanded to the input's size: a view. */
const SUM_FORMULA: Formula = {
  operation: SUM,
  apply: (workspace, node) => {
    const shape = node.shapes![0]!;
    return [workspace.viewOf(node.gradient, shape, new Array<number>(shape.length).fill(0))];
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
}

function reduce(engine: Engine, x: EngineTensor, { formula, dims, keepDims }: Reduction): EngineTensor {
  const node = engine.record(formula, [x]);
  if (node !== null) node.shapes = [x.shape];
  const shape = reducedShape(x.shape, dims, keepDims);
  const strides = x.strides === null || !keepDims ? null : elementwiseStrides(shape, [{ shape, strides: x.strides }]);
  const out = engine.attach(engine.empty(shape, x.dtype, formula.operation, strides), node);
  engine.consume(x);
  return out;
}

/** Softmax over the last dimension. fp16 to fp32 happens inside the kernel, other raises are casts of their own. */
export function softmax(engine: Engine, x: EngineTensor, asked?: DType): EngineTensor {
  const dtype = asked ?? (engine.autocast === null ? x.dtype : float32);
  const fused = x.dtype === float16 && dtype === float32;
  const source = fused ? x : toType(engine, x, dtype);
  const node = engine.record(SOFTMAX_FORMULA, [source]);
  const out = engine.attach(engine.emptyLike(source, SOFTMAX, dtype), node);
  engine.save(node, out);
  consumeCast(engine, x, source);
  return out;
}

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

export function reductionOperations(engine: Engine): ReductionOperations {
  return {
    mean: (x, dims, keepDims) => reduce(engine, own(x), { formula: MEAN_FORMULA, dims, keepDims }),
    sum: (x, dims, keepDims) => reduce(engine, own(x), { formula: SUM_FORMULA, dims, keepDims }),
    softmax: (x, dtype) => softmax(engine, own(x), dtype),
  };
}
