import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import type { Parameter, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import { causalLanguageModelLoss } from './language-model-loss.js';
import { tokenBatch, tokenInputs } from './text-inputs.js';

/** A decoder without its head. */
export interface DecoderBody {
  /** Table of the input embeddings. */
  table: Parameter;
  /** The last hidden state. */
  run(ops: Operations, ids: Tensor, attentionMask: Tensor): Tensor;
}

export interface LanguageModelParts {
  name: string;
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
}

/** transformers' `*ForCausalLM`: the decoder, a linear head, and the shifted cross-entropy in fp32. */
export function causalLanguageModel(parts: LanguageModelParts): Architecture {
  const { root, body, finish } = parts;
  const tiedTo = parts.tied ? body.table : undefined;
  const bias = parts.headBias ?? false;
  const head = root.linear(parts.headName ?? 'lm_head', parts.hidden, parts.vocabulary, { bias, tiedTo });
  const forward = module((ops, ids: Tensor, mask: Tensor, labels: Tensor): [Tensor, Tensor] => {
    const h = ops.keep(body.run(ops, ids, mask));
    let logits = ops.keep(ops.linear(h, head));
    if (finish) logits = finish(ops, logits);
    return [causalLanguageModelLoss(ops, logits, labels), logits];
  });
  return completeArchitecture({
    name: parts.name,
    task: 'causal-lm',
    root,
    inputTable: body.table,
    inputs: tokenInputs,
    forward: (ops, batch) => {
      const [loss, logits] = forward(ops, ...tokenBatch(batch));
      return { loss, outputs: [logits] };
    },
  });
}
