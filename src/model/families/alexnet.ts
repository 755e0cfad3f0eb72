import { relu } from '../modules/convolution-norm.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Channels, kernel, stride, padding; pooled after the first, second and last (torchvision/models/alexnet.py). */
const CONVOLUTIONS = [
  { to: 64, kernel: 11, stride: 4, padding: 2, pools: true },
  { to: 192, kernel: 5, stride: 1, padding: 2, pools: true },
  { to: 384, kernel: 3, stride: 1, padding: 1, pools: false },
  { to: 256, kernel: 3, stride: 1, padding: 1, pools: false },
  { to: 256, kernel: 3, stride: 1, padding: 1, pools: true },
] as const;
const POOLED = 6;
const HIDDEN = 4096;
const DROPOUT = 0.5;

function features(scope: Scope): Step {
  const steps: Step[] = [];
  let from = 3;
  for (const { to, pools, ...options } of CONVOLUTIONS) {
    const conv = scope.conv2d(String(steps.length), from, to, options);
    steps.push((ops, x) => ops.conv2d(x, conv), relu);
    if (pools) steps.push((ops, x) => ops.maxPool2d(x, { kernel: 3, stride: 2, padding: 0, ceil: false }));
    from = to;
  }
  return sequential(steps);
}

function classifier(scope: Scope, classes: number): Step {
  const first = scope.linear('1', CONVOLUTIONS[4].to * POOLED * POOLED, HIDDEN);
  const second = scope.linear('4', HIDDEN, HIDDEN);
  const last = scope.linear('6', HIDDEN, classes);
  const drop: Step = (ops, x) => ops.dropout(x, ops.dropoutOf(DROPOUT));
  return sequential([
    drop,
    (ops, x) => ops.linear(x, first),
    relu,
    drop,
    (ops, x) => ops.linear(x, second),
    relu,
    (ops, x) => ops.linear(x, last),
  ]);
}

const alexnet: ClassifierConstructor = (name, classes) =>
  imageClassifier(name, (root) => {
    const convolve = features(root.child('features'));
    const classify = classifier(root.child('classifier'), classes);
    return module((ops, images: Tensor): Tensor => {
      let h = ops.keep(convolve(ops, images));
      h = ops.rebind(h, ops.adaptiveAvgPool2d(h, POOLED));
      h = ops.rebind(h, ops.reshape(h, [h.shape[0]!, -1]));
      return classify(ops, h);
    });
  });

/** AlexNet for image classification (torchvision). */
export const ALEXNETS: Readonly<Record<string, ClassifierConstructor>> = { alexnet };
