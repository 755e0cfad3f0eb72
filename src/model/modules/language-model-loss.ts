import { chunkedHeadLoss } from './chunked-head-loss.js';
import { bool, float32, int64 } from '../dtype.js';
import type { Linear } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Release from which on labels are padded, so that logits need no shifting (transformers loss/loss_utils.py). */
const PADS_LABELS = [4, 50];
/** Release from which on all losses raise logits to fp32 themselves; before, models of some families did. */
const LOSS_FUNCTION = [4, 46];

/** Kernels whose cross-entropy takes the place of PyTorch's. */
const FUSED_LOSSES = ['fused-cross-entropy', 'liger', 'unsloth'];

const meanLoss = (ops: Operations, rows: Tensor, target: Tensor): Tensor =>
  FUSED_LOSSES.some((kernel) => ops.kernels.has(kernel))
    ? ops.fusedCrossEntropy(rows, target)
    : ops.crossEntropy(rows, target);

/** `ForCausalLMLoss` of transformers 4.57: logits in fp32, labels padded and shifted, one row per token. */
const paddedLoss = module((ops, logits: Tensor, labels: Tensor) => {
  const scores = ops.keep(ops.to(logits, float32));
  const padded = ops.keep(ops.pad(labels, [0, 1]));
  const shifted = ops.keep(ops.contiguous(ops.slice(padded, 1, 1, padded.shape[1]!)));
  const rows = ops.keep(ops.view(scores, [-1, scores.shape[2]!]));
  const target = ops.keep(ops.view(shifted, [-1]));
  return meanLoss(ops, rows, target);
});

/** The older way: logits without their last row, copied, against labels without their first. */
const shiftedLoss = module((ops, logits: Tensor, labels: Tensor) => {
  const [, length, vocabulary] = logits.shape as readonly [number, number, number];
  const scores = ops.keep(ops.isBefore('transformers', LOSS_FUNCTION) ? logits : ops.to(logits, float32));
  const kept = ops.keep(ops.contiguous(ops.slice(scores, 1, 0, length - 1)));
  const wanted = ops.keep(ops.contiguous(ops.slice(labels, 1, 1, length)));
  const rows = ops.keep(ops.view(kept, [-1, vocabulary]));
  const target = ops.keep(ops.view(wanted, [-1]));
  return meanLoss(ops, rows, target);
});

export const causalLanguageModelLoss = (ops: Operations, logits: Tensor, labels: Tensor): Tensor =>
  (ops.isBefore('transformers', PADS_LABELS) ? shiftedLoss : paddedLoss)(ops, logits, labels);

/** Model types whose older code left logits in the type of the computation. */
const LEFT_AS_COMPUTED: ReadonlySet<string> = new Set([
  ...['gpt2', 'gpt_bigcode', 'gpt_neox', 'gptj', 'gpt_neo', 'opt', 'bloom', 'falcon', 'mpt', 'codegen'],
]);

/** Logits of a head, and their loss; null for logits that never exist as a whole. */
export function headAndLoss(
  ops: Operations,
  x: Tensor,
  labels: Tensor,
  { head, modelType, finish }: HeadParts,
): [loss: Tensor, logits: Tensor | null] {
  if (ops.lossKind === 'fused-linear') return [fusedLoss(ops, x, labels, head), null];
  if (ops.lossKind === 'chunked') return [chunkedHeadLoss(ops, x, labels, head), null];
  let logits = ops.keep(ops.linear(x, head));
  if (finish) logits = finish(ops, logits);
  const raises = ops.isBefore('transformers', LOSS_FUNCTION) && !LEFT_AS_COMPUTED.has(modelType);
  if (raises) logits = ops.rebind(logits, ops.to(logits, float32));
  return [causalLanguageModelLoss(ops, logits, labels), logits];
}

export interface HeadParts {
  head: Linear;
  /** Hugging Face's, which tells what the older code of the family did. */
  modelType: string;
  /** What happens to the logits before the loss, such as soft capping. */
  finish?: ((ops: Operations, logits: Tensor) => Tensor) | undefined;
}

/** `lce_forward` of liger-kernel: hidden states without their last row, copied. */
function fusedLoss(ops: Operations, x: Tensor, labels: Tensor, head: Linear): Tensor {
  ops.enter([x, labels]);
  const kept = ops.keep(ops.contiguous(ops.slice(x, 1, 0, x.shape[1]! - 1)));
  ops.keep(ops.contiguous(ops.slice(labels, 1, 1, labels.shape[1]!)));
  return ops.leave(ops.fusedLinearCrossEntropy(kept, head));
}

/** Rows that are not padding, copied out of the logits and labels by a mask; loss over these. */
const selectedRows = module((ops, scores: Tensor, labels: Tensor, mask: Tensor): Tensor => {
  const [batch, length, vocabulary] = scores.shape as readonly [number, number, number];
  const kept = [batch, length - 1];
  const rows = batch * (length - 1);
  const shifted = ops.keep(ops.slice(scores, 1, 0, length - 1));
  ops.keep(ops.slice(mask, 1, 1, length));
  const chosen = ops.rebind(shifted, ops.index(shifted, [ops.derive('ne', [], kept, bool)], [rows, vocabulary]));
  const wanted = ops.keep(ops.derive('index', [ops.derive('ne', [labels], kept, bool)], [rows], int64));
  return meanLoss(ops, chosen, wanted);
});

/** Loss of the classes for text and images that were not moved to the common one (Gemma 3): in fp32, over chosen rows. */
export function selectedRowsLoss(ops: Operations, logits: Tensor, labels: Tensor, mask: Tensor): [Tensor, Tensor] {
  const scores = ops.rebind(logits, ops.to(logits, float32));
  return [selectedRows(ops, scores, labels, mask), scores];
}

/** `ForMaskedLMLoss`: logits in fp32, labels as they are. */
export const maskedLanguageModelLoss = module((ops, logits: Tensor, labels: Tensor) => {
  const scores = ops.keep(ops.to(logits, float32));
  const rows = ops.keep(ops.view(scores, [-1, scores.shape[2]!]));
  return ops.crossEntropy(rows, ops.view(labels, [-1]));
});

/**
 * `ForQuestionAnsweringLoss` over two scores for each token, which are split and copied: the loss, and the scores of the
 * starts and of the ends.
 */
export function questionAnsweringLoss(
  ops: Operations,
  logits: Tensor,
  starts: Tensor,
  ends: Tensor,
): [Tensor, Tensor, Tensor] {
  const parts = ops.split(logits, [1, 1], 2).map((part) => ops.keep(part));
  const [start, end] = parts.map((part) =>
    ops.rebind(part, ops.contiguous(ops.view(part, part.shape.slice(0, 2)))),
  ) as [Tensor, Tensor];
  return [answerLoss(ops, start, end, [starts, ends]), start, end];
}

function answerLoss(ops: Operations, start: Tensor, end: Tensor, places: readonly [Tensor, Tensor]): Tensor {
  ops.enter([start, end, ...places]);
  const [startAt, endAt] = places.map((place) => ops.keep(ops.derive('clamp', [], place.shape, int64))) as [
    Tensor,
    Tensor,
  ];
  const startLoss = ops.keep(ops.crossEntropy(start, startAt));
  const endLoss = ops.keep(ops.crossEntropy(end, endAt));
  return ops.leave(ops.mulScalar(ops.add(startLoss, endLoss)));
}
