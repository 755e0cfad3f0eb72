import type { DType } from '../dtype.js';
import { bfloat16, bool, complex128, complex64, float16, float32, float64, int32, int64, uint8 } from '../dtype.js';
import type { Linear } from '../module-tree.js';
import type { ElementwiseName, Operations, SpatialWindow, Tensor } from '../operations.js';
import type { WrittenAttribute } from './recorded-graph.js';
import type { Sizes } from './sizes.js';

/** One step as it is run: its inputs, its attributes, and what may be asked about the run. */
export interface StepCall {
  inputs: readonly (Tensor | null)[];
  attributes: readonly WrittenAttribute[];
  sizes: Sizes;
  /** Type of the weights: that of results which follow the model. */
  weights: DType;
  /** The layer whose own weight is the second input, where there is one. */
  linear: Linear | null;
}

export type StepOperation = (ops: Operations, call: StepCall) => Tensor | readonly Tensor[];

const TYPES: Readonly<Record<string, DType>> = {
  complex128,
  complex64,
  float64,
  float32,
  float16,
  bfloat16,
  int64,
  int32,
  uint8,
  bool,
  int16: { name: 'int16', bytes: 2, floating: false },
  int8: { name: 'int8', bytes: 1, floating: false },
};

/** A type by PyTorch's name; `weights` follows the model. */
export const dtypeOf = (name: WrittenAttribute, weights: DType): DType =>
  name === 'weights' ? weights : (TYPES[String(name)] ?? float32);

const first = ({ inputs }: StepCall): Tensor => inputs[0]!;
const second = ({ inputs }: StepCall): Tensor => inputs[1]!;
const list = (call: StepCall, place: number): readonly number[] =>
  call.sizes.list(call.attributes[place]!, call.inputs);
const size = (call: StepCall, place: number): number => call.sizes.size(call.attributes[place]!, call.inputs);
/** Sizes to pool to; null keeps the input's own. */
function pooledSize(call: StepCall): readonly number[] {
  const wanted = call.attributes[0] as readonly WrittenAttribute[];
  const own = first(call).shape.slice(-wanted.length);
  return wanted.map((one, dim) => (one === null ? own[dim]! : call.sizes.size(one, call.inputs)));
}

const affine = ({ inputs }: StepCall): { weight: Tensor | null; bias: Tensor | null } => ({
  weight: inputs[1] ?? null,
  bias: inputs[2] ?? null,
});
const spatial = (call: StepCall): SpatialWindow => ({
  kernel: list(call, 0),
  stride: list(call, 1),
  padding: list(call, 2),
  dilation: list(call, 3),
  ceil: call.attributes[4] === true,
});

/** A copy at batch sizes at which the dimensions do not join: the parts of a recorded `reshape` are what it came to then. */
const viewed: StepOperation = (ops, call) => ops.reshape(first(call), list(call, 0));

/** Padding with what lies at the edges; `padding` counts from the last dimension, as PyTorch's does. */
const paddedFromEdges: StepOperation = (ops, call) => {
  const { shape } = first(call);
  const padding = list(call, 1);
  const last = shape.length - 1;
  const grown = shape.map((dim, i) => dim + (padding[2 * (last - i)] ?? 0) + (padding[2 * (last - i) + 1] ?? 0));
  return ops.rearranged([first(call)], String(call.attributes[0]), grown);
};

const convolution =
  (transposed: boolean): StepOperation =>
  (ops, call) =>
    ops.convolution(first(call), second(call), call.inputs[2] ?? null, {
      stride: list(call, 0),
      padding: list(call, 1),
      dilation: list(call, 2),
      groups: size(call, 3),
      outputPadding: transposed ? list(call, 4) : null,
    });

const reduction =
  (name: 'mean' | 'sum' | 'vectorNorm' | 'variance' | 'extreme'): StepOperation =>
  (ops, call) =>
    ops[name](first(call), list(call, 0), call.attributes[1] === true);

