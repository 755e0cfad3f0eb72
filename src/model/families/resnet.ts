import { samePadding } from '../modules/convolution-norm.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Depth and widths of a residual network (torchvision/models/resnet.py). */
export interface ResnetShape {
  bottleneck: boolean;
  stages: readonly [number, number, number, number];
  groups: number;
  widthPerGroup: number;
  /** timm's `SEModule` after the last convolution of each block. */
  gated?: boolean;
}

const shape = (bottleneck: boolean, stages: ResnetShape['stages'], groups = 1, widthPerGroup = 64): ResnetShape => ({
  bottleneck,
  stages,
  groups,
  widthPerGroup,
});

/** By constructor's name. */
export const RESNET_SHAPES: Readonly<Record<string, ResnetShape>> = {
  resnet18: shape(false, [2, 2, 2, 2]),
  resnet34: shape(false, [3, 4, 6, 3]),
  resnet50: shape(true, [3, 4, 6, 3]),
  resnet101: shape(true, [3, 4, 23, 3]),
  resnet152: shape(true, [3, 8, 36, 3]),
  resnext50_32x4d: shape(true, [3, 4, 6, 3], 32, 4),
  resnext101_32x8d: shape(true, [3, 4, 23, 3], 32, 8),
  resnext101_64x4d: shape(true, [3, 4, 23, 3], 64, 4),
  wide_resnet50_2: shape(true, [3, 4, 6, 3], 1, 128),
  wide_resnet101_2: shape(true, [3, 4, 23, 3], 1, 128),
};

const EXPANSION = 4;

/** Convolution, batch normalisation and, unless told otherwise, ReLU in place; each takes the other's name. */
type ConvolutionSizes = { kernel: number; stride?: number; groups?: number; dilation?: number };

function convolution(scope: Scope, index: number, [from, to]: readonly [number, number], sizes: ConvolutionSizes) {
  const padding = samePadding(sizes.kernel, sizes.dilation);
  const conv = scope.conv2d(`conv${index}`, from, to, { ...sizes, padding, bias: false });
  const norm = scope.batchNorm(`bn${index}`, to);
  return (ops: Operations, x: Tensor, bound: Tensor | null): Tensor => {
    const convolved = ops.conv2d(x, conv);
    const h = bound === null ? ops.keep(convolved) : ops.rebind(bound, convolved);
    return ops.rebind(h, ops.batchNorm(h, norm));
  };
}

interface BlockSizes {
  from: number;
  planes: number;
  stride: number;
  dilation: number;
  net: ResnetShape;
}

function downsampling(scope: Scope, { from, planes, stride, net }: BlockSizes): Step | null {
  const to = planes * (net.bottleneck ? EXPANSION : 1);
  if (stride === 1 && from === to) return null;
  const child = scope.child('downsample');
  const conv = child.conv2d('0', from, to, { kernel: 1, stride, bias: false });
  const norm = child.batchNorm('1', to);
  return sequential([(ops, x) => ops.conv2d(x, conv), (ops, x) => ops.batchNorm(x, norm)]);
}

function branch(scope: Scope, { from, planes, stride, dilation, net }: BlockSizes) {
  if (!net.bottleneck) {
    const first = convolution(scope, 1, [from, planes], { kernel: 3, stride });
    return [first, convolution(scope, 2, [planes, planes], { kernel: 3 })];
  }
  const width = Math.floor(planes * (net.widthPerGroup / 64)) * net.groups;
  return [
    convolution(scope, 1, [from, width], { kernel: 1 }),
    convolution(scope, 2, [width, width], { kernel: 3, stride, groups: net.groups, dilation }),
    convolution(scope, 3, [width, planes * EXPANSION], { kernel: 1 }),
  ];
}

const GATE_REDUCTION = 16;

/** `SEModule`: the map times a gate for each channel (timm/layers/squeeze_excite.py). */
function squeezeExcitation(scope: Scope, channels: number): Step {
  const squeezed = Math.max(8, Math.floor((channels / GATE_REDUCTION + 4) / 8) * 8);
  const reduce = scope.conv2d('fc1', channels, squeezed, { kernel: 1 });
  const expand = scope.conv2d('fc2', squeezed, channels, { kernel: 1 });
  return module((ops, x: Tensor): Tensor => {
    let gate = ops.keep(ops.mean(x, [2, 3], true));
    gate = ops.rebind(gate, ops.conv2d(gate, reduce));
    gate = ops.rebind(gate, ops.reluInPlace(gate));
    gate = ops.rebind(gate, ops.conv2d(gate, expand));
    return ops.mul(x, ops.sigmoid(gate));
  });
}

