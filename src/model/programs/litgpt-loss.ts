import { int64 } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';

/** Rows of logits whose loss is computed at a time (`chunk_size` of `chunked_cross_entropy`, litgpt/utils.py). */
const CHUNK = 128;

/** The mean of losses by row: all in one tensor, summed and divided by the number of tokens. */
function meanOf(ops: Operations, losses: readonly Tensor[]): Tensor {
  const total = ops.sum(ops.cat(losses, 0), [0], false);
  const count = ops.keep(ops.create('sum', [], int64));
  return ops.div(total, ops.derive('maximum', [ops.create('ones_like', [], int64)], [], count.dtype));
}

/**
 * `chunked_cross_entropy` of logits that come in pieces of the sequence. All pieces live until backward has run; the
 * last one lacks its last row, so that it is copied where there are several sequences.
 */
export function chunkedHeadLoss(ops: Operations, pieces: readonly Tensor[], labels: Tensor): Tensor {
  ops.enter([...pieces, labels]);
  const sizes = pieces.map(({ shape }) => shape[1]!);
  const last = pieces.length - 1;
  const shifted = ops.slice(labels, 1, 1, labels.shape[1]!);
  const targets = ops.split(shifted, withLast(sizes, sizes[last]! - 1), 1);
  const rows = pieces.map((piece, i) => {
    const kept = i === last ? ops.slice(piece, 1, 0, piece.shape[1]! - 1) : piece;
    return ops.keep(ops.reshape(kept, [-1, piece.shape[2]!]));
  });
  const wanted = targets.map((target) => ops.keep(ops.reshape(target, [-1])));
  const losses = rows.map((row, i) => ops.keep(ops.crossEntropy(row, wanted[i]!, 'none')));
  return ops.leave(meanOf(ops, losses));
}

const withLast = (values: readonly number[], last: number): number[] => [...values.slice(0, -1), last];

/** The same for logits in one tensor: shifted, which copies them where there are several sequences, and split by rows. */
export function chunkedLogitsLoss(ops: Operations, logits: Tensor, labels: Tensor): Tensor {
  const [, length, vocabulary] = logits.shape as readonly [number, number, number];
  ops.enter([logits, labels]);
  const rows = ops.keep(ops.reshape(ops.slice(logits, 1, 0, length - 1), [-1, vocabulary]));
  const wanted = ops.keep(ops.reshape(ops.slice(labels, 1, 1, length), [-1]));
  const count = rows.shape[0]!;
  const sizes = Array.from({ length: Math.ceil(count / CHUNK) }, (_, i) => Math.min(CHUNK, count - i * CHUNK));
  const chunks = ops.split(rows, sizes, 0).map((chunk) => ops.keep(chunk));
  const targets = ops.split(wanted, sizes, 0).map((target) => ops.keep(target));
  const losses = chunks.map((chunk, i) => ops.keep(ops.crossEntropy(chunk, targets[i]!, 'none')));
  return ops.leave(meanOf(ops, losses));
}
