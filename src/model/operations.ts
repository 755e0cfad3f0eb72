import type { DType } from './dtype.js';
import type {
  BatchNormalisation,
  Block,
  Buffer,
  Convolution,
  Linear,
  Normalisation,
  Parameter,
  Recurrent,
  Shape,
} from './module-tree.js';

/** A tensor without data. Models see its shape and type only; what it costs is the interpreter's matter. */
export interface Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a module returns: a tensor, or several. */
export type Returned = Tensor | readonly (Tensor | null)[] | null;
export type Argument = Tensor | null;

/**
 * Python's names. A tensor that an operation returns is *floating*: whoever takes it as an argument uses it up.
 * What a name refers to is kept until the name is rebound or its frame ends; a module's arguments live until it returns.
 */
export interface NameOperations {
  /** Opens the frame of a call; its arguments live until `leave`. Use `module`, which pairs the two. */
  enter(args: readonly Argument[]): void;
  /** Ends the frame: everything kept in it is dropped, what is returned survives as floating. */
  leave<R extends Returned>(result: R): R;
  /** `name = value`. */
  keep<T extends Tensor>(value: T): T;
  /** `name = value` where the name held `old`: it dies now, after the new value exists. */
  rebind(old: Tensor, value: Tensor): Tensor;
  /** `del name`, or a floating value that nobody takes. */
  drop(value: Tensor): void;
  /** Runs a repeated layer: checkpointed, gathered and resharded as the run says. */
  block<R extends Returned>(block: Block, args: readonly Argument[], body: BlockBody<R>): R;
  /** Runs a call that the model's own code checkpoints (`torch.utils.checkpoint`), whatever the run says. */
  recomputed<R extends Returned>(args: readonly Argument[], body: BlockBody<R>): R;
  /** Runs without recording for backward. */
  noGrad<R>(body: () => R): R;
  /** Computes the loss, in a region of its own where the run compiles it. */
  loss(body: () => Tensor): Tensor;
  /** Runs where what autograd saves stays on the device, although the run offloads activations. */
  keepingOnDevice<R>(body: () => R): R;
  /** Runs outside of autocast. */
  withoutAutocast<R>(body: () => R): R;
}

export type BlockBody<R extends Returned> = (args: readonly Argument[]) => R;

export interface CreationOperations {
  /** A new tensor that depends on no other: `arange`, `ones`, `full`, ... */
  create(name: string, shape: Shape, dtype: DType): Tensor;
  parameter(parameter: Parameter): Tensor;
  buffer(buffer: Buffer): Tensor;
}

