import type { ArchitectureParts, BatchSizes, InputSpec } from '../definition.js';
import type { Parameter, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import { questionAnsweringLoss } from './language-model-loss.js';
import { answerBatch, answerInputs, tokenBatch, tokenInputs } from './text-inputs.js';

/** An encoder without its head. */
export interface EncoderBody {
  words: Parameter;
  /** The last hidden state and, with a pooler, the pooled first token. */
  run(ops: Operations, ids: Tensor, mask: Tensor): readonly [Tensor, Tensor | null];
}

export type Head = Pick<ArchitectureParts, 'inputs' | 'forward'>;

/** What a head over every token reads. */
export interface TokenHeadParts {
  root: Scope;
  body: EncoderBody;
  hidden: number;
  /** Of the last hidden state. */
  dropout: number;
}

type Run = (ops: Operations, ids: Tensor, mask: Tensor, labels: Tensor) => readonly [loss: Tensor, logits: Tensor];

/** A head whose forward function takes tokens, their mask and labels. */
export function encoderHead(inputs: (sizes: BatchSizes) => InputSpec[], run: Run): Head {
  const forward = module(run);
  return {
    inputs,
    forward: (ops, batch) => {
      const [loss, logits] = forward(ops, ...tokenBatch(batch));
      return { loss, outputs: [logits] };
    },
  };
}

/** A class for each token. */
export function tokenHead({ root, body, hidden, labels, dropout }: TokenHeadParts & { labels: number }): Head {
  const head = root.linear('classifier', hidden, labels);
  return encoderHead(tokenInputs, (ops, ids, mask, wanted) => {
    const [states] = body.run(ops, ids, mask);
    const dropped = ops.keep(ops.dropout(ops.keep(states), ops.dropoutOf(dropout)));
    const logits = ops.keep(ops.linear(dropped, head));
    const loss = ops.loss(() => ops.crossEntropy(ops.view(logits, [-1, labels]), ops.view(wanted, [-1])));
    return [loss, logits];
  });
}

/** Start and end of an answer. */
export function answerHead({ root, body, hidden, dropout }: TokenHeadParts): Head {
  const head = root.linear('qa_outputs', hidden, 2);
  return {
    inputs: answerInputs,
    forward: (ops, batch) => {
      const [ids, mask, starts, ends] = answerBatch(batch);
      ops.enter([ids, mask, starts, ends]);
      const [states] = body.run(ops, ids, mask);
      const dropped = ops.keep(ops.dropout(ops.keep(states), ops.dropoutOf(dropout)));
      const logits = ops.keep(ops.linear(dropped, head));
      const [loss, start, end] = ops.leave(questionAnsweringLoss(ops, logits, starts, ends));
      return { loss, outputs: [start, end] };
    },
  };
}
