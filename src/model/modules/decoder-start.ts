import { int64 } from '../dtype.js';
import type { Buffer, Parameter } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { findNothingMasked, olderCausalMask, slidingCausalMask } from './additive-masks.js';
import { causalMask } from './attention-masks.js';
import type { RotaryTableOptions } from './rotary.js';
import { rotaryTable } from './rotary.js';

/** What every layer of a decoder with rotary positions is given beside its input. */
export interface RotaryStart {
  embeds: Tensor;
  positionIds: Tensor;
  /** One for each window asked for. */
  masks: readonly (Tensor | null)[];
}

export interface DecoderParts {
  table: Parameter;
  /** Tokens that layers look back; null: all. */
  windows?: readonly (number | null)[];
  /** Windows are chunks of the sequence. */
  chunked?: boolean;
  /** A number on the device by which embeddings are multiplied. */
  scale?: Buffer | undefined;
  /** The mask as transformers' older classes make it. */
  olderMask?: boolean;
  /** The older way with a sliding window. */
  slidingMask?: { window: number | null } | null;
  /** The model has no code for SDPA, so that eager attention takes its place. */
  eagerForSdpa?: boolean;
  /** Whether embeddings are multiplied by a number of the configuration, as Granite's are. */
  multiplied?: boolean;
}

/** Embeddings, positions and mask, as the models' forward functions begin; all kept in the caller's frame. */
export function beginDecoder(
  ops: Operations,
  ids: Tensor,
  attentionMask: Tensor,
  {
    table,
    windows = [null],
    chunked = false,
    scale,
    olderMask = false,
    slidingMask = null,
    eagerForSdpa = false,
    multiplied = false,
  }: DecoderParts,
): RotaryStart {
  const looked = ops.embedding(ids, table);
  const rows = multiplied ? ops.rebind(looked, ops.mulScalar(looked)) : looked;
  const embeds = ops.keep(scale === undefined ? rows : ops.mul(rows, ops.to(ops.buffer(scale), rows.dtype)));
  const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
  const positionIds = ops.keep(ops.unsqueeze(positions, 0));
  const masks = (slidingMask === null ? windows : [slidingMask.window]).map((window) => {
    if (slidingMask !== null) return slidingMaskOf(ops, attentionMask, embeds, window);
    const mask = olderMask
      ? olderCausalMask(ops, attentionMask, positions, embeds.dtype)
      : causalMask(ops, { attentionMask, positions, embeds, window, chunked, eagerForSdpa });
    return mask === null ? null : ops.keep(mask);
  });
  return { embeds, positionIds, masks };
}

/** `_update_causal_mask` of classes with a window: none for SDPA while the window is longer than the sequence. */
function slidingMaskOf(ops: Operations, mask: Tensor, embeds: Tensor, window: number | null): Tensor | null {
  if (ops.attention === 'flash') return null;
  const reaches = window === null || mask.shape[1]! < window;
  if (ops.attention === 'sdpa') findNothingMasked(ops, mask);
  if (ops.attention === 'sdpa' && reaches) return null;
  return ops.keep(slidingCausalMask(ops, mask, embeds.dtype, window !== null));
}

/** cos and sin for `x`, kept in the caller's frame. */
export function keepRotaryTable(
  ops: Operations,
  inputs: readonly [x: Tensor, positionIds: Tensor],
  frequencies: Buffer,
  options: RotaryTableOptions = {},
): [Tensor, Tensor] {
  const [cos, sin] = rotaryTable(ops, inputs, frequencies, options);
  ops.keep(cos);
  return [cos, sin === cos ? sin : ops.keep(sin)];
}
