import type { DType } from '../../model/dtype.js';
import { bfloat16, bool, float16, float32, int64 } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { AttentionOptions } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { contiguousStrides, normalise } from '../autograd/strides.js';
import { consumeCast, lowered } from '../precision/autocast.js';
import { mathAttention } from './attention-math.js';
import { expand, pad, slice } from './views.js';

const FLASH = operation('scaled_dot_product_flash_attention');
const FLASH_BACKWARD = operation('scaled_dot_product_flash_attention_backward');
const EFFICIENT = operation('scaled_dot_product_efficient_attention');
const EFFICIENT_BACKWARD = operation('scaled_dot_product_efficient_attention_backward');

export type AttentionKernel = 'flash' | 'efficient' | 'math';

/** Kernels that a run may use, as `sdpa_kernel` contexts and hardware allow. */
export interface KernelChoice {
  flash: boolean;
  efficient: boolean;
}

export interface AttentionInputs {
  q: EngineTensor;
  k: EngineTensor;
  v: EngineTensor;
  mask: EngineTensor | null;
  options: AttentionOptions;
}

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;
const isHalf = (dtype: DType): boolean => dtype === float16 || dtype === bfloat16;

const headSize = (tensor: EngineTensor): number => tensor.shape[3]!;
const sameHeads = ({ q, k, v }: AttentionInputs): boolean => q.shape[1] === k.shape[1] && k.shape[1] === v.shape[1];
const squareIfCausal = ({ q, k, options }: AttentionInputs): boolean => !options.causal || q.shape[2] === k.shape[2];

/** sdp_utils.cpp of PyTorch 2.9: 16-bit, no mask, head size up to 256, grouped heads allowed if asked for. */
function flashTakes(inputs: AttentionInputs): boolean {
  const { q, k, v, mask, options } = inputs;
  if (!isHalf(q.dtype) || mask !== null || headSize(q) > 256) return false;
  if (headSize(k) !== headSize(q) || headSize(v) !== headSize(q)) return false;
  return squareIfCausal(inputs) && (options.grouped === true || sameHeads(inputs));
}

/** Any mask, fp32 too, but no grouped heads; head sizes aligned to 16 bytes. */
function efficientTakes(inputs: AttentionInputs): boolean {
  const { q, v } = inputs;
  const alignment = q.dtype === float32 ? 4 : 8;
  if (headSize(q) % alignment !== 0 || headSize(v) % alignment !== 0) return false;
  return sameHeads(inputs) && squareIfCausal(inputs);
}

/** The kernel that torch's chooser takes: flash before memory-efficient before math, and math where there are not four dimensions. */
export function chooseKernel(inputs: AttentionInputs, allowed: KernelChoice): AttentionKernel {
  if (inputs.q.shape.length !== 4) return 'math';
  if (allowed.flash && flashTakes(inputs)) return 'flash';
  return allowed.efficient && efficientTakes(inputs) ? 'efficient' : 'math';
}

/** [batch, heads, length, size] over memory ordered [batch, length, heads, size]. */
function headsView(workspace: Workspace, like: EngineTensor, name: number, size = headSize(like)): EngineTensor {
  const [batch, heads, length] = like.shape as readonly [number, number, number];
  const shape = [batch, heads, length, size];
  const strides = [length * heads * size, size, heads * size, 1];
  return workspace.empty(shape, like.dtype, name, normalise(shape, strides));
}

/** dq, dk, dv in the layout of q, k, v; then for the moment softmax sums, an fp32 dq and, with grouped heads, expanded dk and dv. */
const FLASH_FORMULA: Formula = {
  operation: FLASH,
  apply: (workspace, node) => {
    const [q, k, v] = node.saved as [EngineTensor, EngineTensor, EngineTensor];
    const gradients = [q, k, v].map((tensor) => workspace.emptyLike(tensor, FLASH_BACKWARD));
    const sizes = flashBackwardScratch(q, k);
    const scratch = sizes.map((bytes) => workspace.scratch(bytes, FLASH_BACKWARD));
    for (const storage of scratch) workspace.discard(storage);
    return needed(workspace, node, gradients);
  },
};

