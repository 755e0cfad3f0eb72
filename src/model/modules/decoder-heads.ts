import type { Task } from '../../run/training-run.js';
import type { ArchitectureParts, BatchSizes, InputSpec } from '../definition.js';
import { bool, int32, int64 } from '../dtype.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { DecoderBody } from './decoder-body.js';
import { maskedLanguageModelLoss, questionAnsweringLoss } from './language-model-loss.js';
import { answerBatch, answerInputs, classificationInputs, tokenBatch, tokenInputs } from './text-inputs.js';

/** What a head reads: the decoder, its width, and how many classes there are. */
export interface HeadParts {
  root: Scope;
  body: DecoderBody;
  hidden: number;
  labels: number;
  classifierDropout: number;
}

export type Head = Pick<ArchitectureParts, 'inputs' | 'forward'>;
type Inputs = (sizes: BatchSizes) => InputSpec[];

/** Places of the last tokens that are not padding (`GenericForSequenceClassification`). */
function lastTokens(ops: Operations, ids: Tensor): Tensor {
  const { shape } = ids;
  ops.keep(ops.derive('to_copy', [ops.derive('ne', [], shape, bool)], shape, int32));
  ops.keep(ops.create('arange', [shape[1]!], int32));
  return ops.keep(ops.derive('argmax', [ops.derive('mul', [], shape, int32)], [shape[0]!], int64));
}

/** One class for a sequence: `score` at each token, then the last token's row. */
function classifier({ root, body, hidden, labels }: HeadParts): Head {
  const score = root.linear('score', hidden, labels, { bias: false });
  const run = module((ops, ids: Tensor, mask: Tensor, wanted: Tensor): [Tensor, Tensor] => {
    const h = ops.keep(body.run(ops, ids, mask));
    const logits = ops.keep(ops.linear(h, score));
    const batch = ids.shape[0]!;
    const last = lastTokens(ops, ids);
    const rows = ops.create('arange', [batch], int64);
    const pooled = ops.keep(ops.index(logits, [rows, last], [batch, labels]));
    return [ops.crossEntropy(pooled, wanted), pooled];
  });
  return headOf(classificationInputs, run);
}

/** A class for each token. */
function tagger({ root, body, hidden, labels, classifierDropout }: HeadParts): Head {
  const score = root.linear('score', hidden, labels);
  const run = module((ops, ids: Tensor, mask: Tensor, wanted: Tensor): [Tensor, Tensor] => {
    const h = ops.keep(body.run(ops, ids, mask));
    const dropped = ops.keep(ops.dropout(h, ops.dropoutOf(classifierDropout)));
    const logits = ops.keep(ops.linear(dropped, score));
    return [maskedLanguageModelLoss(ops, logits, wanted), logits];
  });
  return headOf(tokenInputs, run);
}

const headOf = (
  inputs: Inputs,
  run: (ops: Operations, ids: Tensor, mask: Tensor, labels: Tensor) => [Tensor, Tensor],
): Head => ({
  inputs,
  forward: (ops, batch) => {
    const [loss, logits] = run(ops, ...tokenBatch(batch));
    return { loss, outputs: [logits] };
  },
});

/** Start and end of an answer: two scores for each token. */
function answerer({ root, body, hidden }: HeadParts): Head {
  const score = root.linear('qa_outputs', hidden, 2);
  return {
    inputs: answerInputs,
    forward: (ops, batch) => {
      const [ids, mask, starts, ends] = answerBatch(batch);
      ops.enter([ids, mask, starts, ends]);
      const logits = ops.keep(ops.linear(ops.keep(body.run(ops, ids, mask)), score));
      const [loss, start, end] = ops.leave(questionAnsweringLoss(ops, logits, starts, ends));
      return { loss, outputs: [start, end] };
    },
  };
}

const HEADS: Partial<Record<Task, (parts: HeadParts) => Head>> = {
  'sequence-classification': classifier,
  'token-classification': tagger,
  'question-answering': answerer,
};

/** Tasks that every decoder has a head for, beside language modelling. */
export const decoderHead = (task: Task): ((parts: HeadParts) => Head) | undefined => HEADS[task];
