import { bool, int64 } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** What the mask of a decoder is made from. */
export interface MaskParts {
  attentionMask: Tensor;
  positions: Tensor;
  embeds: Tensor;
  /** Tokens that each token sees, itself included; null: all before it. */
  window?: number | null;
  /** Tokens see those of their own chunk of `window` tokens (Llama 4), in place of the tokens just before them. */
  chunked?: boolean;
  /** The model has no code for SDPA, so that eager attention takes its place. */
  eagerForSdpa?: boolean;
}

/**
 * `create_causal_mask` of transformers 4.57 for a mask without padding. SDPA finds that nothing is masked and asks the
 * kernel for causality, unless a window is shorter than the sequence; eager attention gets a float mask
 * [batch, 1, length, length].
 */
export function causalMask(ops: Operations, parts: MaskParts): Tensor | null {
  if (ops.attention === 'flash') return null;
  const { attentionMask, positions, embeds } = parts;
  ops.enter([attentionMask, positions, embeds]);
  const padding = ops.keep(ops.to(attentionMask, bool));
  const leftPadding = parts.chunked && parts.window != null ? ops.keep(leftPaddingOf(ops, padding)) : null;
  const looks = { windowed: parts.window != null, leftPadding };
  if (ops.attention === 'eager' || parts.eagerForSdpa) return ops.leave(eagerMask(ops, padding, parts, looks));
  const windowed = parts.window != null && parts.window <= padding.shape[1]!;
  if (windowed) return ops.leave(booleanMask(ops, padding, positions, looks));
  ops.drop(ops.derive('all', [padding], [], bool));
  return ops.leave(null);
}

/** What layers see beside causality: a window, or chunks that begin after each sequence's padding. */
interface Looks {
  windowed: boolean;
  leftPadding: Tensor | null;
}

/** `(attention_mask.cumsum(-1) == zeros).sum(-1)`: how much padding each sequence has on the left. */
function leftPaddingOf(ops: Operations, padding: Tensor): Tensor {
  const { shape } = padding;
  const sums = ops.derive('cumsum', [], shape, int64);
  const zeros = ops.derive('zeros_like', [], shape, bool);
  return ops.derive('sum', [ops.derive('eq', [sums, zeros], shape, bool)], [shape[0]!], int64);
}

/** `eager_mask`: zeros where attention is allowed, the type's least value elsewhere. */
function eagerMask(ops: Operations, padding: Tensor, { positions, embeds }: MaskParts, looks: Looks): Tensor {
  const allowed = ops.keep(booleanMask(ops, padding, positions, looks));
  const zero = ops.create('to_copy', [], embeds.dtype);
  const least = ops.create('scalar_tensor', [], embeds.dtype);
  return ops.where(allowed, zero, least);
}

/** `sdpa_mask`: index arithmetic over query and key positions, and the padding mask of each sequence. */
function booleanMask(ops: Operations, padding: Tensor, positions: Tensor, looks: Looks): Tensor {
  ops.enter([padding, positions]);
  const [batch, length] = padding.shape as readonly [number, number];
  const keys = ops.keep(ops.create('arange', [length], int64));
  ops.keep(ops.create('arange', [batch], int64));
  ops.keep(ops.create('arange', [1], int64));
  const pairs = ops.keep(visiblePairs(ops, keys, looks));
  const visible = ops.derive('index', [padding], [batch, length], bool);
  return ops.leave(ops.derive('bitwise_and', [pairs, visible], [batch, 1, length, length], bool));
}

/** Which query sees which key: keys not after it and, with a window, not too far back. */
function visiblePairs(ops: Operations, keys: Tensor, { windowed, leftPadding }: Looks): Tensor {
  ops.enter([keys]);
  const length = keys.shape[0]!;
  const square = [length, length];
  ops.keep(ops.create('new_ones', [length], bool));
  if (leftPadding !== null) return ops.leave(chunkPairs(ops, leftPadding, length));
  const seen = windowed ? windowPairs(ops, keys) : ops.create('le', square, bool);
  return ops.leave(ops.derive('bitwise_and', [seen], square, bool));
}

/** `chunked_overlay` and causality, for each sequence of the batch: one more `and` than the caller's. */
function chunkPairs(ops: Operations, leftPadding: Tensor, length: number): Tensor {
  const batch = leftPadding.shape[0]!;
  const shape = [batch, length, length];
  const all = ops.keep(ops.create('new_ones', [length], bool));
  const chunkOf = (): Tensor => {
    const own = ops.derive('index', [], [batch], int64);
    return ops.derive('floor_divide', [ops.derive('sub', [own], [batch, length], int64)], [batch, length], int64);
  };
  const [ofKeys, ofQueries] = [chunkOf(), chunkOf()];
  const same = ops.rebind(
    all,
    ops.derive('bitwise_and', [ops.derive('eq', [ofKeys, ofQueries], shape, bool)], shape, bool),
  );
  const near = ops.rebind(same, ops.derive('bitwise_and', [ops.create('le', [length, length], bool)], shape, bool));
  return ops.rebind(near, ops.derive('bitwise_and', [], shape, bool));
}

const windowPairs = module((ops, keys: Tensor): Tensor => {
  const length = keys.shape[0]!;
  const square = [length, length];
  const all = ops.keep(ops.create('new_ones', [length], bool));
  const inside = ops.derive('gt', [ops.derive('sub', [], [length], int64)], square, bool);
  const near = ops.rebind(all, ops.derive('bitwise_and', [inside], square, bool));
  return ops.rebind(near, ops.derive('bitwise_and', [ops.create('le', square, bool)], square, bool));
});
