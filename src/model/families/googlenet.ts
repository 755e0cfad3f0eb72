import { auxiliaryImageClassifier } from '../modules/image-classification.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { basicConvolution, branch, parallel } from '../modules/inception.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Channels in; 1x1; reduced and out of the second and third branch; of the pooled one. */
type BlockWidths = readonly [number, number, number, number, number, number, number];

/** torchvision/models/googlenet.py */
const STAGE_3: Readonly<Record<string, BlockWidths>> = {
  inception3a: [192, 64, 96, 128, 16, 32, 32],
  inception3b: [256, 128, 128, 192, 32, 96, 64],
};
const STAGE_4: Readonly<Record<string, BlockWidths>> = {
  inception4a: [480, 192, 96, 208, 16, 48, 64],
  inception4b: [512, 160, 112, 224, 24, 64, 64],
  inception4c: [512, 128, 128, 256, 24, 64, 64],
  inception4d: [512, 112, 144, 288, 32, 64, 64],
  inception4e: [528, 256, 160, 320, 32, 128, 128],
};
const STAGE_5: Readonly<Record<string, BlockWidths>> = {
  inception5a: [832, 256, 160, 320, 32, 128, 128],
  inception5b: [832, 384, 192, 384, 48, 128, 128],
};
const LAST = 1024;
const DROPOUT = 0.2;
const AUXILIARY_DROPOUT = 0.7;

const pool =
  (kernel: number): Step =>
  (ops, x) =>
    ops.maxPool2d(x, { kernel, stride: 2, padding: 0, ceil: true });

/** The 5x5 branch has 3x3 kernels, as torchvision's weights do. */
function inception(scope: Scope, [from, direct, reduced3, out3, reduced5, out5, pooled]: BlockWidths): Step {
  const pair = (name: string, reduced: number, to: number): Step =>
    branch(scope.child(name), from, [
      { name: '0', to: reduced, kernel: 1 },
      { name: '1', to, kernel: 3 },
    ]);
  const branch1 = basicConvolution(scope.child('branch1'), [from, direct], { kernel: 1 });
  const branch2 = pair('branch2', reduced3, out3);
  const branch3 = pair('branch3', reduced5, out5);
  const project = basicConvolution(scope.child('branch4').child('1'), [from, pooled], { kernel: 1 });
  const branch4 = sequential([(ops, x) => ops.maxPool2d(x, { kernel: 3, stride: 1, padding: 1, ceil: true }), project]);
  return parallel([branch1, branch2, branch3, branch4]);
}

function blocks(root: Scope, stage: Readonly<Record<string, BlockWidths>>): Step[] {
  return Object.entries(stage).map(([name, widths]) => inception(root.child(name), widths));
}

function auxiliaryHead(scope: Scope, from: number, classes: number): Step {
  const conv = basicConvolution(scope.child('conv'), [from, 128], { kernel: 1 });
  const first = scope.linear('fc1', 128 * 4 * 4, 1024);
  const last = scope.linear('fc2', 1024, classes);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.adaptiveAvgPool2d(x, 4));
    h = ops.rebind(h, conv(ops, h));
    h = ops.rebind(h, ops.reshape(h, [h.shape[0]!, -1]));
    h = ops.rebind(h, ops.reluInPlace(ops.linear(h, first)));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(AUXILIARY_DROPOUT)));
    return ops.linear(h, last);
  });
}

function stem(root: Scope): Step[] {
  return [
    basicConvolution(root.child('conv1'), [3, 64], { kernel: 7, stride: 2, padding: 3 }),
    pool(3),
    basicConvolution(root.child('conv2'), [64, 64], { kernel: 1 }),
    basicConvolution(root.child('conv3'), [64, 192], { kernel: 3, padding: 1 }),
    pool(3),
  ];
}

const through = (ops: Operations, x: Tensor, steps: readonly Step[]): Tensor =>
  steps.reduce((h, step) => ops.rebind(h, step(ops, h)), x);

/** GoogLeNet with its auxiliary heads, as it is trained. */
const googlenet: ClassifierConstructor = (name, classes) =>
  auxiliaryImageClassifier(name, (root) => {
    const early = [...stem(root), ...blocks(root, STAGE_3), pool(3)];
    const [first, second, third, fourth, fifth] = blocks(root, STAGE_4) as [Step, Step, Step, Step, Step];
    const late = [fifth, pool(2), ...blocks(root, STAGE_5)];
    const auxiliary1 = auxiliaryHead(root.child('aux1'), 512, classes);
    const auxiliary2 = auxiliaryHead(root.child('aux2'), 528, classes);
    const classifier = root.linear('fc', LAST, classes);
    return module((ops, images: Tensor): Tensor[] => {
      let h = through(ops, images, [...early, first]);
      const logits1 = ops.keep(auxiliary1(ops, h));
      h = through(ops, h, [second, third, fourth]);
      const logits2 = ops.keep(auxiliary2(ops, h));
      h = poolAndFlatten(ops, through(ops, h, late));
      h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(DROPOUT)));
      return [ops.linear(h, classifier), logits2, logits1];
    });
  });

/** GoogLeNet for image classification (torchvision). */
export const GOOGLENETS: Readonly<Record<string, ClassifierConstructor>> = { googlenet };
