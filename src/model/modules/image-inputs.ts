import type { Batch, BatchSizes, InputSpec } from '../definition.js';
import { input } from '../definition.js';
import { int64 } from '../dtype.js';
import type { Tensor } from '../operations.js';

/** Images with three channels and one label each. */
export function imageInputs({ batch, image, dtype }: BatchSizes): InputSpec[] {
  return [
    { name: 'images', shape: [batch, 3, ...image], dtype, madeBy: 'randn' },
    { name: 'labels', shape: [batch], dtype: int64, madeBy: 'zeros' },
  ];
}

/** Images with three channels and a label for each pixel. */
export function labelledPixels({ batch, image, dtype }: BatchSizes): InputSpec[] {
  return [
    { name: 'images', shape: [batch, 3, ...image], dtype, madeBy: 'randn' },
    { name: 'labels', shape: [batch, ...image], dtype: int64, madeBy: 'zeros' },
  ];
}

/** Images and labels of a batch. */
export function imageBatch(batch: Batch): [Tensor, Tensor] {
  return [input(batch, 'images'), input(batch, 'labels')];
}
