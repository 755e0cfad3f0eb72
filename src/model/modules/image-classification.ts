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

/** Logits, then those of the auxiliary heads in the order in which their losses are taken. */
type MultipleLogits = (ops: Operations, images: Tensor) => Tensor[];

/** `cross_entropy(logits) + weight * (cross_entropy(auxiliary) + ...)` */
function classifyWithHeads(ops: Operations, batch: Batch, run: MultipleLogits): ModelOutput {
  const [images, labels] = imageBatch(batch);
  ops.enter([]);
  const outputs = run(ops, images).map((logits) => ops.keep(logits));
  const main = ops.crossEntropy(outputs[0]!, labels);
  const [first, ...others] = outputs.slice(1).map((logits) => ops.crossEntropy(logits, labels));
  const sum = others.reduce((total, loss) => ops.add(total, loss), first!);
  const loss = ops.add(main, ops.mulScalar(sum));
  ops.leave([loss, ...outputs]);
  return { loss, outputs };
}

/** A classifier with auxiliary heads, which only training has. */
export function auxiliaryImageClassifier(name: string, build: (root: Scope) => MultipleLogits): Architecture {
  const root = Scope.root();
  const run = build(root);
  return completeArchitecture({
    name,
    task: 'image-classification',
    root,
    inputs: imageInputs,
    forward: (ops, batch) => classifyWithHeads(ops, batch, run),
  });
}
