import type { Architecture, Batch, ModelOutput } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { imageBatch, labelledPixels } from './image-inputs.js';

/** Logits of each pixel, and those of an auxiliary head. */
export type PixelLogits = (ops: Operations, images: Tensor) => readonly Tensor[];

/** `loss = cross_entropy(out); loss = loss + 0.5 * cross_entropy(aux)` (references/segmentation of torchvision) */
function segmentImages(ops: Operations, batch: Batch, run: PixelLogits): ModelOutput {
  const [images, labels] = imageBatch(batch);
  ops.enter([]);
  const outputs = run(ops, images).map((logits) => ops.keep(logits));
  let loss = ops.keep(ops.crossEntropy(outputs[0]!, labels));
  for (const auxiliary of outputs.slice(1)) {
    loss = ops.rebind(loss, ops.add(loss, ops.mulScalar(ops.crossEntropy(auxiliary, labels))));
  }
  ops.leave([loss, ...outputs]);
  return { loss, outputs };
}

/** A segmentation model from the modules under a root and what they do with a batch of images. */
export function segmentationModel(name: string, build: (root: Scope) => PixelLogits): Architecture {
  const root = Scope.root();
  const run = build(root);
  return completeArchitecture({
    name,
    task: 'segmentation',
    root,
    inputs: labelledPixels,
    forward: (ops, batch) => segmentImages(ops, batch, run),
  });
}
