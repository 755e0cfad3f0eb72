import { auxiliaryImageClassifier } from '../modules/image-classification.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { basicConvolution, branch, parallel } from '../modules/inception.js';
import type { BranchConvolution } from '../modules/inception.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

const DROPOUT = 0.5;
const LAST = 2048;

const maxPool: Step = (ops, x) => ops.maxPool2d(x, { kernel: 3, stride: 2, padding: 0, ceil: false });
const averagePool: Step = (ops, x) => ops.avgPool2d(x, { kernel: 3, stride: 1, padding: 1, ceil: false });

const conv = (name: string, to: number, kernel: BranchConvolution['kernel']): BranchConvolution => ({
  name,
  to,
  kernel,
});
/** A 3x3 convolution that halves the resolution. */
const halving = (name: string, to: number): BranchConvolution => ({ name, to, kernel: 3, stride: 2, padding: 0 });

function pooled(scope: Scope, from: number, to: number): Step {
  return sequential([averagePool, branch(scope, from, [conv('branch_pool', to, 1)])]);
}

/** `InceptionA` */
function blockA(scope: Scope, from: number, pooledTo: number): Step {
  const direct = branch(scope, from, [conv('branch1x1', 64, 1)]);
  const wide = branch(scope, from, [conv('branch5x5_1', 48, 1), conv('branch5x5_2', 64, 5)]);
  const double = branch(scope, from, [
    conv('branch3x3dbl_1', 64, 1),
    conv('branch3x3dbl_2', 96, 3),
    conv('branch3x3dbl_3', 96, 3),
  ]);
  return parallel([direct, wide, double, pooled(scope, from, pooledTo)]);
}

/** `InceptionB` */
function blockB(scope: Scope, from: number): Step {
  const direct = branch(scope, from, [halving('branch3x3', 384)]);
  const double = branch(scope, from, [
    conv('branch3x3dbl_1', 64, 1),
    conv('branch3x3dbl_2', 96, 3),
    halving('branch3x3dbl_3', 96),
  ]);
  return parallel([direct, double, maxPool]);
}

/** `InceptionC`: 7x7 as rows and columns. */
function blockC(scope: Scope, width: number): Step {
  const from = 768;
  const direct = branch(scope, from, [conv('branch1x1', 192, 1)]);
  const single = branch(scope, from, [
    conv('branch7x7_1', width, 1),
    conv('branch7x7_2', width, [1, 7]),
    conv('branch7x7_3', 192, [7, 1]),
  ]);
  const double = branch(scope, from, [
    conv('branch7x7dbl_1', width, 1),
    conv('branch7x7dbl_2', width, [7, 1]),
    conv('branch7x7dbl_3', width, [1, 7]),
    conv('branch7x7dbl_4', width, [7, 1]),
    conv('branch7x7dbl_5', 192, [1, 7]),
  ]);
  return parallel([direct, single, double, pooled(scope, from, 192)]);
}

/** `InceptionD` */
function blockD(scope: Scope): Step {
  const from = 768;
  const direct = branch(scope, from, [conv('branch3x3_1', 192, 1), halving('branch3x3_2', 320)]);
  const wide = branch(scope, from, [
    conv('branch7x7x3_1', 192, 1),
    conv('branch7x7x3_2', 192, [1, 7]),
    conv('branch7x7x3_3', 192, [7, 1]),
    halving('branch7x7x3_4', 192),
  ]);
  return parallel([direct, wide, maxPool]);
}

/** A branch that ends in a row and a column convolution side by side. */
function forked(scope: Scope, from: number, before: readonly BranchConvolution[], names: readonly [string, string]) {
  const begin = branch(scope, from, before);
  const row = branch(scope, 384, [conv(names[0], 384, [1, 3])]);
  const column = branch(scope, 384, [conv(names[1], 384, [3, 1])]);
  return sequential([begin, parallel([row, column])]);
}

/** `InceptionE` */
function blockE(scope: Scope, from: number): Step {
  const direct = branch(scope, from, [conv('branch1x1', 320, 1)]);
  const single = forked(scope, from, [conv('branch3x3_1', 384, 1)], ['branch3x3_2a', 'branch3x3_2b']);
  const before = [conv('branch3x3dbl_1', 448, 1), conv('branch3x3dbl_2', 384, 3)];
  const double = forked(scope, from, before, ['branch3x3dbl_3a', 'branch3x3dbl_3b']);
  return parallel([direct, single, double, pooled(scope, from, 192)]);
}

function auxiliaryHead(scope: Scope, classes: number): Step {
  const reduce = basicConvolution(scope.child('conv0'), [768, 128], { kernel: 1 });
  const convolve = basicConvolution(scope.child('conv1'), [128, 768], { kernel: 5 });
  const classifier = scope.linear('fc', 768, classes);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.avgPool2d(x, { kernel: 5, stride: 3, padding: 0, ceil: false }));
    h = ops.rebind(h, reduce(ops, h));
    h = ops.rebind(h, convolve(ops, h));
    return ops.linear(poolAndFlatten(ops, h), classifier);
  });
}

function stem(root: Scope): Step[] {
  return [
    basicConvolution(root.child('Conv2d_1a_3x3'), [3, 32], { kernel: 3, stride: 2 }),
    basicConvolution(root.child('Conv2d_2a_3x3'), [32, 32], { kernel: 3 }),
    basicConvolution(root.child('Conv2d_2b_3x3'), [32, 64], { kernel: 3, padding: 1 }),
    maxPool,
    basicConvolution(root.child('Conv2d_3b_1x1'), [64, 80], { kernel: 1 }),
    basicConvolution(root.child('Conv2d_4a_3x3'), [80, 192], { kernel: 3 }),
    maxPool,
  ];
}

const through = (ops: Operations, x: Tensor, steps: readonly Step[]): Tensor =>
  steps.reduce((h, step) => ops.rebind(h, step(ops, h)), x);

/** Inception-v3 with its auxiliary head, as it is trained. */
const inceptionV3: ClassifierConstructor = (name, classes) =>
  auxiliaryImageClassifier(name, (root) => {
    const early = [
      ...stem(root),
      blockA(root.child('Mixed_5b'), 192, 32),
      blockA(root.child('Mixed_5c'), 256, 64),
      blockA(root.child('Mixed_5d'), 288, 64),
      blockB(root.child('Mixed_6a'), 288),
      blockC(root.child('Mixed_6b'), 128),
      blockC(root.child('Mixed_6c'), 160),
      blockC(root.child('Mixed_6d'), 160),
      blockC(root.child('Mixed_6e'), 192),
    ];
    const auxiliary = auxiliaryHead(root.child('AuxLogits'), classes);
    const late = [
      blockD(root.child('Mixed_7a')),
      blockE(root.child('Mixed_7b'), 1280),
      blockE(root.child('Mixed_7c'), 2048),
    ];
    const classifier = root.linear('fc', LAST, classes);
    return module((ops, images: Tensor): Tensor[] => {
      let h = through(ops, images, early);
      const auxiliaryLogits = ops.keep(auxiliary(ops, h));
      h = through(ops, h, late);
      h = ops.rebind(h, ops.adaptiveAvgPool2d(h, 1));
      h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(DROPOUT)));
      h = ops.rebind(h, ops.reshape(h, [h.shape[0]!, -1]));
      return [ops.linear(h, classifier), auxiliaryLogits];
    });
  });

/** Inception-v3 for image classification (torchvision). */
export const INCEPTIONS_V3: Readonly<Record<string, ClassifierConstructor>> = { inception_v3: inceptionV3 };
