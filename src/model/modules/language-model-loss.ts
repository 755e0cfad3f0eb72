import { float32 } from '../dtype.js';
import type { Tensor } from '../operations.js';
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
