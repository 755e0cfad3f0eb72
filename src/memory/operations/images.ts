import { int64 } from '../../model/dtype.js';
import type { Convolution, Parameter, Shape } from '../../model/module-tree.js';
import type { ImageOperations, PoolingWindow, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Strides } from '../autograd/strides.js';
import { elementCount } from '../autograd/strides.js';
import { consumeCast, lowered, raised } from '../precision/autocast.js';
import type { ConvolutionCall } from './convolution-workspace.js';
import { channelsLastStrides, isChannelsLast } from './views.js';

const CONVOLUTION = operation('convolution');
const CONVOLUTION_BACKWARD = operation('convolution_backward');
const MAX_POOL = operation('max_pool2d_with_indices');
const AVERAGE_POOL = operation('avg_pool2d');
const ADAPTIVE_POOL = operation('adaptive_avg_pool2d');
const MEAN = operation('mean');

/** Gradients of a convolution's inputs, in order, by the kernel that makes them; the bias's is a sum. */
const GRADIENT_PASSES = ['input-gradient', 'weight-gradient', null] as const;

/** Input, weight and bias gradients in one call. */
const CONVOLUTION_FORMULA: Formula = {
  operation: CONVOLUTION,
  apply: (workspace, node) =>
    node.next.map((next, i) => {
      if (next === null) return null;
      const { shape } = next.outputs[node.outputNumbers[i]!]!;
      const strides = shape.length === 4 && isLaidChannelsLast(node) ? channelsLastStrides(shape) : null;
      const gradient = workspace.empty(shape, node.gradient.dtype, CONVOLUTION_BACKWARD, strides);
      const pass = GRADIENT_PASSES[i] ?? null;
      const [input, weight] = node.saved;
      if (pass !== null && input && weight) runKernel(workspace, pass, { input, weight, output: node.gradient });
      return gradient;
    }),
};

/** Input and weight gradients have the layout that the convolution chose. */
const isLaidChannelsLast = (node: Node): boolean => node.outputs[0]!.strides !== null;

const bytesOf = ({ shape, dtype }: EngineTensor): number => elementCount(shape) * dtype.bytes;

/** The library's scratch memory, for as long as the kernel runs. */
function runKernel(
  workspace: Workspace,
  pass: ConvolutionCall['pass'],
  { input, weight, output }: Record<'input' | 'weight' | 'output', EngineTensor>,
): void {
  workspace.lendWorkspace({
    pass,
    dtype: input.dtype,
    inputBytes: bytesOf(input),
    outputBytes: bytesOf(output),
    weightBytes: bytesOf(weight),
    depthwise: weight.shape[1] === 1 && input.shape[1]! > 1,
    channelsLast: output.strides !== null,
  });
}

const MAX_POOL_FORMULA: Formula = {
  operation: MAX_POOL,
  apply: (workspace, node) => [workspace.emptyLike(node.saved[0]!, operation('max_pool2d_with_indices_backward'))],
};

const AVERAGE_POOL_FORMULA: Formula = {
  operation: AVERAGE_POOL,
  apply: (workspace, node) => [workspace.emptyLike(node.saved[0]!, operation('avg_pool2d_backward'))],
};

/** Pooling to one pixel is a mean: the gradient expanded and divided. */
const MEAN_FORMULA: Formula = { operation: MEAN, apply: (workspace, node) => [inputSized(workspace, node, 'div')] };
const ADAPTIVE_POOL_FORMULA: Formula = {
  operation: ADAPTIVE_POOL,
  apply: (workspace, node) => [inputSized(workspace, node, 'adaptive_avg_pool2d_backward')],
};

function inputSized(workspace: Workspace, node: Parameters<Formula['apply']>[1], name: string): EngineTensor {
  const { shape, strides } = node.next[0]!.outputs[node.outputNumbers[0]!]!;
  return workspace.empty(shape, node.gradient.dtype, operation(name), name === 'div' ? null : strides);
}

type TensorOf = (parameter: Parameter) => EngineTensor;

