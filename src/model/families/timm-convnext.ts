import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import { layerNorm2d } from './convnext.js';

/** Widths and blocks of each stage (timm/models/convnext.py). */
type ConvnextShape = readonly (readonly [width: number, blocks: number])[];

const zip = (widths: readonly number[], blocks: readonly number[]): ConvnextShape =>
  widths.map((width, i) => [width, blocks[i]!]);

const SHAPES: Readonly<Record<string, ConvnextShape>> = {
  convnext_tiny: zip([96, 192, 384, 768], [3, 3, 9, 3]),
  convnext_small: zip([96, 192, 384, 768], [3, 3, 27, 3]),
  convnext_base: zip([128, 256, 512, 1024], [3, 3, 27, 3]),
  convnext_large: zip([192, 384, 768, 1536], [3, 3, 27, 3]),
  convnext_xlarge: zip([256, 512, 1024, 2048], [3, 3, 27, 3]),
};
const EXPANSION = 4;

function mlp(scope: Scope, width: number): Step {
  const expand = scope.linear('fc1', width, EXPANSION * width);
  const project = scope.linear('fc2', EXPANSION * width, width);
  return sequential([
    (ops, x) => ops.linear(x, expand),
    (ops, x) => ops.gelu(x),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
    (ops, x) => ops.linear(x, project),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
  ]);
}

/** `ConvNeXtBlock` without drop path. */
function block(scope: Scope, width: number): Step {
  const gamma = scope.parameter('gamma', [width]);
  const depthwise = scope.conv2d('conv_dw', width, width, { kernel: 7, padding: 3, groups: width });
  const norm = scope.layerNorm('norm', width);
  const feedForward = mlp(scope.child('mlp'), width);
  return module((ops, shortcut: Tensor): Tensor => {
    let x = ops.keep(ops.conv2d(shortcut, depthwise));
    x = ops.rebind(x, ops.permute(x, [0, 2, 3, 1]));
    x = ops.rebind(x, ops.layerNorm(x, norm));
    x = ops.rebind(x, feedForward(ops, x));
    x = ops.rebind(x, ops.permute(x, [0, 3, 1, 2]));
    x = ops.rebind(x, ops.mul(x, ops.reshape(ops.parameter(gamma), [1, width, 1, 1])));
    return ops.add(x, shortcut);
  });
}

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

function blocks(scope: Scope, width: number, count: number): Step {
  const members = Array.from({ length: count }, (_, i) => {
    const unit = scope.block(String(i));
    const run = block(unit.scope, width);
    return (ops: Operations, x: Tensor): Tensor => ops.block(unit, [x], ([input]) => run(ops, input!));
  });
  return sequential(members);
}

function stages(scope: Scope, shape: ConvnextShape): Step {
  const members = shape.map(([width, count], i): Step => {
    const stage = scope.child(String(i));
    const from = shape[i - 1]?.[0];
    const shrink = from === undefined ? null : downsampling(stage.child('downsample'), from, width);
    const run = blocks(stage.child('blocks'), width, count);
    return module((ops, input: Tensor): Tensor => {
      const x = shrink === null ? input : ops.keep(shrink(ops, input));
      return run(ops, x);
    });
  });
  return sequential(members);
}

const convnext =
  (shape: ConvnextShape): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const width = shape[shape.length - 1]![0];
      const begin = stem(root.child('stem'), shape[0]![0]);
      const run = stages(root.child('stages'), shape);
      const head = root.child('head');
      const norm = layerNorm2d(head, 'norm', width);
      const classifier = head.linear('fc', width, classes);
      const classify = module((ops, features: Tensor): Tensor => {
        let x = ops.keep(ops.adaptiveAvgPool2d(features, 1));
        x = ops.rebind(x, norm(ops, x));
        x = ops.rebind(x, ops.reshape(x, [x.shape[0]!, -1]));
        return ops.linear(x, classifier);
      });
      return module((ops, images: Tensor): Tensor => {
        let x = ops.keep(begin(ops, images));
        x = ops.rebind(x, run(ops, x));
        return classify(ops, x);
      });
    });

/** ConvNeXt of timm, without drop path, which its constructors leave out. */
export const TIMM_CONVNEXTS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, convnext(shape)]),
);
