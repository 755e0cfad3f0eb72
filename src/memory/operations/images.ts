import type { Convolution, Parameter, Shape } from '../../model/module-tree.js';
import type {
  ConvolutionWindow,
  ImageOperations,
  PoolingWindow,
  SpatialWindow,
  Tensor,
  TensorOperations,
} from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Strides } from '../autograd/strides.js';
import { elementCount } from '../autograd/strides.js';
import { consumeCast, lowered } from '../precision/autocast.js';
import type { ConvolutionCall, FilterKind } from './convolution-workspace.js';
import { FILTER_KINDS } from './convolution-workspace.js';
import { poolingOperations } from './pooling.js';
import { channelsLastStrides } from './views.js';

const CONVOLUTION = operation('convolution');
const CONVOLUTION_BACKWARD = operation('convolution_backward');

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
      const filter = FILTER_KINDS[node.attribute] ?? 'other';
      if (pass !== null && input && weight)
        runKernel(workspace, pass, { input, weight, output: node.gradient, filter });
      return gradient;
    }),
};

/** Input and weight gradients have the layout that the convolution chose. */
const isLaidChannelsLast = (node: Node): boolean => node.outputs[0]!.strides !== null;

const bytesOf = ({ shape, dtype }: EngineTensor): number => elementCount(shape) * dtype.bytes;

interface Kernel extends Record<'input' | 'weight' | 'output', EngineTensor> {
  filter: FilterKind;
}

/** The library's scratch memory, for as long as the kernel runs. */
function runKernel(
  workspace: Workspace,
  pass: ConvolutionCall['pass'],
  { input, weight, output, filter }: Kernel,
): void {
  workspace.lendWorkspace({
    pass,
    dtype: input.dtype,
    inputBytes: bytesOf(input),
    outputBytes: bytesOf(output),
    weightBytes: bytesOf(weight),
    depthwise: weight.shape[1] === 1 && input.shape[1]! > 1,
    channelsLast: output.strides !== null,
    filter,
  });
}

/** A filter as the library tells them apart; its place in FILTER_KINDS is the node's attribute. */
function filterKind(weight: Shape, { stride, dilation, groups, outputPadding }: ConvolutionWindow): FilterKind {
  const [, , ...size] = weight;
  const steps = [...stride, ...dilation].every((step) => step === 1);
  if (!steps || groups !== 1 || outputPadding !== null) return 'other';
  if (size.every((pixels) => pixels === 1)) return 'pointwise';
  return size.length === 2 && size.every((pixels) => pixels === 3) ? 'dense3x3' : 'other';
}

type TensorOf = (parameter: Parameter) => EngineTensor;

/** Output size of a convolution along one dimension. */
function outputSize(size: number, weight: Shape, window: ConvolutionWindow, dim: number): number {
  const kernel = weight[2 + dim]!;
  const stride = window.stride[dim]!;
  const padding = window.padding[dim]!;
  const dilation = window.dilation[dim]!;
  if (window.outputPadding !== null)
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + window.outputPadding[dim]! + 1;
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

function convolvedShape(x: EngineTensor, weight: Shape, window: ConvolutionWindow): Shape {
  const channels = window.outputPadding === null ? weight[0]! : weight[1]! * window.groups;
  return [x.shape[0]!, channels, ...x.shape.slice(2).map((size, dim) => outputSize(size, weight, window, dim))];
}

/** Channels last where input or weight is (cudnn_conv_suggest_memory_format). */
function convolutionStrides(x: EngineTensor, weight: EngineTensor, shape: Shape): Strides {
  return shape.length !== 4 || (x.strides === null && weight.strides === null) ? null : channelsLastStrides(shape);
}

interface Weights {
  weight: EngineTensor;
  bias: EngineTensor | null;
}

/** Autocast casts bias, weight, input; input and weight are kept. */
function convolve(engine: Engine, x: EngineTensor, own: Weights, window: ConvolutionWindow): EngineTensor {
  const bias = own.bias && lowered(engine, own.bias);
  const weight = lowered(engine, own.weight);
  const input = lowered(engine, x);
  const node = engine.record(CONVOLUTION_FORMULA, [input, weight, bias]);
  engine.save(node, input);
  engine.save(node, weight);
  const filter = filterKind(weight.shape, window);
  if (node !== null) node.attribute = FILTER_KINDS.indexOf(filter);
  const shape = convolvedShape(x, weight.shape, window);
  const strides = convolutionStrides(input, weight, shape);
  const out = engine.attach(engine.empty(shape, input.dtype, CONVOLUTION, strides), node);
  runKernel(engine, 'forward', { input, weight, output: out, filter });
  consumeCast(engine, x, input);
  consumeCast(engine, own.weight, weight);
  if (own.bias && bias) consumeCast(engine, own.bias, bias);
  return out;
}

const windowOf = ({ stride, padding, dilation, groups }: Convolution, transposed: boolean): ConvolutionWindow => ({
  stride,
  padding,
  dilation: stride.map(() => dilation),
  groups,
  outputPadding: transposed ? stride.map(() => 0) : null,
});

const squareWindow = ({ kernel, stride, padding, ceil }: PoolingWindow): SpatialWindow => ({
  kernel: [kernel, kernel],
  stride: [stride, stride],
  padding: [padding, padding],
  dilation: [1, 1],
  ceil,
});

const KERNELS = { nearest: 'upsample_nearest2d', bilinear: 'upsample_bilinear2d' } as const;

type SpatialOperations = ImageOperations & Pick<TensorOperations, 'convolution'> & ReturnType<typeof poolingOperations>;

export function imageOperations(engine: Engine, tensorOf: TensorOf): SpatialOperations {
  const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
  const weightsOf = ({ weight, bias }: Convolution): Weights => ({
    weight: tensorOf(weight),
    bias: bias && tensorOf(bias),
  });
  const pools = poolingOperations(engine);
  return {
    ...pools,
    convolution: (x, weight, bias, window) =>
      convolve(engine, own(x), { weight: own(weight), bias: bias && own(bias) }, window),
    conv: (x, layer) => convolve(engine, own(x), weightsOf(layer), windowOf(layer, false)),
    conv2d: (x, layer) => convolve(engine, own(x), weightsOf(layer), windowOf(layer, false)),
    convTranspose2d: (x, layer) => convolve(engine, own(x), weightsOf(layer), windowOf(layer, true)),
    maxPool2d: (x, window) => pools.maxPool(x, squareWindow(window)),
    avgPool2d: (x, window) => pools.averagePool(x, squareWindow(window)),
    upsample: (x, size, mode) => pools.interpolate(x, size, KERNELS[mode]),
    adaptiveAvgPool2d: (x, size) => pools.adaptiveAveragePool(x, [size, size]),
  };
}
