import { int64 } from '../dtype.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import { stochasticDepth } from '../modules/stochastic-depth.js';
import { lookedUpBias } from '../modules/window-attention.js';
import type { Buffer, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** timm/models/swin_transformer.py */
interface SwinShape {
  width: number;
  blocks: readonly [number, number, number, number];
  heads: readonly [number, number, number, number];
  window: number;
  image: number;
}

const TINY = { width: 96, blocks: [2, 2, 6, 2], heads: [3, 6, 12, 24] } as const;
const SMALL = { width: 96, blocks: [2, 2, 18, 2], heads: [3, 6, 12, 24] } as const;
const BASE = { width: 128, blocks: [2, 2, 18, 2], heads: [4, 8, 16, 32] } as const;
const LARGE = { width: 192, blocks: [2, 2, 18, 2], heads: [6, 12, 24, 48] } as const;

const SHAPES: Readonly<Record<string, SwinShape>> = {
  swin_tiny_patch4_window7_224: { ...TINY, window: 7, image: 224 },
  swin_small_patch4_window7_224: { ...SMALL, window: 7, image: 224 },
  swin_base_patch4_window7_224: { ...BASE, window: 7, image: 224 },
  swin_base_patch4_window12_384: { ...BASE, window: 12, image: 384 },
  swin_large_patch4_window7_224: { ...LARGE, window: 7, image: 224 },
  swin_large_patch4_window12_384: { ...LARGE, window: 12, image: 384 },
};
const PATCH = 4;
const MLP_RATIO = 4;
const DROP_PATH = 0.1;

interface BlockSizes {
  width: number;
  heads: number;
  window: number;
  /** Pixels of the map along one side, for which the masks of shifted windows are made. */
  side: number;
  shifted: boolean;
  depthProbability: number;
}

/** Scores of pairs with bias and, where windows are shifted, the mask. */
function withPairTerms(ops: Operations, scores: Tensor, bias: Tensor, mask: Tensor | null): Tensor {
  const sum = ops.rebind(scores, ops.add(scores, bias));
  if (mask === null) return sum;
  const [, heads, pixels] = sum.shape as readonly [number, number, number];
  const windows = mask.shape[0]!;
  const byImage = ops.view(sum, [-1, windows, heads, pixels, pixels]);
  const masked = ops.rebind(sum, ops.add(byImage, ops.unsqueeze(ops.unsqueeze(mask, 1), 0)));
  return ops.rebind(masked, ops.view(masked, [-1, heads, pixels, pixels]));
}

/** `WindowAttention`, not fused. */
function windowAttention(scope: Scope, { width, heads, window }: BlockSizes) {
  const pixels = window * window;
  const table = scope.parameter('relative_position_bias_table', [(2 * window - 1) ** 2, heads]);
  const index = scope.buffer('relative_position_index', [pixels, pixels], int64);
  const qkv = scope.linear('qkv', width, 3 * width);
  const proj = scope.linear('proj', width, width);
  return module((ops, input: Tensor, mask: Tensor | null): Tensor => {
    const count = input.shape[0]!;
    const split = ops.reshape(ops.linear(input, qkv), [count, pixels, 3, heads, width / heads]);
    const packed = ops.keep(ops.permute(split, [2, 0, 3, 1, 4]));
    const parts = ops.unbind(packed, 0).map((part) => ops.keep(part)) as [Tensor, Tensor, Tensor];
    const query = ops.rebind(parts[0], ops.mulScalar(parts[0]));
    let scores = ops.keep(ops.matmul(query, ops.transpose(parts[1], 2, 3)));
    const bias = lookedUpBias(ops, ops.parameter(table), ops.view(ops.buffer(index), [pixels * pixels]), pixels);
    scores = withPairTerms(ops, scores, bias, mask);
    scores = ops.rebind(scores, ops.softmax(scores));
    scores = ops.rebind(scores, ops.dropout(scores, ops.dropoutOf(0)));
    let x = ops.keep(ops.matmul(scores, parts[2]));
    x = ops.rebind(x, ops.reshape(ops.transpose(x, 1, 2), [count, pixels, width]));
    x = ops.rebind(x, ops.linear(x, proj));
    return ops.dropout(x, ops.dropoutOf(0));
  });
}

/** `window_partition` and the view as sequences. */
function partition(ops: Operations, x: Tensor, window: number): Tensor {
  const [batch, rows, columns, width] = x.shape as readonly [number, number, number, number];
  const tiles = ops.view(x, [batch, rows / window, window, columns / window, window, width]);
  return ops.view(ops.contiguous(ops.permute(tiles, [0, 1, 3, 2, 4, 5])), [-1, window * window, width]);
}

/** `window_reverse` */
function reverse(ops: Operations, x: Tensor, [rows, columns]: readonly [number, number], window: number): Tensor {
  const width = x.shape[2]!;
  const tiles = ops.view(x, [-1, rows / window, columns / window, window, window, width]);
  return ops.view(ops.contiguous(ops.permute(tiles, [0, 1, 3, 2, 4, 5])), [-1, rows, columns, width]);
}

const gap = (size: number, window: number): number => (window - (size % window)) % window;

/** Attention within windows of a map [batch, height, width, channels]. */
function attendMap(scope: Scope, sizes: BlockSizes, mask: Buffer | null): Step {
  const attend = windowAttention(scope.child('attn'), sizes);
  const { window } = sizes;
  return module((ops, x: Tensor): Tensor => {
    const [, height, width] = x.shape as readonly [number, number, number];
    const [below, right] = [gap(height, window), gap(width, window)];
    let map = mask === null ? x : ops.keep(ops.roll(x));
    map = ops.rebind(map, ops.pad(map, [0, 0, 0, right, 0, below]));
    const windows = ops.keep(partition(ops, map, window));
    const attended = ops.keep(attend(ops, windows, mask === null ? null : ops.buffer(mask)));
    map = ops.rebind(map, reverse(ops, attended, [height + below, width + right], window));
    map = ops.rebind(map, ops.contiguous(ops.slice(ops.slice(map, 1, 0, height), 2, 0, width)));
    return mask === null ? map : ops.roll(map);
  });
}

function mlp(scope: Scope, width: number): Step {
  const expand = scope.linear('fc1', width, MLP_RATIO * width);
  const project = scope.linear('fc2', MLP_RATIO * width, width);
  return sequential([
    (ops, x) => ops.linear(x, expand),
    (ops, x) => ops.gelu(x),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
    (ops, x) => ops.linear(x, project),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
  ]);
}

/** The mask of shifted windows is made once, for the map's size, and kept as a buffer. */
function shiftMask(scope: Scope, { shifted, side, window }: BlockSizes): Buffer | null {
  const windows = Math.ceil(side / window) ** 2;
  return shifted && side > window ? scope.buffer('attn_mask', [windows, window * window, window * window]) : null;
}

function block(scope: Scope, sizes: BlockSizes): Step {
  const { width } = sizes;
  const norm1 = scope.layerNorm('norm1', width);
  const attend = attendMap(scope, sizes, shiftMask(scope, sizes));
  const norm2 = scope.layerNorm('norm2', width);
  const feedForward = mlp(scope.child('mlp'), width);
  const thin = stochasticDepth(sizes.depthProbability);
  return module((ops, input: Tensor): Tensor => {
    let x = ops.keep(ops.add(input, thin(ops, attend(ops, ops.layerNorm(input, norm1)))));
    x = ops.rebind(x, ops.reshape(x, [x.shape[0]!, -1, width]));
    x = ops.rebind(x, ops.add(x, thin(ops, feedForward(ops, ops.layerNorm(x, norm2)))));
    return ops.reshape(x, input.shape);
  });
}

/** `PatchMerging`: four neighbours joined, normalised and halved in width. */
function patchMerging(scope: Scope, width: number): Step {
  const norm = scope.layerNorm('norm', 4 * width);
  const reduction = scope.linear('reduction', 4 * width, 2 * width, { bias: false });
  return module((ops, input: Tensor): Tensor => {
    const [batch, height, columns] = input.shape as readonly [number, number, number];
    let x = ops.keep(ops.pad(input, [0, 0, 0, columns % 2, 0, height % 2]));
    const [rows, side] = [x.shape[1]! / 2, x.shape[2]! / 2];
    const tiles = ops.permute(ops.reshape(x, [batch, rows, 2, side, 2, width]), [0, 1, 3, 4, 2, 5]);
    x = ops.rebind(x, ops.reshape(tiles, [batch, rows, side, 4 * width]));
    x = ops.rebind(x, ops.layerNorm(x, norm));
    return ops.linear(x, reduction);
  });
}

function stages(scope: Scope, shape: SwinShape): Step {
  const total = shape.blocks.reduce((sum, count) => sum + count, 0);
  let done = 0;
  const members = shape.blocks.map((count, i): Step => {
    const stage = scope.child(String(i));
    const width = shape.width * 2 ** i;
    const side = Math.ceil(shape.image / PATCH / 2 ** i);
    const merge = i === 0 ? null : patchMerging(stage.child('downsample'), width / 2);
    const inside = stage.child('blocks');
    const window = Math.min(shape.window, side);
    const steps = Array.from({ length: count }, (_, j) => {
      const depthProbability = (DROP_PATH * done++) / (total - 1);
      const sizes = { width, heads: shape.heads[i]!, window, side, shifted: j % 2 === 1, depthProbability };
      const unit = inside.block(String(j));
      const run = block(unit.scope, sizes);
      return (ops: Operations, x: Tensor): Tensor => ops.block(unit, [x], ([input]) => run(ops, input!));
    });
    const run = sequential(steps);
    return module((ops, input: Tensor): Tensor => run(ops, merge === null ? input : ops.keep(merge(ops, input))));
  });
  return sequential(members);
}

function patchEmbedding(scope: Scope, width: number): Step {
  const proj = scope.conv2d('proj', 3, width, { kernel: PATCH, stride: PATCH });
  const norm = scope.layerNorm('norm', width);
  return module((ops, images: Tensor): Tensor => {
    let x = ops.keep(ops.conv2d(images, proj));
    x = ops.rebind(x, ops.permute(x, [0, 2, 3, 1]));
    return ops.rebind(x, ops.layerNorm(x, norm));
  });
}

const swin =
  (shape: SwinShape): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const width = shape.width * 8;
      const embed = patchEmbedding(root.child('patch_embed'), shape.width);
      const run = stages(root.child('layers'), shape);
      const norm = root.layerNorm('norm', width);
      const classifier = root.child('head').linear('fc', width, classes);
      return module((ops, images: Tensor): Tensor => {
        let x = ops.keep(embed(ops, images));
        x = ops.rebind(x, run(ops, x));
        x = ops.rebind(x, ops.layerNorm(x, norm));
        return ops.linear(ops.mean(x, [1, 2], false), classifier);
      });
    });

/** Swin transformers of timm. */
export const TIMM_SWINS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, swin(shape)]),
);
