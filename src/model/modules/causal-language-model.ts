import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import type { DType } from '../dtype.js';
import { float32 } from '../dtype.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';
import type { DecoderBody } from './decoder-body.js';
import { alignedByKernel } from './chunked-head-loss.js';
import { alignmentLoss } from './alignment-losses.js';
import { decoderHead } from './decoder-heads.js';
import { headAndLoss } from './language-model-loss.js';
import { tokenBatch, tokenInputs } from './text-inputs.js';

/** `GenericForTokenClassification` where the configuration names none. */
const DEFAULT_CLASSIFIER_DROPOUT = 0.1;

export interface LanguageModelParts {
  model: ResolvedModel;
  task: Task;
  root: Scope;
  body: DecoderBody;
  hidden: number;
  vocabulary: number;
  /** Whether the head's weight is the table's. */
  tied: boolean;
  /** Name of the head's module. */
  headName?: string;
  headBias?: boolean;
  /** What happens to the logits before the loss, such as soft capping. */
  finish?: (ops: Operations, logits: Tensor) => Tensor;
  /** A loss of the model's own over the logits, which it gives back as the model returns them. */
  ownLoss?: (ops: Operations, logits: Tensor, labels: Tensor, mask: Tensor) => [loss: Tensor, logits: Tensor];
  /**
   * Logits are raised to fp32 before the loss, which is lowered to the type of the hidden state (`raised`, GPT-J), as are
   * the logits after it (GPT-Neo).
   */
  around?: 'raised' | 'raised-and-lowered';
}

const raise = (ops: Operations, logits: Tensor): Tensor => ops.rebind(logits, ops.to(logits, float32));

/** What a model does with loss and logits once it has them. */
function lowered(
  ops: Operations,
  [loss, logits]: [Tensor, Tensor | null],
  dtype: DType,
  around: LanguageModelParts['around'],
): [Tensor, Tensor | null] {
  if (around === undefined || logits === null) return [loss, logits];
  const own = ops.keep(loss);
  const kept = around === 'raised' ? logits : ops.rebind(logits, ops.to(logits, dtype));
  return [ops.rebind(own, ops.to(own, dtype)), kept];
}

/** transformers' classes of a decoder with the head of a task: `*ForCausalLM`, `*ForSequenceClassification` and so on. */
export function decoderModel(parts: LanguageModelParts): Architecture {
  const { model, task, root, body, hidden } = parts;
  const config = new ConfigReader(model);
  const write = decoderHead(task);
  if (write === undefined) return causalLanguageModel(parts);
  const labels = config.size(['num_labels', 'num_classes'], 2);
  const classifierDropout = config.number(['classifier_dropout', 'hidden_dropout'], DEFAULT_CLASSIFIER_DROPOUT);
  const head = write({ root, body, hidden, labels, classifierDropout });
  return completeArchitecture({ name: model.name, task, root, inputTable: body.table, ...head });
}

/** `*ForCausalLM`: the decoder, a linear head, and the shifted cross-entropy in fp32. */
function causalLanguageModel(parts: LanguageModelParts): Architecture {
  const { root, body, around } = parts;
  const finish = parts.finish ?? (around === undefined ? undefined : raise);
  const tiedTo = parts.tied ? body.table : undefined;
  const bias = parts.headBias ?? false;
  const head = root.linear(parts.headName ?? 'lm_head', parts.hidden, parts.vocabulary, { bias, tiedTo });
  const { modelType } = parts.model;
  const aligned = alignmentLoss(parts.task);
  const logitsOf = module((ops, ids: Tensor, mask: Tensor): Tensor => {
    const h = ops.keep(body.run(ops, ids, mask));
    const logits = ops.keep(ops.linear(h, head));
    return finish ? finish(ops, logits) : logits;
  });
  const forward = module((ops, ids: Tensor, mask: Tensor, labels: Tensor): [Tensor, Tensor | null] => {
    if (aligned && ops.lossKind !== 'chunked') return aligned(ops, ops.keep(logitsOf(ops, ids, mask)), ids);
    const h = ops.keep(body.run(ops, ids, mask));
    if (aligned) return [alignedByKernel(ops, h, ids, head), null];
    if (parts.ownLoss && ops.lossKind === 'standard') {
      return parts.ownLoss(ops, ops.keep(ops.linear(h, head)), labels, mask);
    }
    return lowered(ops, headAndLoss(ops, h, labels, { head, modelType, finish }), h.dtype, around);
  });
  return completeArchitecture({
    name: parts.model.name,
    task: aligned ? parts.task : 'causal-lm',
    root,
    inputTable: body.table,
    inputs: tokenInputs,
    forward: (ops, batch) => {
      const [loss, logits] = forward(ops, ...tokenBatch(batch));
      return { loss, outputs: logits === null ? [] : [logits] };
    },
  });
}
