import { float32, int64 } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** `ForCausalLMLoss` of transformers 4.57: logits in fp32, labels padded and shifted, one row per token. */
export const causalLanguageModelLoss = module((ops, logits: Tensor, labels: Tensor) => {
  const scores = ops.keep(ops.to(logits, float32));
  const padded = ops.keep(ops.pad(labels, [0, 1]));
  const shifted = ops.keep(ops.contiguous(ops.slice(padded, 1, 1, padded.shape[1]!)));
  const rows = ops.keep(ops.view(scores, [-1, scores.shape[2]!]));
  const target = ops.keep(ops.view(shifted, [-1]));
  return ops.crossEntropy(rows, target);
});

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
