import { bool, float32, int64, uint8 } from '../dtype.js';
import type { Linear } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';

/** Rows of the head's product at a time (`_CHUNKED_LM_HEAD_CHUNK_SIZE`, trl/trainer/sft_trainer.py). */
const CHUNK_ROWS = 256;

/** Releases of TRL that changed the loss: rows sorted instead of chosen, products in the type of the rows, a kernel. */
const SORTS_ROWS = [1, 8];
const LOW_PRODUCTS = [1, 13];
const HAS_KERNEL = [1, 15];

/** TRL's loss of hidden states, in which logits never exist as a whole: in chunks from 1.7, by a kernel from 1.15. */
export function chunkedHeadLoss(ops: Operations, x: Tensor, labels: Tensor, head: Linear): Tensor {
  const inChunks = ops.isBefore('trl', HAS_KERNEL);
  return inChunks ? chunkedCrossEntropy(ops, x, labels, head) : kernelLoss(ops, x, labels, head);
}

/** Rows of hidden states and the labels of what follows them: copies where there are several sequences. */
function shifted(ops: Operations, x: Tensor, labels: Tensor): [rows: Tensor, wanted: Tensor] {
  const [, length, width] = x.shape as readonly [number, number, number];
  const rows = ops.keep(ops.reshape(ops.slice(x, 1, 0, length - 1), [-1, width]));
  return [rows, ops.keep(ops.reshape(ops.slice(labels, 1, 1, length), [-1]))];
}

/** `_chunked_cross_entropy_loss`: each chunk is checkpointed; counts and entropies for the log beside it. */
function chunkedCrossEntropy(ops: Operations, x: Tensor, labels: Tensor, head: Linear): Tensor {
  ops.enter([x, labels]);
  const [rows, wanted, logged] = chosenRows(ops, x, labels);
  const starts = Array.from({ length: Math.ceil(rows.shape[0]! / CHUNK_ROWS) }, (_, i) => i * CHUNK_ROWS);
  let totals: Tensor[] = [newZeros(ops), ...logged];
  let last: readonly (Tensor | null)[] = [];
  for (const start of starts) {
    const end = Math.min(start + CHUNK_ROWS, rows.shape[0]!);
    const chunk = ops.slice(rows, 0, start, end);
    const results = ops.recomputed([chunk, ops.slice(wanted, 0, start, end)], (args) => chunkLoss(ops, args, head));
    results.forEach((result, i) => (last[i] ? ops.rebind(last[i], result) : ops.keep(result)));
    last = results;
    totals = totals.map((total, i) => ops.rebind(total, ops.add(total, results[i]!)));
  }
  return ops.leave(ops.mulScalar(totals[0]!));
}

const newZeros = (ops: Operations): Tensor => ops.keep(ops.create('new_zeros', [], float32));

type ChosenRows = [rows: Tensor, wanted: Tensor, logged: [correct: Tensor, entropy: Tensor]];

/** Rows whose labels count, all of them here, with their labels: chosen by a mask, or sorted to the front. */
function chosenRows(ops: Operations, x: Tensor, labels: Tensor): ChosenRows {
  const [rows, wanted] = shifted(ops, x, labels);
  const valid = ops.keep(ops.derive('ne', [], [rows.shape[0]!], bool));
  if (!ops.isBefore('trl', SORTS_ROWS)) return sortedRows(ops, rows, wanted);
  const chosen = picked(ops, [rows, wanted], valid);
  const logged: [Tensor, Tensor] = [newZeros(ops), newZeros(ops)];
  ops.keep(ops.create('tensor', [], int64));
  return [...chosen, logged];
}

function sortedRows(ops: Operations, rows: Tensor, wanted: Tensor): ChosenRows {
  const count = [rows.shape[0]!];
  ops.keep(ops.create('sum', [], int64));
  const logged: [Tensor, Tensor] = [newZeros(ops), newZeros(ops)];
  const isLow = !ops.isBefore('trl', LOW_PRODUCTS);
  if (!isLow) ops.drop(ops.create('eq', [], bool));
  const numbers = ops.keep(ops.derive('to_copy', [], count, uint8));
  const values = ops.keep(ops.create('sort', count, uint8));
  const order = ops.keep(ops.derive('sort', [], count, int64));
  for (const tensor of [values, numbers]) ops.drop(tensor);
  const chosen = picked(ops, [rows, wanted], order);
  const rounded = ops.derive('ceil', [ops.create('div', [], float32)], [], float32);
  const chunks = ops.derive('to_copy', [isLow ? ops.derive('clamp', [rounded], [], float32) : rounded], [], int64);
  ops.keep(ops.derive('mul', [chunks], [], int64));
  return [...chosen, logged];
}

