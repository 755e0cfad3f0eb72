import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import { stochasticDepth } from '../modules/stochastic-depth.js';
import { shiftedWindowAttention } from '../modules/window-attention.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** torchvision/models/swin_transformer.py */
interface SwinShape {
  width: number;
  blocks: readonly [number, number, number, number];
  heads: readonly [number, number, number, number];
  window: number;
  stochasticDepth: number;
}

const TINY = { width: 96, blocks: [2, 2, 6, 2], heads: [3, 6, 12, 24], stochasticDepth: 0.2 } as const;
const SMALL = { width: 96, blocks: [2, 2, 18, 2], heads: [3, 6, 12, 24], stochasticDepth: 0.3 } as const;
const BASE = { width: 128, blocks: [2, 2, 18, 2], heads: [4, 8, 16, 32], stochasticDepth: 0.5 } as const;

const SHAPES: Readonly<Record<string, SwinShape>> = {
  swin_t: { window: 7, ...TINY },
  swin_s: { window: 7, ...SMALL },
  swin_b: { window: 7, ...BASE },
};
const PATCH = 4;
const MLP_RATIO = 4;

function mlp(scope: Scope, width: number): Step {
  const expand = scope.linear('0', width, MLP_RATIO * width);
  const project = scope.linear('3', MLP_RATIO * width, width);
  return sequential([
    (ops, x) => ops.linear(x, expand),
    (ops, x) => ops.gelu(x),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
    (ops, x) => ops.linear(x, project),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
  ]);
}

interface BlockSizes {
  width: number;
  heads: number;
  window: number;
  shifted: boolean;
  depthProbability: number;
}

function block(scope: Scope, sizes: BlockSizes): Step {
  const { width, heads, window, shifted } = sizes;
  const norm1 = scope.layerNorm('norm1', width);
  const shift = shifted ? Math.floor(window / 2) : 0;
  const attend = shiftedWindowAttention(scope.child('attn'), { width, heads, window, shift });
  const norm2 = scope.layerNorm('norm2', width);
  const feedForward = mlp(scope.child('mlp'), width);
  const thin = stochasticDepth(sizes.depthProbability);
  return module((ops, input: Tensor): Tensor => {
    const x = ops.keep(ops.add(input, thin(ops, attend(ops, ops.layerNorm(input, norm1)))));
    return ops.add(x, thin(ops, feedForward(ops, ops.layerNorm(x, norm2))));
  });
}

/** Every second pixel in both directions, four times; joined along the channels. */
const quarter = module((ops, x: Tensor): Tensor => {
  const [, height, width] = x.shape as readonly [number, number, number];
  const padded = ops.keep(ops.pad(x, [0, 0, 0, width % 2, 0, height % 2]));
  const parts = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ].map(([row, column]) => ops.keep(ops.everyNth(ops.everyNth(padded, 1, [row!, 2]), 2, [column!, 2])));
  return ops.cat(parts, 3);
});

/** `PatchMerging`: half of the resolution, twice the width. */
function patchMerging(scope: Scope, width: number): Step {
  const reduction = scope.linear('reduction', 4 * width, 2 * width, { bias: false });
  const norm = scope.layerNorm('norm', 4 * width);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(quarter(ops, x));
    h = ops.rebind(h, ops.layerNorm(h, norm));
    return ops.linear(h, reduction);
  });
}

/** Convolution that makes each patch a pixel, channels last. */
function stem(scope: Scope, width: number): Step {
  const conv = scope.conv2d('0', 3, width, { kernel: PATCH, stride: PATCH });
  const norm = scope.layerNorm('2', width);
  return sequential([
    (ops, x) => ops.conv2d(x, conv),
    (ops, x) => ops.permute(x, [0, 2, 3, 1]),
    (ops, x) => ops.layerNorm(x, norm),
  ]);
}

function features(scope: Scope, shape: SwinShape): Step {
  const { blocks, heads, window } = shape;
  const total = blocks.reduce((sum, count) => sum + count, 0);
  const steps = [stem(scope.child('0'), shape.width)];
  let done = 0;
  blocks.forEach((count, stage) => {
    const width = shape.width * 2 ** stage;
    const inside = scope.child(String(steps.length));
    const members = Array.from({ length: count }, (_, i) => {
      const depthProbability = (shape.stochasticDepth * done++) / (total - 1);
      const sizes = { width, heads: heads[stage]!, window, shifted: i % 2 === 1, depthProbability };
      return block(inside.child(String(i)), sizes);
    });
    steps.push(sequential(members));
    if (stage < blocks.length - 1) steps.push(patchMerging(scope.child(String(steps.length)), width));
  });
  return sequential(steps);
}

const swin =
  (shape: SwinShape): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const width = shape.width * 8;
      const run = features(root.child('features'), shape);
      const norm = root.layerNorm('norm', width);
      const head = root.linear('head', width, classes);
      return module((ops, images: Tensor): Tensor => {
        let x = ops.keep(run(ops, images));
        x = ops.rebind(x, ops.layerNorm(x, norm));
        x = ops.rebind(x, ops.permute(x, [0, 3, 1, 2]));
        return ops.linear(poolAndFlatten(ops, x), head);
      });
    });

/** Swin transformers of the first version, for image classification (torchvision). */
export const SWINS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, swin(shape)]),
);
