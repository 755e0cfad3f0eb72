import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Convolutions per stage; stages have 64, 128, 256, 512 and 512 channels (torchvision/models/vgg.py). */
export const VGG_STAGES: Readonly<Record<string, readonly number[]>> = {
  vgg11: [1, 1, 2, 2, 2],
  vgg13: [2, 2, 2, 2, 2],
  vgg16: [2, 2, 3, 3, 3],
  vgg19: [2, 2, 4, 4, 4],
};
const CHANNELS = [64, 128, 256, 512, 512] as const;
/** Channels after the last stage. */
export const VGG_FEATURES = CHANNELS[4];
const POOLED = 7;
const HIDDEN = 4096;
const DROPOUT = 0.5;

/** Convolutions and poolings, as other models that start with them use too. */
export function vggFeatures(scope: Scope, stages: readonly number[], normalises: boolean): Step {
  const steps: Step[] = [];
  let from = 3;
  stages.forEach((convolutions, stage) => {
    for (let i = 0; i < convolutions; i++) {
      const to = CHANNELS[stage]!;
      const conv = scope.conv2d(String(steps.length), from, to, { kernel: 3, padding: 1 });
      steps.push((ops, x) => ops.conv2d(x, conv));
      if (normalises) steps.push(normalisation(scope, steps.length, to));
      steps.push((ops, x) => ops.reluInPlace(x));
      from = to;
    }
    steps.push((ops, x) => ops.maxPool2d(x, { kernel: 2, stride: 2, padding: 0, ceil: false }));
  });
  return sequential(steps);
}

function normalisation(scope: Scope, index: number, channels: number): Step {
  const norm = scope.batchNorm(String(index), channels);
  return (ops, x) => ops.batchNorm(x, norm);
}

function classifier(scope: Scope, classes: number): Step {
  const first = scope.linear('0', VGG_FEATURES * POOLED * POOLED, HIDDEN);
  const second = scope.linear('3', HIDDEN, HIDDEN);
  const last = scope.linear('6', HIDDEN, classes);
  const drop: Step = (ops, x) => ops.dropout(x, ops.dropoutOf(DROPOUT));
  return sequential([
    (ops, x) => ops.linear(x, first),
    (ops, x) => ops.reluInPlace(x),
    drop,
    (ops, x) => ops.linear(x, second),
    (ops, x) => ops.reluInPlace(x),
    drop,
    (ops, x) => ops.linear(x, last),
  ]);
}

const vgg =
  (stages: readonly number[], normalises: boolean): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const convolve = vggFeatures(root.child('features'), stages, normalises);
      const classify = classifier(root.child('classifier'), classes);
      return module((ops, images: Tensor): Tensor => {
        let h = ops.keep(convolve(ops, images));
        h = ops.rebind(h, ops.adaptiveAvgPool2d(h, POOLED));
        h = ops.rebind(h, ops.reshape(h, [h.shape[0]!, -1]));
        return classify(ops, h);
      });
    });

/** VGG with and without batch normalisation, for image classification (torchvision). */
export const VGGS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(VGG_STAGES).flatMap(([name, stages]) => [
    [name, vgg(stages, false)],
    [`${name}_bn`, vgg(stages, true)],
  ]),
);