/** Memory that flash attention takes for a moment in backward, in bytes. */
export function flashBackwardScratch(q: EngineTensor, k: EngineTensor): number[] {
  const [batch, heads, length, size] = q.shape as readonly [number, number, number, number];
  const rows = batch * heads * roundUp(length, 128);
  const sizes = [rows * 4, rows * roundUp(size, size <= 128 ? 32 : 64) * 4];
  const expanded = batch * k.shape[2]! * heads * size * q.dtype.bytes;
  return k.shape[1] === heads ? sizes : [...sizes, expanded, expanded];
}

/** dq, dk, dv; then for the moment the row sums and, in 16 bit, an fp32 dq. */
const EFFICIENT_FORMULA: Formula = {
  operation: EFFICIENT,
  apply: (workspace, node) => {
    const [q, k, v] = node.saved as [EngineTensor, EngineTensor, EngineTensor];
    const gradients = [q, k, v].map((tensor) => headsView(workspace, tensor, EFFICIENT_BACKWARD));
    if (node.needs(3)) gradients.push(maskGradient(workspace, node.saved[3]!));
    const scratch = efficientBackwardScratch(q, v).map((bytes) => workspace.scratch(bytes, EFFICIENT_BACKWARD));
    for (const storage of scratch) workspace.discard(storage);
    return needed(workspace, node, gradients);
  },
};

/** Rows of the mask's gradient are aligned to 16 elements (aten/src/ATen/native/transformers/cuda/attention_backward.cu). */
function maskGradient(workspace: Workspace, mask: EngineTensor): EngineTensor {
  const rows = mask.shape.slice(0, -1);
  const length = mask.shape[mask.shape.length - 1]!;
  const aligned = workspace.empty([...rows, roundUp(length, 16)], mask.dtype, EFFICIENT_BACKWARD);
  if (length % 16 === 0) return aligned;
  const gradient = workspace.viewOf(aligned, mask.shape, contiguousStrides(aligned.shape));
  workspace.consume(aligned);
  return gradient;
}

function efficientBackwardScratch(q: EngineTensor, v: EngineTensor): number[] {
  const [batch, heads, length, size] = q.shape as readonly [number, number, number, number];
  const rowSums = batch * heads * length * 4;
  if (!isHalf(q.dtype)) return [batch * heads * length * headSize(v) * 4, rowSums];
  return [rowSums, batch * heads * roundUp(length, 128) * roundUp(size, 32) * 4];
}

/** The kernel computes all gradients; those that nobody needs die at once. */
function needed(workspace: Workspace, node: Node, gradients: EngineTensor[]): (EngineTensor | null)[] {
  return gradients.map((gradient, i) => {
    if (node.next[i]) return gradient;
    workspace.consume(gradient);
    return null;
  });
}

function flash(engine: Engine, { q, k, v }: AttentionInputs): EngineTensor {
  const node = engine.record(FLASH_FORMULA, [q, k, v]);
  for (const tensor of [q, k, v]) engine.save(node, tensor);
  const [batch, heads, length] = q.shape as readonly [number, number, number];
  const out = engine.emptyLike(q, FLASH);
  const logSumExp = engine.empty([batch, heads, length], float32, FLASH);
  const seed = engine.empty([2], int64, FLASH);
  const offset = engine.empty([], int64, FLASH);
  for (const tensor of [out, logSumExp, seed, offset]) engine.save(node, tensor);
  for (const tensor of [logSumExp, seed, offset]) engine.consume(tensor);
  return engine.attach(out, node);
}

/** Rows of a mask begin at multiples of this many elements. */
const MASK_ALIGNMENT = 8;

/**
 * The mask as the kernel takes it: a view of rows padded to the alignment, expanded to batch and heads
 * (pad_bias of aten/src/ATen/native/transformers/attention.cpp).
 */
function kernelMask(engine: Engine, mask: EngineTensor, shape: Shape): EngineTensor {
  engine.hold(mask);
  const last = mask.shape.length - 1;
  const length = mask.shape[last]!;
  const missing = roundUp(length, MASK_ALIGNMENT) - length;
  const padded = missing === 0 ? mask : slice(engine, pad(engine, mask, [0, missing]), last, [0, length]);
  const expanded = expand(engine, padded, shape);
  engine.float(mask);
  return expanded;
}

