import type { Batch, ModelOutput } from '../definition.js';
import type { Operations, Tensor } from '../operations.js';
import { imageBatch } from './image-inputs.js';
import type { Step } from './sequential.js';

/** `F.cross_entropy(model(images), labels)` */
export function classifyImages(ops: Operations, batch: Batch, run: Step): ModelOutput {
  const [images, labels] = imageBatch(batch);
  ops.enter([]);
  const logits = ops.keep(run(ops, images));
  const loss: Tensor = ops.crossEntropy(logits, labels);
  ops.leave([loss, logits]);
  return { loss, outputs: [logits] };
}