/** Output size of a convolution or pooling along one dimension. */
function outputSize(
  size: number,
  window: { kernel: number; stride: number; padding: number; dilation: number },
): number {
  const { kernel, stride, padding, dilation } = window;
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

function convolvedShape(x: EngineTensor, layer: Convolution): Shape {
  const { kernel, stride, padding, dilation } = layer;
  const space = kernel.map((size, dim) =>
    outputSize(x.shape[2 + dim]!, { kernel: size, stride: stride[dim]!, padding: padding[dim]!, dilation }),
  );
  return [x.shape[0]!, layer.weight.shape[0]!, ...space];
}

function transposedShape(x: EngineTensor, layer: Convolution): Shape {
  const { kernel, stride, padding } = layer;
  const space = kernel.map((size, dim) => (x.shape[2 + dim]! - 1) * stride[dim]! - 2 * padding[dim]! + size);
  return [x.shape[0]!, layer.weight.shape[1]! * layer.groups, ...space];
}

/** Channels last where input or weight is (cudnn_conv_suggest_memory_format). */
function convolutionStrides(x: EngineTensor, weight: EngineTensor, shape: Shape): Strides {
  if (shape.length !== 4) return null;
  return x.strides === null && weight.strides === null ? null : channelsLastStrides(shape);
}

/** Autocast casts bias, weight, input; input and weight are kept. */
function convolve(
  engine: Engine,
  x: EngineTensor,
  layer: Convolution,
  at: { shape: Shape; tensorOf: TensorOf },
): EngineTensor {
  const ownBias = layer.bias && at.tensorOf(layer.bias);
  const ownWeight = at.tensorOf(layer.weight);
  const bias = ownBias && lowered(engine, ownBias);
  const weight = lowered(engine, ownWeight);
  const input = lowered(engine, x);
  const node = engine.record(CONVOLUTION_FORMULA, [input, weight, bias]);
  engine.save(node, input);
  engine.save(node, weight);
  const strides = convolutionStrides(input, weight, at.shape);
  const out = engine.attach(engine.empty(at.shape, input.dtype, CONVOLUTION, strides), node);
  runKernel(engine, 'forward', { input, weight, output: out });
  consumeCast(engine, x, input);
  consumeCast(engine, ownWeight, weight);
  if (ownBias && bias) consumeCast(engine, ownBias, bias);
  return out;
}

function pooledSize(size: number, { kernel, stride, padding, ceil }: PoolingWindow): number {
  const steps = (size + 2 * padding - kernel) / stride;
  if (!ceil) return Math.floor(steps) + 1;
  const count = Math.ceil(steps) + 1;
  return (count - 1) * stride >= size + padding ? count - 1 : count;
}

/** Keeps the input and the position of each maximum. */
function maxPool(engine: Engine, x: EngineTensor, pooling: PoolingWindow): EngineTensor {
  const node = engine.record(MAX_POOL_FORMULA, [x]);
  engine.save(node, x);
  const shape = [x.shape[0]!, x.shape[1]!, pooledSize(x.shape[2]!, pooling), pooledSize(x.shape[3]!, pooling)];
  const strides = x.strides === null ? null : channelsLastStrides(shape);
  const out = engine.attach(engine.empty(shape, x.dtype, MAX_POOL, strides), node);
  const indices = engine.empty(shape, int64, MAX_POOL, strides);
  engine.save(node, indices);
  engine.consume(indices);
  engine.consume(x);
  return out;
}

function averagePool(engine: Engine, x: EngineTensor, pooling: PoolingWindow): EngineTensor {
  const node = engine.record(AVERAGE_POOL_FORMULA, [x]);
  engine.save(node, x);
  const shape = [x.shape[0]!, x.shape[1]!, pooledSize(x.shape[2]!, pooling), pooledSize(x.shape[3]!, pooling)];
  const strides = x.strides === null ? null : channelsLastStrides(shape);
  const out = engine.attach(engine.empty(shape, x.dtype, AVERAGE_POOL, strides), node);
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

function adaptivePool(engine: Engine, x: EngineTensor, size: number): EngineTensor {
  const node = engine.record(size === 1 ? MEAN_FORMULA : ADAPTIVE_POOL_FORMULA, [x]);
  if (size !== 1) engine.save(node, x);
  const shape = [x.shape[0]!, x.shape[1]!, size, size];
  const strides = x.strides === null ? null : channelsLastStrides(shape);
  const out = engine.attach(engine.empty(shape, x.dtype, size === 1 ? MEAN : ADAPTIVE_POOL, strides), node);
  const restrides = size === 1 && isChannelsLast(x);
  engine.consume(x);
  return restrides ? asChannelsLast(engine, out) : out;
}

/** Nothing of the input is kept but its size. */
const upsampleFormula = (name: string): Formula => ({
  operation: operation(name),
  apply: (workspace, node) => [inputSized(workspace, node, `${name}_backward`)],
});
const UPSAMPLE_FORMULAS = {
  nearest: upsampleFormula('upsample_nearest2d'),
  bilinear: upsampleFormula('upsample_bilinear2d'),
};

/** On autocast's fp32 list. */
function upsample(engine: Engine, x: EngineTensor, size: readonly [number, number], formula: Formula): EngineTensor {
  const source = raised(engine, x);
  const node = engine.record(formula, [source]);
  const shape = [x.shape[0]!, x.shape[1]!, ...size];
  const strides = x.strides === null ? null : channelsLastStrides(shape);
  const out = engine.attach(engine.empty(shape, source.dtype, formula.operation, strides), node);
  consumeCast(engine, x, source);
  return out;
}

export function imageOperations(engine: Engine, tensorOf: TensorOf): ImageOperations {
  const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
  return {
    conv: (x, layer) => convolve(engine, own(x), layer, { shape: convolvedShape(own(x), layer), tensorOf }),
    conv2d: (x, layer) => convolve(engine, own(x), layer, { shape: convolvedShape(own(x), layer), tensorOf }),
    convTranspose2d: (x, layer) => convolve(engine, own(x), layer, { shape: transposedShape(own(x), layer), tensorOf }),
    maxPool2d: (x, window) => maxPool(engine, own(x), window),
    avgPool2d: (x, window) => averagePool(engine, own(x), window),
    upsample: (x, size, mode) => upsample(engine, own(x), size, UPSAMPLE_FORMULAS[mode]),
    adaptiveAvgPool2d: (x, size) => adaptivePool(engine, own(x), size),
  };
}
