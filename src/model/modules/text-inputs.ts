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

/** Token ids, an attention mask, and the places where the answer starts and ends. */
export function answerInputs(sizes: BatchSizes): InputSpec[] {
  const [ids, mask] = tokenInputs(sizes) as [InputSpec, InputSpec];
  const place = { shape: [sizes.batch], dtype: int64, madeBy: 'zeros' };
  return [ids, mask, { name: 'start_positions', ...place }, { name: 'end_positions', ...place }];
}

/** Token ids, attention mask, and start and end of the answer. */
export function answerBatch(batch: Batch): [Tensor, Tensor, Tensor, Tensor] {
  const [start, end] = [input(batch, 'start_positions'), input(batch, 'end_positions')];
  return [input(batch, 'input_ids'), input(batch, 'attention_mask'), start, end];
}