export interface ElementwiseOperations {
  add(a: Tensor, b: Tensor): Tensor;
  sub(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  div(a: Tensor, b: Tensor): Tensor;
  /** `x + number`, `x - number`. */
  addScalar(x: Tensor): Tensor;
  /** `x * number`, `x / number`. */
  mulScalar(x: Tensor): Tensor;
  /** `x *= number`, `x /= number`. */
  mulScalarInPlace(x: Tensor): Tensor;
  neg(x: Tensor): Tensor;
  pow(x: Tensor, exponent: number): Tensor;
  rsqrt(x: Tensor): Tensor;
  sqrt(x: Tensor): Tensor;
  exp(x: Tensor): Tensor;
  log(x: Tensor): Tensor;
  cos(x: Tensor): Tensor;
  sin(x: Tensor): Tensor;
  tanh(x: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  gelu(x: Tensor): Tensor;
  /** GELU by an autograd function that keeps its input alone and works out the rest again (BLOOM's `GeLUFunction`). */
  geluRecomputed(x: Tensor): Tensor;
  silu(x: Tensor): Tensor;
  /** `silu(gate) * up` in one kernel. */
  swiglu(gate: Tensor, up: Tensor): Tensor;
  /** `F.silu(x, inplace=True)`: autograd keeps a clone of the input. */
  siluInPlace(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  reluInPlace(x: Tensor): Tensor;
  /** `F.relu6(x, inplace=True)`, a clamp: autograd keeps a clone of the input. */
  relu6InPlace(x: Tensor): Tensor;
  hardswish(x: Tensor): Tensor;
  /** `F.hardswish(x, inplace=True)`: autograd keeps a clone of the input. */
  hardswishInPlace(x: Tensor): Tensor;
  hardsigmoid(x: Tensor): Tensor;
  /** `x.clip(least, most)`, or with the upper end alone. */
  clamp(x: Tensor, sides?: 'both' | 'above'): Tensor;
  /** `x * angles` as complex numbers in pairs, by angles that autograd does not follow. */
  mulComplex(x: Tensor, angles: Tensor): Tensor;
  /** `x.view(...).mul_(y)`: autograd writes the gradient into a copy of the whole (CopySlices). */
  mulThroughView(x: Tensor, y: Tensor): Tensor;
  /** `x.view(...).mul_(number)`, `div_`: the same. */
  mulScalarThroughView(x: Tensor): Tensor;
  /** `x /= divisor`: autograd keeps a clone of x as it was. */
  divInPlace(x: Tensor, divisor: Tensor): Tensor;
  /** `x += y` on a value that autograd needs no longer. */
  addInPlace(x: Tensor, y: Tensor): Tensor;
  dropout(x: Tensor, probability: number): Tensor;
  /** `F.dropout(x, p, inplace=True)`: a product with noise in the input's type. */
  dropoutInPlace(x: Tensor, probability: number): Tensor;
  to(x: Tensor, dtype: DType): Tensor;
  /** `x` in autocast's type, where that is on; the input is not used up. */
  toAutocast(x: Tensor): Tensor;
  /** The same for an operand that autocast lowers: copies of parameters are kept until it is left. */
  lowered(x: Tensor): Tensor;
  where(condition: Tensor, x: Tensor, other: Tensor): Tensor;
  maskedFill(x: Tensor, mask: Tensor): Tensor;
  /** `x.masked_fill_(mask, value)` */
  maskedFillInPlace(x: Tensor, mask: Tensor): Tensor;
  /** A result that autograd does not follow: comparisons, logic on masks and indices. */
  derive(name: string, inputs: readonly Tensor[], shape: Shape, dtype: DType): Tensor;
}

export interface ReductionOperations {
  mean(x: Tensor, dims: readonly number[], keepDims: boolean): Tensor;
  sum(x: Tensor, dims: readonly number[], keepDims: boolean): Tensor;
  /** `dtype`: computed and returned in this type, as `softmax(x, dim, dtype=...)`. */
  softmax(x: Tensor, dtype?: DType): Tensor;
}

export interface ViewOperations {
  view(x: Tensor, shape: Shape): Tensor;
  /** A view where strides allow it, else a copy. */
  reshape(x: Tensor, shape: Shape): Tensor;
  /** `view_as_complex`, `view_as_real`: pairs of numbers as one of another type, and back. */
  viewAs(x: Tensor, shape: Shape, dtype: DType): Tensor;
  transpose(x: Tensor, a: number, b: number): Tensor;
  permute(x: Tensor, order: readonly number[]): Tensor;
  unsqueeze(x: Tensor, dim: number): Tensor;
  /** `x[:, ..., from:to]` along one dimension. */
  slice(x: Tensor, dim: number, from: number, to: number): Tensor;
  /** `x[:, from::step]` along one dimension. */
  everyNth(x: Tensor, dim: number, range: readonly [from: number, step: number]): Tensor;
  /** `x[:, i]`: the dimension goes. */
  select(x: Tensor, dim: number): Tensor;
  split(x: Tensor, sizes: readonly number[], dim: number): Tensor[];
  unbind(x: Tensor, dim: number): Tensor[];
  expand(x: Tensor, shape: Shape): Tensor;
  contiguous(x: Tensor): Tensor;
  cat(parts: readonly Tensor[], dim: number): Tensor;
  /** `x[:, ..., from:] = value` along one dimension. */
  assignFrom(x: Tensor, dim: number, from: number, value: Tensor): Tensor;
  /** `F.pad`: before and after, last dimension first. */
  pad(x: Tensor, padding: readonly number[]): Tensor;
  roll(x: Tensor): Tensor;
}

export interface MatrixOperations {
  linear(x: Tensor, layer: Linear): Tensor;
  matmul(a: Tensor, b: Tensor): Tensor;
  bmm(a: Tensor, b: Tensor): Tensor;
  /** `input.baddbmm(a, b)`; `scaled`: the product is multiplied by a number (`alpha`), as its gradients are. */
  baddbmm(input: Tensor, a: Tensor, b: Tensor, options?: { scaled: boolean }): Tensor;
}

export interface AttentionOptions {
  mask?: Tensor | null;
  causal: boolean;
  dropout: number;
  /** `enable_gqa`: fewer key than query heads, not expanded by the model. */
  grouped?: boolean;
}

export interface AttentionOperations {
  /** Which attention the run asks for: the model's own Python, or `F.scaled_dot_product_attention`. */
  readonly attention: 'eager' | 'sdpa' | 'flash';
  /** q, k, v as [batch, heads, length, head size]. */
  scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor;
}

export interface NormalisationOperations {
  layerNorm(x: Tensor, layer: Normalisation): Tensor;
  groupNorm(x: Tensor, layer: Normalisation, groups: number): Tensor;
  batchNorm(x: Tensor, layer: BatchNormalisation): Tensor;
}

export interface PoolingWindow {
  kernel: number;
  stride: number;
  padding: number;
  /** `ceil_mode` */
  ceil: boolean;
}

export interface ImageOperations {
  /** `F.conv1d` or `F.conv3d`, after the layer's kernel. */
  conv(x: Tensor, layer: Convolution): Tensor;
  conv2d(x: Tensor, layer: Convolution): Tensor;
  convTranspose2d(x: Tensor, layer: Convolution): Tensor;
  maxPool2d(x: Tensor, window: PoolingWindow): Tensor;
  avgPool2d(x: Tensor, window: PoolingWindow): Tensor;
  adaptiveAvgPool2d(x: Tensor, size: number): Tensor;
  /** `F.interpolate(x, size=[height, width])` */
  upsample(x: Tensor, size: readonly [number, number], mode: 'nearest' | 'bilinear'): Tensor;
}

/** Sizes along each spatial dimension; as many as the images have. */
export interface ConvolutionWindow {
  readonly stride: Shape;
  readonly padding: Shape;
  readonly dilation: Shape;
  readonly groups: number;
  /** Of a transposed convolution; null: not transposed. */
  readonly outputPadding: Shape | null;
}

export interface SpatialWindow {
  readonly kernel: Shape;
  readonly stride: Shape;
  readonly padding: Shape;
  readonly dilation: Shape;
  readonly ceil: boolean;
}

/** Weights that a model computes, or that stand in no layer. */
export interface Affine {
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
}

/** Elementwise functions of one tensor, by PyTorch's names. */
export type ElementwiseName =
  | 'neg'
  | 'rsqrt'
  | 'sqrt'
  | 'exp'
  | 'log'
  | 'cos'
  | 'sin'
  | 'atan'
  | 'tanh'
  | 'sigmoid'
  | 'gelu'
  | 'silu'
  | 'relu'
  | 'hardswish'
  | 'hardsigmoid'
  | 'hardtanh'
  | 'leaky_relu'
  | 'elu'
  | 'mish'
  | 'softplus'
  | 'clamp'
  | 'abs'
  | 'erf'
  | 'log1p'
  | 'reciprocal'
  | 'log2'
  | 'square'
  | 'expm1'
  | 'log_sigmoid'
  | 'selu'
  | 'floor';

/** Operations with their weights as tensors and any number of dimensions: what recorded graphs are made of. */
export interface TensorOperations {
  linearWith(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor;
  convolution(x: Tensor, weight: Tensor, bias: Tensor | null, window: ConvolutionWindow): Tensor;
  /** `training: false`: with running statistics, as frozen layers have it. */
  batchNormWith(x: Tensor, affine: Affine, training: boolean): Tensor;
  /** Over the last `dims` dimensions. */
  layerNormWith(x: Tensor, affine: Affine, dims: number): Tensor;
  /** `F.rms_norm` */
  rmsNormWith(x: Tensor, weight: Tensor | null, dims: number): Tensor;
  groupNormWith(x: Tensor, affine: Affine, groups: number): Tensor;
  embeddingWith(indices: Tensor, table: Tensor): Tensor;
  mm(a: Tensor, b: Tensor): Tensor;
  addmm(bias: Tensor, a: Tensor, b: Tensor): Tensor;
  elementwise(x: Tensor, name: ElementwiseName): Tensor;
  /** The same written over the input: autograd keeps the result or a clone of the input, as the function needs. */
  elementwiseInPlace(x: Tensor, name: ElementwiseName): Tensor;
  addScalarInPlace(x: Tensor): Tensor;
  subInPlace(x: Tensor, y: Tensor): Tensor;
  mulInPlace(x: Tensor, y: Tensor): Tensor;
  maximum(a: Tensor, b: Tensor): Tensor;
  detach(x: Tensor): Tensor;
  clone(x: Tensor): Tensor;
  stack(parts: readonly Tensor[], dim: number): Tensor;
  maxPool(x: Tensor, window: SpatialWindow): Tensor;
  averagePool(x: Tensor, window: SpatialWindow): Tensor;
  adaptiveAveragePool(x: Tensor, size: Shape): Tensor;
  adaptiveMaxPool(x: Tensor, size: Shape): Tensor;
  /** `interpolate` by the name of its kernel, such as `upsample_bicubic2d`. */
  interpolate(x: Tensor, size: Shape, kernel: string): Tensor;
  /** `linalg.vector_norm` */
  vectorNorm(x: Tensor, dims: readonly number[], keepDims: boolean): Tensor;
  variance(x: Tensor, dims: readonly number[], keepDims: boolean): Tensor;
  /** `amax`, `amin` */
  extreme(x: Tensor, dims: readonly number[], keepDims: boolean): Tensor;
  /** `max(dim)`: values and indices. */
  maxAlong(x: Tensor, dims: readonly number[], keepDims: boolean): [Tensor, Tensor];
  logSoftmax(x: Tensor): Tensor;
  /** A copy with its elements in other places and another shape, such as `pixel_shuffle` or `im2col`. */
  rearranged(inputs: readonly Tensor[], name: string, shape: Shape): Tensor;
}

export interface IndexOperations {
  embedding(indices: Tensor, table: Parameter): Tensor;
  gather(x: Tensor, dim: number, index: Tensor): Tensor;
  /** `x[index]` with an index tensor along the first dimension. */
  index(x: Tensor, index: readonly Tensor[], shape: Shape): Tensor;
  /** `x.scatter(dim, index, number)`: a new tensor. */
  scatterValue(x: Tensor, index: Tensor): Tensor;
  /** `x.index_select(dim, index)` */
  indexSelect(x: Tensor, dim: number, index: Tensor): Tensor;
  /** `x.index_copy(dim, index, source)`: a new tensor. */
  indexCopy(x: Tensor, index: Tensor, source: Tensor): Tensor;
  /** `x.index_add(0, index, source)`: a new tensor. */
  indexAdd(x: Tensor, index: Tensor, source: Tensor): Tensor;
  /** `x.index_add_(0, index, source)`. */
  indexAddInPlace(x: Tensor, index: Tensor, source: Tensor): Tensor;
  /** `x.scatter_(dim, index, source)` or `x[index] = source`, into a tensor that autograd does not follow. */
  scatterInPlace(x: Tensor, index: Tensor, source: Tensor): Tensor;
  /** Values and indices of the k largest along a dimension, the last where left out. */
  topK(x: Tensor, k: number, dim?: number): [Tensor, Tensor];
}

export interface RecurrentOperations {
  /** `nn.LSTM` or `nn.GRU` over [steps, batch, features]: the output of the last layer for each step. */
  recurrent(x: Tensor, layer: Recurrent): Tensor;
}

export interface LossOperations {
  /** Mean over the rows of [rows, classes] or [n, classes, h, w]; `none`: one loss for each row. */
  crossEntropy(logits: Tensor, target: Tensor, reduction?: 'mean' | 'none'): Tensor;
  /** Cross-entropy in one kernel, whose gradient takes the place of the logits. */
  fusedCrossEntropy(logits: Tensor, target: Tensor): Tensor;
  /** The head's product and cross-entropy in one, over some rows at a time. */
  fusedLinearCrossEntropy(x: Tensor, head: Linear): Tensor;
  /** `F.nll_loss` over rows, the sum or the mean. */
  nllLoss(logProbabilities: Tensor, target: Tensor): Tensor;
  /** The head's product, and of each row the log-probability of its target and the entropy, some columns at a time. */
  headLogProbabilities(x: Tensor, head: Linear, target: Tensor): [logProbabilities: Tensor, entropies: Tensor];
  mseLoss(input: Tensor, target: Tensor): Tensor;
}

/** What ranks that share a layer or a sequence exchange. */
export interface CollectiveOperations {
  /** The parts of all ranks along a dimension; backward scatters the sum. */
  allGather(x: Tensor, dim: number, ranks: number): Tensor;
  /** This rank's part of the sum over all ranks; backward gathers. */
  reduceScatter(x: Tensor, dim: number, ranks: number): Tensor;
  /** Causal attention over a sequence that is spread over ranks; heads as for `scaledDotProductAttention`. */
  ringAttention(q: Tensor, k: Tensor, v: Tensor, ranks: number): Tensor;
}

/** How the loss of a language model is computed: over all logits at once, in chunks, or with the head in one kernel. */
export type LossKind = 'standard' | 'chunked' | 'fused-linear';

/** What the run decides of its model's code, beside attention. */
export interface CodeOperations {
  readonly lossKind: LossKind;
  /** Kernels that take the place of the model's Python: `liger`, `fused-cross-entropy`, ... */
  readonly kernels: ReadonlySet<string>;
  /** Whether the run's version of a package is lower than this one, part by part; unknown ones are taken for new. */
  isBefore(name: string, version: readonly number[]): boolean;
}

/** Kernels that do the work of several operations, and keep less for backward than they would. */
export interface FusedOperations {
  /** `residual + dropout(x + bias)` */
  biasDropoutAdd(x: Tensor, bias: Tensor | null, residual: Tensor, probability: number): Tensor;
  /** `gelu(x + bias)` */
  biasGelu(x: Tensor, bias: Tensor | null): Tensor;
  /** `silu(a) * b` of the two halves of x. */
  fusedSwiglu(x: Tensor): Tensor;
  /** Loss of each row, of logits that are spread over ranks. */
  vocabParallelCrossEntropy(logits: Tensor, labels: Tensor): Tensor;
  /** Scaling, causal mask and softmax of attention's scores. */
  maskedSoftmax(scores: Tensor): Tensor;
  /** A linear layer without its bias, whose input is gathered along the first dimension; only the part is kept. */
  gatheredLinear(x: Tensor, layer: Linear, ranks: number): Tensor;
  /** A part of a layer that a run may recompute by itself, by its name. */
  section<R extends Returned>(name: string, args: readonly Argument[], body: BlockBody<R>): R;
}

/** How tokens get to their experts and back. Rows are spread evenly. */
export interface RoutingOperations {
  /** Rows copied, put in another order, or summed up: as many as said come out. */
  permuteRows(x: Tensor, rows: number): Tensor;
  /** `MultiplierProcessor` of Phi-3.5-MoE: `multiplier * mask`; its gradient goes to `scores` alone. */
  sparseMixer(scores: Tensor, multiplier: Tensor, by: { selected: Tensor; gates: Tensor; mask: Tensor }): Tensor;
  /** As many rows come in as go out. */
  allToAll(x: Tensor): Tensor;
  /** Each row times the weight of its expert; all experts of the rank are one layer. */
  groupedLinear(x: Tensor, layer: Linear, width: number): Tensor;
}

/** The vocabulary that models are written in. Names and order of evaluation are PyTorch's. */
export interface Operations
  extends
    NameOperations,
    CreationOperations,
    ElementwiseOperations,
    ReductionOperations,
    ViewOperations,
    MatrixOperations,
    AttentionOperations,
    NormalisationOperations,
    ImageOperations,
    TensorOperations,
    IndexOperations,
    LossOperations,
    RecurrentOperations,
    CollectiveOperations,
    CodeOperations,
    FusedOperations,
    RoutingOperations {
  /** Dropout as the run overrides it, or the model's own. */
  dropoutOf(own: number): number;
}

/** Makes a module of a forward function: its arguments and everything it keeps live until it returns. */
export function module<A extends readonly Argument[], R extends Returned>(
  forward: (operations: Operations, ...args: A) => R,
): (operations: Operations, ...args: A) => R {
  return (operations, ...args) => {
    operations.enter(args);
    return operations.leave(forward(operations, ...args));
  };
}
