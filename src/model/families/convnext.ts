import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import { stochasticDepth } from '../modules/stochastic-depth.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Width and blocks of each stage (torchvision/models/convnext.py). */
interface ConvnextShape {
  widths: readonly [number, number, number, number];
  blocks: readonly [number, number, number, number];
  stochasticDepth: number;
}

const SHAPES: Readonly<Record<string, ConvnextShape>> = {
  convnext_tiny: { widths: [96, 192, 384, 768], blocks: [3, 3, 9, 3], stochasticDepth: 0.1 },
  convnext_small: { widths: [96, 192, 384, 768], blocks: [3, 3, 27, 3], stochasticDepth: 0.4 },
  convnext_base: { widths: [128, 256, 512, 1024], blocks: [3, 3, 27, 3], stochasticDepth: 0.5 },
  convnext_large: { widths: [192, 384, 768, 1536], blocks: [3, 3, 27, 3], stochasticDepth: 0.5 },
};
const EXPANSION = 4;

const channelsLast: Step = (ops, x) => ops.permute(x, [0, 2, 3, 1]);
const channelsFirst: Step = (ops, x) => ops.permute(x, [0, 3, 1, 2]);

/** `LayerNorm2d`: over the channels of each pixel. */
export function layerNorm2d(scope: Scope, name: string, width: number): Step {
  const norm = scope.layerNorm(name, width);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(channelsLast(ops, x));
    h = ops.rebind(h, ops.layerNorm(h, norm));
    return channelsFirst(ops, h);
  });
}

function blockSteps(scope: Scope, width: number): Step[] {
  const depthwise = scope.conv2d('0', width, width, { kernel: 7, padding: 3, groups: width });
  const norm = scope.layerNorm('2', width);
  const expand = scope.linear('3', width, EXPANSION * width);
  const project = scope.linear('5', EXPANSION * width, width);
  return [
    (ops, x) => ops.conv2d(x, depthwise),
    channelsLast,
    (ops, x) => ops.layerNorm(x, norm),
    (ops, x) => ops.linear(x, expand),
    (ops, x) => ops.gelu(x),
    (ops, x) => ops.linear(x, project),
    channelsFirst,
  ];
}

function block(scope: Scope, width: number, depthProbability: number): Step {
  const layerScale = scope.parameter('layer_scale', [width, 1, 1]);
  const convolve = sequential(blockSteps(scope.child('block'), width));
  const thin = stochasticDepth(depthProbability);
  return module((ops, x: Tensor): Tensor => {
    let result = ops.keep(ops.mul(ops.parameter(layerScale), convolve(ops, x)));
    result = ops.rebind(result, thin(ops, result));
    return ops.addInPlace(result, x);
  });
}

/** Convolution that makes each patch a pixel. */
function stem(scope: Scope, width: number): Step {
  const conv = scope.conv2d('0', 3, width, { kernel: 4, stride: 4 });
  const norm = layerNorm2d(scope, '1', width);
  return sequential([(ops, x) => ops.conv2d(x, conv), norm]);
}

function downsampling(scope: Scope, from: number, to: number): Step {
  const norm = layerNorm2d(scope, '0', from);
  const conv = scope.conv2d('1', from, to, { kernel: 2, stride: 2 });
  return sequential([norm, (ops, x) => ops.conv2d(x, conv)]);
}

function features(scope: Scope, { widths, blocks, stochasticDepth: depth }: ConvnextShape): Step {
  const total = blocks.reduce((sum, count) => sum + count, 0);
  const steps = [stem(scope.child('0'), widths[0])];
  let done = 0;
  widths.forEach((width, i) => {
    const inside = scope.child(String(steps.length));
    const members = Array.from({ length: blocks[i]! }, (_, j) =>
      block(inside.child(String(j)), width, (depth * done++) / (total - 1)),
    );
    steps.push(sequential(members));
    const next = widths[i + 1];
    if (next !== undefined) steps.push(downsampling(scope.child(String(steps.length)), width, next));
  });
  return sequential(steps);
}

const convnext =
  (shape: ConvnextShape): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const convolve = features(root.child('features'), shape);
      const head = root.child('classifier');
      const norm = layerNorm2d(head, '0', shape.widths[3]);
      const last = head.linear('2', shape.widths[3], classes);
      const classify = sequential([
        norm,
        (ops, x) => ops.reshape(x, [x.shape[0]!, -1]),
        (ops, x) => ops.linear(x, last),
      ]);
      return module((ops, images: Tensor): Tensor => {
        let h = ops.keep(convolve(ops, images));
        h = ops.rebind(h, ops.adaptiveAvgPool2d(h, 1));
        return classify(ops, h);
      });
    });

/** ConvNeXt for image classification (torchvision). */
export const CONVNEXTS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, convnext(shape)]),
);