function picked(ops: Operations, [rows, wanted]: [Tensor, Tensor], by: Tensor): [Tensor, Tensor] {
  const chosen = ops.rebind(rows, ops.index(rows, [by], rows.shape));
  return [chosen, ops.rebind(wanted, ops.derive('index', [], wanted.shape, int64))];
}

/** `_chunk`: the product with the head, in fp32 or raised to it, its loss, and what is logged of it. */
const chunkLoss = (ops: Operations, [x, wanted]: readonly Argument[], head: Linear): [Tensor, Tensor, Tensor] => {
  const logits = ops.keep(chunkLogits(ops, x!, head));
  const scores = ops.keep(ops.logSoftmax(logits));
  const loss = ops.keep(ops.nllLoss(scores, wanted!));
  const rows = x!.shape.slice(0, 1);
  const masks = !ops.isBefore('trl', SORTS_ROWS);
  const valid = masks ? ops.keep(ops.derive('ne', [], rows, bool)) : null;
  const same = ops.derive('eq', [ops.derive('argmax', [], rows, int64)], rows, bool);
  const counted = masks ? ops.derive('bitwise_and', [same], rows, bool) : same;
  const correct = ops.keep(ops.derive('to_copy', [ops.derive('sum', [counted], [], int64)], [], float32));
  const entropies = ops.sum(ops.mul(ops.exp(scores), scores), [-1], false);
  if (valid === null) return [loss, correct, ops.keep(ops.neg(ops.sum(entropies, [0], false)))];
  return [loss, correct, ops.keep(ops.sum(ops.mul(ops.neg(entropies), valid), [0], false))];
};

function chunkLogits(ops: Operations, x: Tensor, head: Linear): Tensor {
  const weight = ops.parameter(head.weight);
  if (!ops.isBefore('trl', LOW_PRODUCTS)) {
    return ops.to(ops.mm(x, ops.transpose(ops.to(weight, x.dtype), 0, 1)), float32);
  }
  const raised = ops.to(x, float32);
  return ops.mm(raised, ops.transpose(ops.to(weight, float32), 0, 1));
}

/** Losses over answers (DPO, KTO, GRPO) from log-probabilities that a fused head gives, with no logits at all. */
export function alignedByKernel(ops: Operations, x: Tensor, ids: Tensor, head: Linear): Tensor {
  const labels = ops.keep(ops.derive('masked_fill', [], ids.shape, int64));
  const [logProbabilities] = fusedHead(ops, x, labels, head).map((tensor) => ops.keep(tensor));
  const sums = ops.keep(ops.sum(logProbabilities!, [1], false));
  return ops.mean(ops.neg(ops.elementwise(sums, 'log_sigmoid')), [0], false);
}

/** A fused head (`add_fused_lm_head`) and the trainer's mean over its log-probabilities. */
function kernelLoss(ops: Operations, x: Tensor, labels: Tensor, head: Linear): Tensor {
  ops.enter([x, labels]);
  const [logProbabilities] = fusedHead(ops, x, labels, head).map((tensor) => ops.keep(tensor));
  const perToken = ops.keep(ops.neg(logProbabilities!));
  const count = ops.keep(ops.create('sum', [], int64));
  return ops.leave(ops.div(ops.sum(perToken, [0, 1], false), ops.derive('clamp', [count], [], int64)));
}

/** What it returns: log-probabilities, entropies, whether each is the likeliest, a mask, and a loss nobody uses. */
function fusedHead(ops: Operations, x: Tensor, labels: Tensor, head: Linear): Tensor[] {
  const [batch, length, width] = x.shape as readonly [number, number, number];
  const places = [batch, length - 1];
  const count = batch * (length - 1);
  ops.enter([x, labels]);
  const hidden = ops.keep(ops.slice(x, 1, 0, length - 1));
  const mask = ops.keep(ops.derive('ne', [], places, bool));
  const rows = ops.index(hidden, [mask], [count, width]);
  const results = ops.headLogProbabilities(rows, head, ops.derive('index', [], [count], int64));
  const spread = [...results, ops.create('bitwise_and', [count], bool)].map((result) => inPlaces(ops, result, places));
  const loss = ops.div(ops.neg(ops.sum(spread[0]!, [0, 1], false)), ops.create('clamp', [], int64));
  return ops.leave([...spread, mask, ops.keep(loss)]);
}

/** `x.new_zeros(mask.shape).masked_scatter(mask, x)` */
function inPlaces(ops: Operations, x: Tensor, places: readonly number[]): Tensor {
  const zeros = ops.keep(ops.create('new_zeros', places, x.dtype));
  const spread = ops.keep(ops.rearranged([x], 'masked_scatter', places));
  ops.drop(zeros);
  return spread;
}
