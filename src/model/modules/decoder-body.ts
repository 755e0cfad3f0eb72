import type { Parameter } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';

/** A decoder without its head. */
export interface DecoderBody {
  /** Table of the input embeddings. */
  table: Parameter;
  /** The last hidden state. */
  run(ops: Operations, ids: Tensor, attentionMask: Tensor): Tensor;
}