function efficient(engine: Engine, { q, k, v, mask: given }: AttentionInputs): EngineTensor {
  const mask = given && kernelMask(engine, given, [q.shape[0]!, q.shape[1]!, q.shape[2]!, k.shape[2]!]);
  const out = efficientKernel(engine, { q, k, v, mask });
  if (mask !== null && mask !== given) engine.consume(mask);
  return out;
}

function efficientKernel(engine: Engine, { q, k, v, mask }: Omit<AttentionInputs, 'options'>): EngineTensor {
  const node = engine.record(EFFICIENT_FORMULA, [q, k, v, mask]);
  for (const tensor of [q, k, v]) engine.save(node, tensor);
  if (mask !== null) engine.save(node, mask);
  const [batch, heads, length] = q.shape as readonly [number, number, number];
  const out = headsView(engine, q, EFFICIENT, headSize(v));
  const rows = node === null ? 0 : roundUp(length, 32);
  const logSumExp = engine.empty([batch, heads, rows], float32, EFFICIENT);
  const seed = engine.empty([], int64, EFFICIENT);
  const offset = engine.empty([], int64, EFFICIENT);
  for (const tensor of [out, logSumExp, seed, offset]) engine.save(node, tensor);
  for (const tensor of [logSumExp, seed, offset]) engine.consume(tensor);
  return engine.attach(out, node);
}

/** A boolean mask becomes zeros and minus infinities in the type of the scores (convert_boolean_attn_mask). */
export function floatMask(engine: Engine, mask: EngineTensor, dtype: DType): EngineTensor {
  if (mask.dtype !== bool) return mask;
  const zeros = engine.empty(mask.shape, dtype, operation('zeros'));
  const inverse = engine.empty(mask.shape, bool, operation('logical_not'));
  engine.consume(inverse);
  return zeros;
}

/** `F.scaled_dot_product_attention`; autocast casts mask, value, key, query. */
export function scaledDotProductAttention(
  engine: Engine,
  inputs: AttentionInputs,
  allowed: KernelChoice,
): EngineTensor {
  const given = [inputs.q, inputs.k, inputs.v];
  const [q, k, v] = given.map((tensor) => lowered(engine, tensor)) as [EngineTensor, EngineTensor, EngineTensor];
  const cast = inputs.mask && lowered(engine, inputs.mask);
  const mask = cast && floatMask(engine, cast, q.dtype);
  const { autocast } = engine;
  engine.autocast = null;
  const held = [q, k, v].map((tensor) => engine.hold(tensor));
  const ownMask = mask === cast ? null : mask;
  if (ownMask !== null) engine.hold(ownMask);
  const out = run(engine, { q, k, v, mask, options: inputs.options }, allowed);
  engine.autocast = autocast;
  for (const tensor of held) engine.float(tensor);
  held.forEach((tensor, i) => consumeCast(engine, given[i]!, tensor));
  if (ownMask !== null) engine.release(ownMask);
  if (inputs.mask && cast) consumeCast(engine, inputs.mask, cast);
  return out;
}

/** Flash attention takes head sizes in eights. */
const FLASH_ALIGNMENT = 8;

/** Smaller heads are padded for the kernel, and its result cut (pad_last_dim of transformers/attention.cpp). */
function alignedFlash(engine: Engine, inputs: AttentionInputs): EngineTensor {
  const size = headSize(inputs.q);
  const missing = roundUp(size, FLASH_ALIGNMENT) - size;
  if (missing === 0) return flash(engine, inputs);
  const padded = [inputs.q, inputs.k, inputs.v].map((tensor) => {
    engine.hold(tensor);
    const wide = engine.hold(pad(engine, tensor, [0, missing]));
    engine.float(tensor);
    return wide;
  });
  const [q, k, v] = padded as [EngineTensor, EngineTensor, EngineTensor];
  const out = slice(engine, flash(engine, { ...inputs, q, k, v }), 3, [0, size]);
  for (const tensor of padded) engine.release(tensor);
  return out;
}

function run(engine: Engine, inputs: AttentionInputs, allowed: KernelChoice): EngineTensor {
  const kernel = chooseKernel(inputs, allowed);
  if (kernel === 'flash') return alignedFlash(engine, inputs);
  return kernel === 'efficient' ? efficient(engine, inputs) : mathAttention(engine, inputs);
}
