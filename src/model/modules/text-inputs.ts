import type { Batch, BatchSizes, InputSpec } from '../definition.js';
import { input } from '../definition.js';
import { int64 } from '../dtype.js';
import type { Tensor } from '../operations.js';

/** Token ids, an attention mask and one label per token. */
export function tokenInputs({ batch, sequence }: BatchSizes): InputSpec[] {
  const shape = [batch, sequence];
  return [
    { name: 'input_ids', shape, dtype: int64, madeBy: 'randint' },
    { name: 'attention_mask', shape, dtype: int64, madeBy: 'ones' },
    { name: 'labels', shape, dtype: int64, madeBy: 'randint' },
  ];
}

/** Token ids, an attention mask and one label per sequence. */
export function classificationInputs(sizes: BatchSizes): InputSpec[] {
  const [ids, mask] = tokenInputs(sizes) as [InputSpec, InputSpec];
  return [ids, mask, { name: 'labels', shape: [sizes.batch], dtype: int64, madeBy: 'zeros' }];
}

/** Token ids and an attention mask of the source, and one label per token of the target. */
export function sequenceToSequenceInputs(sizes: BatchSizes): InputSpec[] {
  const [ids, mask, labels] = tokenInputs(sizes) as [InputSpec, InputSpec, InputSpec];
  return [ids, mask, { ...labels, shape: [sizes.batch, sizes.targetSequence] }];
}

/** Token ids, attention mask and labels of a batch. */
export function tokenBatch(batch: Batch): [Tensor, Tensor, Tensor] {
  return [input(batch, 'input_ids'), input(batch, 'attention_mask'), input(batch, 'labels')];
}
