import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { ConvolutionOptions, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

const ATROUS_RATES = [12, 24, 36] as const;
const ATROUS_WIDTH = 256;
const FCN_DROPOUT = 0.1;
const PROJECTION_DROPOUT = 0.5;

type Pair = readonly [number, number];

/** Convolution without bias, batch normalisation, ReLU into a new map. */
function convolution(scope: Scope, [from, to]: Pair, options: ConvolutionOptions): Step[] {
  const conv = scope.conv2d('0', from, to, { ...options, bias: false });
  const norm = scope.batchNorm('1', to);
  return [(ops, x) => ops.conv2d(x, conv), (ops, x) => ops.batchNorm(x, norm), (ops, x) => ops.relu(x)];
}

/** `F.interpolate(x, size=like.shape[-2:], mode='bilinear')` */
export function resizeLike(ops: Operations, x: Tensor, like: Tensor): Tensor {
  return ops.upsample(x, [like.shape[2]!, like.shape[3]!], 'bilinear');
}

/** `FCNHead` (torchvision/models/segmentation/fcn.py) */
export function fcnHead(scope: Scope, from: number, classes: number): Step {
  const width = Math.floor(from / 4);
  const convolve = convolution(scope, [from, width], { kernel: 3, padding: 1 });
  const last = scope.conv2d('4', width, classes, { kernel: 1 });
  return sequential([
    ...convolve,
    (ops, x) => ops.dropout(x, ops.dropoutOf(FCN_DROPOUT)),
    (ops, x) => ops.conv2d(x, last),
  ]);
}

/** `ASPPPooling`: the mean of the map, convolved and spread over it again. */
function pooledBranch(scope: Scope, from: number): Step {
  const conv = scope.conv2d('1', from, ATROUS_WIDTH, { kernel: 1, bias: false });
  const norm = scope.batchNorm('2', ATROUS_WIDTH);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.adaptiveAvgPool2d(x, 1));
    h = ops.rebind(h, ops.conv2d(h, conv));
    h = ops.rebind(h, ops.batchNorm(h, norm));
    h = ops.rebind(h, ops.relu(h));
    return resizeLike(ops, h, x);
  });
}

/** `ASPP`: convolutions of several dilations side by side. */
function atrousPyramid(scope: Scope, from: number): Step {
  const convs = scope.child('convs');
  const branches = [
    sequential(convolution(convs.child('0'), [from, ATROUS_WIDTH], { kernel: 1 })),
    ...ATROUS_RATES.map((rate, i) => {
      const options = { kernel: 3, padding: rate, dilation: rate };
      return sequential(convolution(convs.child(String(i + 1)), [from, ATROUS_WIDTH], options));
    }),
    pooledBranch(convs.child(String(ATROUS_RATES.length + 1)), from),
  ];
  const joined = branches.length * ATROUS_WIDTH;
  const project = sequential([
    ...convolution(scope.child('project'), [joined, ATROUS_WIDTH], { kernel: 1 }),
    (ops, x) => ops.dropout(x, ops.dropoutOf(PROJECTION_DROPOUT)),
  ]);
  return module((ops, x: Tensor): Tensor => {
    const maps = branches.map((run) => ops.keep(run(ops, x)));
    return project(ops, ops.keep(ops.cat(maps, 1)));
  });
}

/** `DeepLabHead` (torchvision/models/segmentation/deeplabv3.py) */
export function deeplabHead(scope: Scope, from: number, classes: number): Step {
  const pyramid = atrousPyramid(scope.child('0'), from);
  const conv = scope.conv2d('1', ATROUS_WIDTH, ATROUS_WIDTH, { kernel: 3, padding: 1, bias: false });
  const norm = scope.batchNorm('2', ATROUS_WIDTH);
  const last = scope.conv2d('4', ATROUS_WIDTH, classes, { kernel: 1 });
  return sequential([
    pyramid,
    (ops, x) => ops.conv2d(x, conv),
    (ops, x) => ops.batchNorm(x, norm),
    (ops, x) => ops.relu(x),
    (ops, x) => ops.conv2d(x, last),
  ]);
}
