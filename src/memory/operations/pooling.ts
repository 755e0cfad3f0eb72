import { int64 } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { SpatialWindow, Tensor, TensorOperations } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Strides } from '../autograd/strides.js';
import { consumeCast, raised } from '../precision/autocast.js';
import { channelsLastStrides, isChannelsLast } from './views.js';

const MAX_POOL = operation('max_pool2d_with_indices');
const AVERAGE_POOL = operation('avg_pool2d');
const ADAPTIVE_POOL = operation('adaptive_avg_pool2d');
const ADAPTIVE_MAX_POOL = operation('adaptive_max_pool2d');
const MEAN = operation('mean');

/** The gradient in the input's layout. */
const likeInput = (forward: number, backward: string): Formula => ({
  operation: forward,
  apply: (workspace, node) => [workspace.emptyLike(node.saved[0]!, operation(backward))],
});
const MAX_POOL_FORMULA = likeInput(MAX_POOL, 'max_pool2d_with_indices_backward');
const ADAPTIVE_MAX_POOL_FORMULA = likeInput(ADAPTIVE_MAX_POOL, 'adaptive_max_pool2d_backward');
const AVERAGE_POOL_FORMULA = likeInput(AVERAGE_POOL, 'avg_pool2d_backward');

/** Pooling to one pixel is a mean: the gradient expanded and divided. */
const MEAN_FORMULA: Formula = { operation: MEAN, apply: (workspace, node) => [inputSized(workspace, node, 'div')] };
const ADAPTIVE_POOL_FORMULA: Formula = {
  operation: ADAPTIVE_POOL,
  apply: (workspace, node) => [inputSized(workspace, node, 'adaptive_avg_pool2d_backward')],
};

export function inputSized(workspace: Workspace, node: Parameters<Formula['apply']>[1], name: string): EngineTensor {
  const { shape, strides } = node.next[0]!.outputs[node.outputNumbers[0]!]!;
  return workspace.empty(shape, node.gradient.dtype, operation(name), name === 'div' ? null : strides);
}

function pooledSize(size: number, { kernel, stride, padding, dilation, ceil }: SpatialWindow, dim: number): number {
  const step = stride[dim]!;
  const reach = dilation[dim]! * (kernel[dim]! - 1) + 1;
  const steps = (size + 2 * padding[dim]! - reach) / step;
  if (!ceil) return Math.floor(steps) + 1;
  const count = Math.ceil(steps) + 1;
  return (count - 1) * step >= size + padding[dim]! ? count - 1 : count;
}

/** Spatial dimensions are the last ones, as many as the window has. */
function pooledShape(x: EngineTensor, window: SpatialWindow): Shape {
  const first = x.shape.length - window.kernel.length;
  return x.shape.map((size, i) => (i < first ? size : pooledSize(size, window, i - first)));
}

const stridesLike = (x: EngineTensor, shape: Shape): Strides =>
  x.strides === null || shape.length !== 4 ? null : channelsLastStrides(shape);

/** Keeps the input and the position of each maximum. */
function withIndices(engine: Engine, x: EngineTensor, formula: Formula, shape: Shape): EngineTensor {
  const node = engine.record(formula, [x]);
  engine.save(node, x);
  const strides = stridesLike(x, shape);
  const out = engine.attach(engine.empty(shape, x.dtype, formula.operation, strides), node);
  const indices = engine.empty(shape, int64, formula.operation, strides);
  engine.save(node, indices);
  engine.consume(indices);
  engine.consume(x);
  return out;
}

function averagePool(engine: Engine, x: EngineTensor, window: SpatialWindow): EngineTensor {
  const node = engine.record(AVERAGE_POOL_FORMULA, [x]);
  engine.save(node, x);
  const shape = pooledShape(x, window);
  const out = engine.attach(engine.empty(shape, x.dtype, AVERAGE_POOL, stridesLike(x, shape)), node);
  engine.consume(x);
  return out;
}

/** The mean of a channels-last map is given channels-last strides by `as_strided`, whose backward writes into zeros. */
const AS_STRIDED_FORMULA: Formula = {
  operation: operation('as_strided'),
  apply: (workspace, node) => [workspace.empty(node.gradient.shape, node.gradient.dtype, operation('new_zeros'))],
};

function asChannelsLast(engine: Engine, x: EngineTensor): EngineTensor {
  const node = engine.record(AS_STRIDED_FORMULA, [x]);
  const out = engine.attach(engine.viewOf(x, x.shape, x.strides), node);
  engine.consume(x);
  return out;
}

function adaptiveAveragePool(engine: Engine, x: EngineTensor, size: Shape): EngineTensor {
  const toOne = size.every((one) => one === 1);
  const node = engine.record(toOne ? MEAN_FORMULA : ADAPTIVE_POOL_FORMULA, [x]);
  if (!toOne) engine.save(node, x);
  const shape = [...x.shape.slice(0, x.shape.length - size.length), ...size];
  const out = engine.attach(engine.empty(shape, x.dtype, toOne ? MEAN : ADAPTIVE_POOL, stridesLike(x, shape)), node);
  const restrides = toOne && shape.length === 4 && isChannelsLast(x);
  engine.consume(x);
  return restrides ? asChannelsLast(engine, out) : out;
}

/** Nothing of the input is kept but its size. */
const interpolateFormula = (kernel: string): Formula => ({
  operation: operation(kernel),
  apply: (workspace, node) => [inputSized(workspace, node, `${kernel}_backward`)],
});
const INTERPOLATE_FORMULAS = new Map<string, Formula>();

function formulaOf(kernel: string): Formula {
  const known = INTERPOLATE_FORMULAS.get(kernel);
  if (known !== undefined) return known;
  const formula = interpolateFormula(kernel);
  INTERPOLATE_FORMULAS.set(kernel, formula);
  return formula;
}

/** On autocast's fp32 list. */
function interpolate(engine: Engine, x: EngineTensor, size: Shape, kernel: string): EngineTensor {
  const source = raised(engine, x);
  const formula = formulaOf(kernel);
  const node = engine.record(formula, [source]);
  const shape = [x.shape[0]!, x.shape[1]!, ...size];
  const out = engine.attach(engine.empty(shape, source.dtype, formula.operation, stridesLike(x, shape)), node);
  consumeCast(engine, x, source);
  return out;
}

type PoolingOperations = Pick<
  TensorOperations,
  'maxPool' | 'averagePool' | 'adaptiveAveragePool' | 'adaptiveMaxPool' | 'interpolate'
>;

export function poolingOperations(engine: Engine): PoolingOperations {
  const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
  return {
    maxPool: (x, window) => withIndices(engine, own(x), MAX_POOL_FORMULA, pooledShape(own(x), window)),
    averagePool: (x, window) => averagePool(engine, own(x), window),
    adaptiveAveragePool: (x, size) => adaptiveAveragePool(engine, own(x), size),
    adaptiveMaxPool: (x, size) => {
      const shape = [...x.shape.slice(0, x.shape.length - size.length), ...size];
      return withIndices(engine, own(x), ADAPTIVE_MAX_POOL_FORMULA, shape);
    },
    interpolate: (x, size, kernel) => interpolate(engine, own(x), size, kernel),
  };
}
