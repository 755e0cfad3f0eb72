import type { Architecture, Batch, ModelOutput } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { imageBatch, imageInputs } from './image-inputs.js';
import type { Step } from './sequential.js';

/** An image classifier by its constructor's name and number of classes. */
export type ClassifierConstructor = (name: string, classes: number) => Architecture;

/** `F.cross_entropy(model(images), labels)` */
export function classifyImages(ops: Operations, batch: Batch, run: Step): ModelOutput {
  const [images, labels] = imageBatch(batch);
  ops.enter([]);
  const logits = ops.keep(run(ops, images));
  const loss: Tensor = ops.crossEntropy(logits, labels);
  ops.leave([loss, logits]);
  return { loss, outputs: [logits] };
}

/** A classifier from the modules under a root and what they do with a batch of images. */
export function imageClassifier(name: string, build: (root: Scope) => Step): Architecture {
  const root = Scope.root();
  const run = build(root);
  return completeArchitecture({
    name,
    task: 'image-classification',
    root,
    inputs: imageInputs,
    forward: (ops, batch) => classifyImages(ops, batch, run),
  });
}
