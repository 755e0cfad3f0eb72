import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { BranchConvolution } from '../modules/inception.js';
import { basicConvolution, branch, parallel } from '../modules/inception.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** timm/models/inception_resnet_v2.py */
const BLOCKS_35 = 10;
const BLOCKS_17 = 20;
const BLOCKS_8 = 9;
const LAST = 1536;

const maxPool: Step = (ops, x) => ops.maxPool2d(x, { kernel: 3, stride: 2, padding: 0, ceil: false });
const averagePool: Step = (ops, x) => ops.avgPool2d(x, { kernel: 3, stride: 1, padding: 1, ceil: false });

/** Widths and kernels of one branch; a third number is the stride, without padding. */
type Row = readonly [to: number, kernel: BranchConvolution['kernel'], stride?: number];

function side(scope: Scope, from: number, rows: readonly Row[]): Step {
  const convolutions = rows.map(([to, kernel, stride], i) => {
    const name = String(i);
    return stride === undefined ? { name, to, kernel } : { name, to, kernel, stride, padding: 0 };
  });
  return branch(scope, from, convolutions);
}

const sides = (scope: Scope, from: number, branches: readonly (readonly Row[])[]): Step[] =>
  branches.map((rows, i) => side(scope.child(`branch${i}`), from, rows));

function mixed5b(scope: Scope): Step {
  const from = 192;
  const direct = sides(scope, from, [
    [[96, 1]],
    [
      [48, 1],
      [64, 5],
    ],
    [
      [64, 1],
      [96, 3],
      [96, 3],
    ],
  ]);
  const project = basicConvolution(scope.child('branch3').child('1'), [from, 64], { kernel: 1 });
  return parallel([...direct, sequential([averagePool, project])]);
}

interface ResidualShape {
  width: number;
  branches: readonly (readonly Row[])[];
}

const BLOCK_35: ResidualShape = {
  width: 320,
  branches: [
    [[32, 1]],
    [
      [32, 1],
      [32, 3],
    ],
    [
      [32, 1],
      [48, 3],
      [64, 3],
    ],
  ],
};
const BLOCK_17: ResidualShape = {
  width: 1088,
  branches: [
    [[192, 1]],
    [
      [128, 1],
      [160, [1, 7]],
      [192, [7, 1]],
    ],
  ],
};
const BLOCK_8: ResidualShape = {
  width: 2080,
  branches: [
    [[192, 1]],
    [
      [192, 1],
      [224, [1, 3]],
      [256, [3, 1]],
    ],
  ],
};

/** Branches joined, convolved with bias, scaled and added; ReLU into a new map, except after the last block. */
function residualBlock(scope: Scope, { width, branches }: ResidualShape, activates = true): Step {
  const runs = sides(scope, width, branches);
  const joined = branches.reduce((sum, rows) => sum + rows[rows.length - 1]![0], 0);
  const project = scope.conv2d('conv2d', joined, width, { kernel: 1 });
  return module((ops, x: Tensor): Tensor => {
    const maps = runs.map((run) => ops.keep(run(ops, x)));
    let out = ops.keep(ops.cat(maps, 1));
    out = ops.rebind(out, ops.conv2d(out, project));
    out = ops.rebind(out, ops.add(ops.mulScalar(out), x));
    return activates ? ops.relu(out) : out;
  });
}

function repeat(scope: Scope, count: number, shape: ResidualShape): Step {
  return sequential(Array.from({ length: count }, (_, i) => residualBlock(scope.child(String(i)), shape)));
}

function mixed6a(scope: Scope): Step {
  const convolved = sides(scope, 320, [
    [[384, 3, 2]],
    [
      [256, 1],
      [256, 3],
      [384, 3, 2],
    ],
  ]);
  return parallel([...convolved, maxPool]);
}

function mixed7a(scope: Scope): Step {
  const convolved = sides(scope, 1088, [
    [
      [256, 1],
      [384, 3, 2],
    ],
    [
      [256, 1],
      [288, 3, 2],
    ],
    [
      [256, 1],
      [288, 3],
      [320, 3, 2],
    ],
  ]);
  return parallel([...convolved, maxPool]);
}

function stem(root: Scope): Step[] {
  return [
    basicConvolution(root.child('conv2d_1a'), [3, 32], { kernel: 3, stride: 2 }),
    basicConvolution(root.child('conv2d_2a'), [32, 32], { kernel: 3 }),
    basicConvolution(root.child('conv2d_2b'), [32, 64], { kernel: 3, padding: 1 }),
    maxPool,
    basicConvolution(root.child('conv2d_3b'), [64, 80], { kernel: 1 }),
    basicConvolution(root.child('conv2d_4a'), [80, 192], { kernel: 3 }),
    maxPool,
  ];
}

const inceptionResnet: ClassifierConstructor = (name, classes) =>
  imageClassifier(name, (root) => {
    const steps = [
      ...stem(root),
      mixed5b(root.child('mixed_5b')),
      repeat(root.child('repeat'), BLOCKS_35, BLOCK_35),
      mixed6a(root.child('mixed_6a')),
      repeat(root.child('repeat_1'), BLOCKS_17, BLOCK_17),
      mixed7a(root.child('mixed_7a')),
      repeat(root.child('repeat_2'), BLOCKS_8, BLOCK_8),
      residualBlock(root.child('block8'), BLOCK_8, false),
      basicConvolution(root.child('conv2d_7b'), [BLOCK_8.width, LAST], { kernel: 1 }),
    ];
    const classifier = root.linear('classif', LAST, classes);
    return module((ops, images: Tensor): Tensor => {
      const maps = steps.reduce((x, step) => ops.rebind(x, step(ops, x)), images);
      return ops.linear(poolAndFlatten(ops, maps), classifier);
    });
  });

/** Inception-ResNet v2 for image classification (timm; torchvision has none). */
export const INCEPTION_RESNETS: Readonly<Record<string, ClassifierConstructor>> = {
  inception_resnet_v2: inceptionResnet,
};