/** The last convolution's result takes the identity in place, then ReLU in place. */
function residualBlock(scope: Scope, sizes: BlockSizes): Step {
  const convolutions = branch(scope, sizes);
  const { planes, net } = sizes;
  const gate = net.gated ? squeezeExcitation(scope.child('se'), planes * (net.bottleneck ? EXPANSION : 1)) : null;
  const downsample = downsampling(scope, sizes);
  return module((ops, x: Tensor): Tensor => {
    let h: Tensor | null = null;
    convolutions.forEach((convolve, i) => {
      h = convolve(ops, h ?? x, h);
      if (i < convolutions.length - 1) h = ops.rebind(h, ops.reluInPlace(h));
    });
    let out: Tensor = h!;
    if (gate !== null) out = ops.rebind(out, gate(ops, out));
    const identity = downsample === null ? x : ops.keep(downsample(ops, x));
    out = ops.rebind(out, ops.addInPlace(out, identity));
    return ops.reluInPlace(out);
  });
}

/** The first block strides, or, where strides are replaced by dilation, keeps the dilation of the stage before. */
function stage(scope: Scope, blocks: number, sizes: BlockSizes, dilation: number): Step {
  const width = sizes.planes * (sizes.net.bottleneck ? EXPANSION : 1);
  const later = { ...sizes, from: width, stride: 1, dilation };
  return sequential(
    Array.from({ length: blocks }, (_, i) => residualBlock(scope.child(String(i)), i === 0 ? sizes : later)),
  );
}

/**
 * The convolutional part up to the last stage, as detectors and segmentation models use it too. Dilated: the last two
 * stages keep the resolution of the second.
 */
export function resnetStages(
  scope: Scope,
  net: ResnetShape,
  dilated = false,
): { stem: Step; stages: Step[]; width: number } {
  const first = scope.conv2d('conv1', 3, 64, { kernel: 7, stride: 2, padding: 3, bias: false });
  const norm = scope.batchNorm('bn1', 64);
  const expansion = net.bottleneck ? EXPANSION : 1;
  let from = 64;
  let dilation = 1;
  const stages = net.stages.map((blocks, i) => {
    const planes = 64 * 2 ** i;
    const replaces = dilated && i >= 2;
    const sizes = { from, planes, stride: i === 0 || replaces ? 1 : 2, dilation, net };
    if (replaces) dilation *= 2;
    from = planes * expansion;
    return stage(scope.child(`layer${i + 1}`), blocks, sizes, dilation);
  });
  const stem: Step = (ops, x) => {
    let h = ops.keep(ops.conv2d(x, first));
    h = ops.rebind(h, ops.batchNorm(h, norm));
    h = ops.rebind(h, ops.reluInPlace(h));
    return ops.rebind(h, ops.maxPool2d(h, { kernel: 3, stride: 2, padding: 1, ceil: false }));
  };
  return { stem, stages, width: from };
}

const resnet =
  (net: ResnetShape): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const { stem, stages, width } = resnetStages(root, net);
      const classifier = root.linear('fc', width, classes);
      return module((ops, images: Tensor): Tensor => {
        let h = stem(ops, images);
        for (const step of stages) h = ops.rebind(h, step(ops, h));
        return ops.linear(poolAndFlatten(ops, h), classifier);
      });
    });

/** Residual networks for image classification (torchvision's ResNet._forward_impl). */
export const RESNETS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(RESNET_SHAPES).map(([name, net]) => [name, resnet(net)]),
);

const GATED_NAMES: Readonly<Record<string, string>> = {
  seresnet18: 'resnet18',
  seresnet34: 'resnet34',
  seresnet50: 'resnet50',
  seresnet101: 'resnet101',
  seresnet152: 'resnet152',
  seresnext50_32x4d: 'resnext50_32x4d',
  seresnext101_32x8d: 'resnext101_32x8d',
  seresnext101_64x4d: 'resnext101_64x4d',
};

/** Squeeze-and-excitation networks (timm/models/resnet.py). */
export const SE_RESNETS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(GATED_NAMES).map(([name, plain]) => [name, resnet({ ...RESNET_SHAPES[plain]!, gated: true })]),
);
