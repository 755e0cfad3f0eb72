import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** timm/models/vision_transformer.py */
interface VisionTransformerShape {
  width: number;
  layers: number;
  heads: number;
  /** Of the hidden layer, in units of the width. */
  mlpRatio: number;
}

const shape = (width: number, layers: number, heads: number, mlpRatio = 4): VisionTransformerShape => ({
  width,
  layers,
  heads,
  mlpRatio,
});

const SIZES: Readonly<Record<string, VisionTransformerShape>> = {
  vit_tiny: shape(192, 12, 3),
  vit_small: shape(384, 12, 6),
  vit_base: shape(768, 12, 12),
  vit_large: shape(1024, 24, 16),
  vit_huge: shape(1280, 32, 16),
  vit_giant: shape(1408, 40, 16, 48 / 11),
  vit_gigantic: shape(1664, 48, 16, 64 / 13),
  deit_tiny: shape(192, 12, 3),
  deit_small: shape(384, 12, 6),
  deit_base: shape(768, 12, 12),
};

/** Patch and image sizes, in pixels, that constructors exist for. */
const VARIANTS: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  vit_tiny: [
    [16, 224],
    [16, 384],
  ],
  vit_small: [
    [32, 224],
    [32, 384],
    [16, 224],
    [16, 384],
    [8, 224],
  ],
  vit_base: [
    [32, 224],
    [32, 384],
    [16, 224],
    [16, 384],
    [8, 224],
  ],
  vit_large: [
    [32, 224],
    [32, 384],
    [16, 224],
    [16, 384],
    [14, 224],
  ],
  vit_huge: [[14, 224]],
  vit_giant: [[14, 224]],
  vit_gigantic: [[14, 224]],
  deit_tiny: [[16, 224]],
  deit_small: [[16, 224]],
  deit_base: [
    [16, 224],
    [16, 384],
  ],
};

/** `Attention`: queries, keys and values of one projection. */
function attention(scope: Scope, width: number, heads: number): Step {
  const qkv = scope.linear('qkv', width, 3 * width);
  const proj = scope.linear('proj', width, width);
  return module((ops, input: Tensor): Tensor => {
    const [batch, length] = input.shape as readonly [number, number];
    const split = ops.reshape(ops.linear(input, qkv), [batch, length, 3, heads, width / heads]);
    const packed = ops.keep(ops.permute(split, [2, 0, 3, 1, 4]));
    const [query, key, value] = ops.unbind(packed, 0).map((part) => ops.keep(part)) as [Tensor, Tensor, Tensor];
    let x = ops.keep(attend(ops, query, key, value));
    x = ops.rebind(x, ops.reshape(ops.transpose(x, 1, 2), [batch, length, width]));
    x = ops.rebind(x, ops.linear(x, proj));
    return ops.dropout(x, ops.dropoutOf(0));
  });
}

function attend(ops: Operations, query: Tensor, key: Tensor, value: Tensor): Tensor {
  return ops.scaledDotProductAttention(query, key, value, { causal: false, dropout: ops.dropoutOf(0) });
}

function mlp(scope: Scope, width: number, hidden: number): Step {
  const expand = scope.linear('fc1', width, hidden);
  const project = scope.linear('fc2', hidden, width);
  return sequential([
    (ops, x) => ops.linear(x, expand),
    (ops, x) => ops.gelu(x),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
    (ops, x) => ops.linear(x, project),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
  ]);
}

function block(scope: Scope, { width, heads, mlpRatio }: VisionTransformerShape): Step {
  const norm1 = scope.layerNorm('norm1', width);
  const mix = attention(scope.child('attn'), width, heads);
  const norm2 = scope.layerNorm('norm2', width);
  const feedForward = mlp(scope.child('mlp'), width, Math.floor(width * mlpRatio));
  return module((ops, input: Tensor): Tensor => {
    const x = ops.keep(ops.add(input, mix(ops, ops.layerNorm(input, norm1))));
    return ops.add(x, feedForward(ops, ops.layerNorm(x, norm2)));
  });
}

/** Images as rows of patches: [batch, patches, width]. */
function patchEmbedding(scope: Scope, patch: number, width: number): Step {
  const proj = scope.conv2d('proj', 3, width, { kernel: patch, stride: patch });
  return module((ops, images: Tensor): Tensor => {
    const x = ops.keep(ops.conv2d(images, proj));
    return ops.rebind(x, ops.transpose(ops.reshape(x, [x.shape[0]!, width, -1]), 1, 2));
  });
}

function blocks(scope: Scope, net: VisionTransformerShape): Step {
  const members = Array.from({ length: net.layers }, (_, i) => {
    const unit = scope.block(String(i));
    const run = block(unit.scope, net);
    return (ops: Operations, x: Tensor): Tensor => ops.block(unit, [x], ([input]) => run(ops, input!));
  });
  return sequential(members);
}

const visionTransformer =
  (net: VisionTransformerShape, [patch, image]: readonly [number, number]): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const { width } = net;
      const classToken = root.parameter('cls_token', [1, 1, width]);
      const positions = root.parameter('pos_embed', [1, Math.floor(image / patch) ** 2 + 1, width]);
      const embed = patchEmbedding(root.child('patch_embed'), patch, width);
      const run = blocks(root.child('blocks'), net);
      const norm = root.layerNorm('norm', width);
      const head = root.linear('head', width, classes);
      const place = module((ops, patches: Tensor): Tensor => {
        const tokens = ops.keep(ops.expand(ops.parameter(classToken), [patches.shape[0]!, 1, width]));
        let x = ops.keep(ops.cat([tokens, patches], 1));
        x = ops.rebind(x, ops.add(x, ops.parameter(positions)));
        return ops.dropout(x, ops.dropoutOf(0));
      });
      return module((ops, images: Tensor): Tensor => {
        let x = ops.keep(embed(ops, images));
        x = ops.rebind(x, place(ops, x));
        x = ops.rebind(x, run(ops, x));
        x = ops.rebind(x, ops.layerNorm(x, norm));
        x = ops.rebind(x, ops.select(x, 1));
        return ops.linear(x, head);
      });
    });

/** Vision transformers of timm with a class token and learned positions, without drop path. */
export const TIMM_VISION_TRANSFORMERS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(VARIANTS).flatMap(([size, variants]) =>
    variants.map(([patch, image]) => [
      `${size}_patch${patch}_${image}`,
      visionTransformer(SIZES[size]!, [patch, image]),
    ]),
  ),
);