/** Names of catalog/tools/recorder for the operations of the vocabulary. */
export const STEP_OPERATIONS: Readonly<Record<string, StepOperation>> = {
  linear: (ops, call) =>
    call.linear !== null
      ? ops.linear(first(call), call.linear)
      : ops.linearWith(first(call), second(call), call.inputs[2] ?? null),
  convolution: convolution(false),
  convolutionTranspose: convolution(true),
  batchNorm: (ops, call) => ops.batchNormWith(first(call), affine(call), call.attributes[0] === true),
  layerNorm: (ops, call) => ops.layerNormWith(first(call), affine(call), size(call, 0)),
  rmsNorm: (ops, call) => ops.rmsNormWith(first(call), call.inputs[1] ?? null, size(call, 0)),
  groupNorm: (ops, call) => ops.groupNormWith(first(call), affine(call), size(call, 0)),
  scaledDotProductAttention: (ops, call) =>
    ops.scaledDotProductAttention(first(call), second(call), call.inputs[2]!, {
      mask: call.inputs[3] ?? null,
      causal: call.attributes[0] === true,
      dropout: ops.dropoutOf(Number(call.attributes[1])),
      grouped: call.attributes[2] === true,
    }),
  dropout: (ops, call) => ops.dropout(first(call), ops.dropoutOf(Number(call.attributes[0]))),
  dropoutInPlace: (ops, call) => ops.dropoutInPlace(first(call), ops.dropoutOf(Number(call.attributes[0]))),
  matmul: (ops, call) => ops.matmul(first(call), second(call)),
  mm: (ops, call) => ops.mm(first(call), second(call)),
  addmm: (ops, call) => ops.addmm(first(call), second(call), call.inputs[2]!),
  bmm: (ops, call) => ops.bmm(first(call), second(call)),
  baddbmm: (ops, call) => ops.baddbmm(first(call), second(call), call.inputs[2]!),
  to: (ops, call) => ops.to(first(call), call.inputs[1]?.dtype ?? dtypeOf(call.attributes[0]!, call.weights)),
  crossEntropy: (ops, call) =>
    ops.crossEntropy(first(call), second(call), call.attributes[0] === 'none' ? 'none' : 'mean'),

  add: (ops, call) => ops.add(first(call), second(call)),
  sub: (ops, call) => ops.sub(first(call), second(call)),
  mul: (ops, call) => ops.mul(first(call), second(call)),
  div: (ops, call) => ops.div(first(call), second(call)),
  addInPlace: (ops, call) => ops.addInPlace(first(call), second(call)),
  subInPlace: (ops, call) => ops.subInPlace(first(call), second(call)),
  mulInPlace: (ops, call) => ops.mulInPlace(first(call), second(call)),
  divInPlace: (ops, call) => ops.divInPlace(first(call), second(call)),
  addScalar: (ops, call) => ops.addScalar(first(call)),
  mulScalar: (ops, call) => ops.mulScalar(first(call)),
  addScalarInPlace: (ops, call) => ops.addScalarInPlace(first(call)),
  mulScalarInPlace: (ops, call) => ops.mulScalarInPlace(first(call)),
  powTensor: (ops, { inputs }) => {
    const operands = inputs.filter((input) => input !== null);
    const [widest] = operands.toSorted((a, b) => b.shape.length - a.shape.length);
    return ops.derive('pow', operands, widest!.shape, widest!.dtype);
  },
  pow: (ops, call) => ops.pow(first(call), Number(call.attributes[0])),
  unary: (ops, call) => ops.elementwise(first(call), call.attributes[0] as ElementwiseName),
  unaryInPlace: (ops, call) => ops.elementwiseInPlace(first(call), call.attributes[0] as ElementwiseName),
  maximum: (ops, call) => ops.maximum(first(call), second(call)),
  where: (ops, call) => ops.where(first(call), second(call), call.inputs[2]!),
  maskedFill: (ops, call) => ops.maskedFill(first(call), second(call)),

  mean: reduction('mean'),
  sum: reduction('sum'),
  norm: reduction('vectorNorm'),
  variance: reduction('variance'),
  extreme: reduction('extreme'),
  maxAlong: (ops, call) => ops.maxAlong(first(call), list(call, 0), call.attributes[1] === true),
  topK: (ops, call) => ops.topK(first(call), size(call, 0), call.attributes.length > 1 ? size(call, 1) : undefined),
  softmax: (ops, call) => ops.softmax(first(call)),
  logSoftmax: (ops, call) => ops.logSoftmax(first(call)),

  view: viewed,
  assign: (ops, call) => ops.assignFrom(first(call), 0, 0, second(call)),
  viewAs: (ops, call) => ops.viewAs(first(call), list(call, 0), dtypeOf(call.attributes[1]!, call.weights)),
  reshape: (ops, call) => ops.reshape(first(call), list(call, 0)),
  detach: (ops, call) => ops.detach(first(call)),
  transpose: (ops, call) => ops.transpose(first(call), size(call, 0), size(call, 1)),
  permute: (ops, call) => ops.permute(first(call), list(call, 0)),
  slice: (ops, call) => {
    const from = size(call, 1);
    return ops.slice(first(call), size(call, 0), from, from + size(call, 2));
  },
  everyNth: (ops, call) => ops.everyNth(first(call), size(call, 0), [size(call, 1), size(call, 2)]),
  select: (ops, call) => ops.select(first(call), size(call, 0)),
  split: (ops, call) => ops.split(first(call), list(call, 0), size(call, 1)),
  unbind: (ops, call) => ops.unbind(first(call), size(call, 0)),
  expand: (ops, call) => ops.expand(first(call), list(call, 0)),
  contiguous: (ops, call) => ops.contiguous(first(call)),
  clone: (ops, call) => ops.clone(first(call)),
  cat: (ops, call) => ops.cat(call.inputs as readonly Tensor[], size(call, 0)),
  stack: (ops, call) => ops.stack(call.inputs as readonly Tensor[], size(call, 0)),
  pad: (ops, call) => ops.pad(first(call), list(call, 0)),
  padSaving: paddedFromEdges,
  roll: (ops, call) => ops.roll(first(call)),
  rearranged: (ops, call) =>
    ops.rearranged(call.inputs as readonly Tensor[], String(call.attributes[0]), list(call, 1)),

  maxPool: (ops, call) => ops.maxPool(first(call), spatial(call)),
  averagePool: (ops, call) => ops.averagePool(first(call), spatial(call)),
  adaptiveAveragePool: (ops, call) => ops.adaptiveAveragePool(first(call), pooledSize(call)),
  adaptiveMaxPool: (ops, call) => ops.adaptiveMaxPool(first(call), list(call, 0)),
  upsample: (ops, call) => ops.interpolate(first(call), list(call, 0), String(call.attributes[1])),

  embedding: (ops, call) => ops.embeddingWith(first(call), second(call)),
  index: (ops, call) => ops.index(first(call), call.inputs.slice(1) as Tensor[], list(call, 0)),
  gather: (ops, call) => ops.gather(first(call), size(call, 0), second(call)),
  create: (ops, call) =>
    ops.create(String(call.attributes[0]), list(call, 1), dtypeOf(call.attributes[2]!, call.weights)),
  createLike: (ops, call) => ops.create(String(call.attributes[0]), list(call, 1), first(call).dtype),
  derive: (ops, call) =>
    ops.derive(
      String(call.attributes[0]),
      call.inputs as readonly Tensor[],
      list(call, 1),
      dtypeOf(call.attributes[2]!, call.weights),
    ),
};
