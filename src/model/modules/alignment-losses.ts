import { bool, int64 } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Task } from '../../run/training-run.js';

/** A loss of the logits and the tokens, in the caller's frame, and what the name of the logits holds at its end. */
export type AlignmentLoss = (ops: Operations, logits: Tensor, ids: Tensor) => [loss: Tensor, logits: Tensor];

/**
 * `selective_log_softmax` (trl/trainer/utils.py) for logits of 16 bits: the log-softmax of one sequence at a time, of
 * which the labels' entries are taken. Those of fp32 are taken to cost the same: what is kept is as large.
 */
const labelLogProbabilities = module((ops, logits: Tensor, labels: Tensor): Tensor => {
  const ofRows = ops.unbind(labels, 0);
  const parts = ops.unbind(logits, 0).map((row, i) => {
    const index = ops.unsqueeze(ofRows[i]!, 1);
    const all = ops.keep(ops.logSoftmax(ops.keep(row)));
    return ops.keep(ops.view(ops.gather(all, 1, index), labels.shape.slice(1)));
  });
  return ops.stack(parts, 0);
});

/** Labels are the tokens, one place on; a mask says which are answers. */
function rolledLabels(ops: Operations, ids: Tensor): Tensor {
  const labels = ops.keep(ops.derive('roll', [], ids.shape, int64));
  ops.keep(ops.derive('to_copy', [ops.derive('roll', [], ids.shape, int64)], ids.shape, bool));
  return labels;
}

/** The mean of the logits of one half of the batch, for the log: they are copied where the mask says. */
function noteMean(ops: Operations, logits: Tensor, from: number, to: number): void {
  const half = ops.slice(logits, 0, from, to);
  const [rows, length, width] = half.shape as readonly [number, number, number];
  const places = ops.create('nonzero', [rows * length], int64);
  ops.keep(ops.mean(ops.index(half, [places], [rows * length, width]), [0, 1], false));
}

/** TRL's DPO: chosen and rejected answers in one pass, and one log-probability for each token. */
const preference: AlignmentLoss = (ops, logits, ids) => {
  const labels = rolledLabels(ops, ids);
  const rows = ops.keep(labelLogProbabilities(ops, logits, labels));
  const pairs = Math.max(1, Math.floor(ids.shape[0]! / 2));
  const sums = ops.keep(ops.sum(rows, [1], false));
  noteMean(ops, logits, 0, pairs);
  if (pairs < ids.shape[0]!) noteMean(ops, logits, pairs, ids.shape[0]!);
  return [ops.mean(ops.neg(ops.elementwise(sums, 'log_sigmoid')), [0], false), logits];
};

/** Tokens whose entropy is worked out at a time (`entropy_from_logits`). */
const ENTROPY_ROWS = 128;

/** TRL's GRPO: logits over a temperature, in a copy; entropies for the log, some tokens at a time. */
const policy: AlignmentLoss = (ops, raw, ids) => {
  const logits = ops.rebind(raw, ops.mulScalar(raw));
  const rows = ops.keep(labelLogProbabilities(ops, logits, ids));
  const width = logits.shape[2]!;
  ops.noGrad(() => {
    const scores = ops.keep(ops.create('log_softmax', [ENTROPY_ROWS, width], logits.dtype));
    ops.drop(ops.derive('mul', [ops.derive('exp', [], scores.shape, scores.dtype)], scores.shape, scores.dtype));
    ops.drop(scores);
  });
  const ratios = ops.keep(
    ops.exp(
      ops.sub(
        rows,
        ops.noGrad(() => ops.mulScalar(rows)),
      ),
    ),
  );
  const first = ops.keep(ops.mulScalar(ratios));
  const clipped = ops.keep(ops.mulScalar(ops.clamp(ratios)));
  return [ops.mean(ops.neg(ops.add(first, clipped)), [0, 1], false), logits];
};

/**
 * Generalised Jensen-Shannon divergence (trl/trainer/gkd_trainer.py): log-softmax of student and teacher, their mixture,
 * and two divergences, each as large as the logits. The teacher's logits are there before.
 */
const distillation: AlignmentLoss = (ops, logits) => {
  const teacher = ops.keep(ops.create('teacher_logits', logits.shape, logits.dtype));
  const student = ops.keep(ops.logSoftmax(ops.mulScalar(logits)));
  const target = ops.keep(ops.noGrad(() => ops.logSoftmax(ops.mulScalar(teacher))));
  const both = ops.stack([ops.addScalar(student), ops.noGrad(() => ops.addScalar(target))], 0);
  const mixture = ops.keep(ops.log(ops.sum(ops.exp(both), [0], false)));
  const ofTeacher = ops.keep(
    ops.mul(
      ops.noGrad(() => ops.exp(target)),
      ops.sub(target, mixture),
    ),
  );
  const ofStudent = ops.keep(ops.mul(ops.exp(student), ops.sub(student, mixture)));
  const jsd = ops.keep(ops.add(ops.mulScalar(ofTeacher), ops.mulScalar(ofStudent)));
  return [ops.mean(jsd, [0, 1, 2], false), logits];
};

/** Losses that compare answers, or models, by the log-probabilities of tokens. */
const LOSSES: Partial<Record<Task, AlignmentLoss>> = { preference, rl: policy, distillation };

export const ALIGNMENT_TASKS: readonly Task[] = ['preference', 'rl', 'distillation'];

/** The loss of a task, where it is one of these. */
export const alignmentLoss = (task: Task): AlignmentLoss | undefined => LOSSES[task];
