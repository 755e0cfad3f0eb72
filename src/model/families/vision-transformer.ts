import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import { multiheadSelfAttention } from '../modules/multihead-attention.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** torchvision/models/vision_transformer.py */
interface VisionTransformerShape {
  patch: number;
  layers: number;
  heads: number;
  width: number;
  hidden: number;
}

const BASE = { layers: 12, heads: 12, width: 768, hidden: 3072 };
const LARGE = { layers: 24, heads: 16, width: 1024, hidden: 4096 };
const HUGE = { layers: 32, heads: 16, width: 1280, hidden: 5120 };

const SHAPES: Readonly<Record<string, VisionTransformerShape>> = {
  vit_b_16: { patch: 16, ...BASE },
  vit_b_32: { patch: 32, ...BASE },
  vit_l_16: { patch: 16, ...LARGE },
  vit_l_32: { patch: 32, ...LARGE },
  vit_h_14: { patch: 14, ...HUGE },
};
/** The position table is made for this size; the model takes no other. */
const IMAGE_SIZE = 224;

function mlp(scope: Scope, width: number, hidden: number): Step {
  const expand = scope.linear('0', width, hidden);
  const project = scope.linear('3', hidden, width);
  return sequential([
    (ops, x) => ops.linear(x, expand),
    (ops, x) => ops.gelu(x),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
    (ops, x) => ops.linear(x, project),
    (ops, x) => ops.dropout(x, ops.dropoutOf(0)),
  ]);
}

function encoderBlock(scope: Scope, { width, heads, hidden }: VisionTransformerShape): Step {
  const norm1 = scope.layerNorm('ln_1', width);
  const attend = multiheadSelfAttention(scope.child('self_attention'), { width, heads, dropout: 0 });
  const norm2 = scope.layerNorm('ln_2', width);
  const feedForward = mlp(scope.child('mlp'), width, hidden);
  return module((ops, input: Tensor): Tensor => {
    let x = ops.keep(ops.layerNorm(input, norm1));
    x = ops.rebind(x, attend(ops, x));
    x = ops.rebind(x, ops.dropout(x, ops.dropoutOf(0)));
    x = ops.rebind(x, ops.add(x, input));
    let y = ops.keep(ops.layerNorm(x, norm2));
    y = ops.rebind(y, feedForward(ops, y));
    return ops.add(x, y);
  });
}

function encoder(scope: Scope, shape: VisionTransformerShape): Step {
  const length = (IMAGE_SIZE / shape.patch) ** 2 + 1;
  const positions = scope.parameter('pos_embedding', [1, length, shape.width]);
  const layers = scope.child('layers');
  const blocks = Array.from({ length: shape.layers }, (_, i) => {
    const block = layers.block(`encoder_layer_${i}`);
    const run = encoderBlock(block.scope, shape);
    return (ops: Operations, x: Tensor): Tensor => ops.block(block, [x], ([input]) => run(ops, input!));
  });
  const runBlocks = sequential(blocks);
  const norm = scope.layerNorm('ln', shape.width);
  return module((ops, x: Tensor): Tensor => {
    const placed = ops.keep(ops.add(x, ops.parameter(positions)));
    return ops.layerNorm(runBlocks(ops, ops.dropout(placed, ops.dropoutOf(0))), norm);
  });
}

/** Images as rows of patches: [batch, patches, width]. */
function patches(scope: Scope, { patch, width }: VisionTransformerShape): Step {
  const conv = scope.conv2d('conv_proj', 3, width, { kernel: patch, stride: patch });
  return module((ops, images: Tensor): Tensor => {
    let x = ops.keep(ops.conv2d(images, conv));
    x = ops.rebind(x, ops.reshape(x, [x.shape[0]!, width, -1]));
    return ops.permute(x, [0, 2, 1]);
  });
}

const visionTransformer =
  (shape: VisionTransformerShape): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const { width } = shape;
      const classToken = root.parameter('class_token', [1, 1, width]);
      const embed = patches(root, shape);
      const encode = encoder(root.child('encoder'), shape);
      const head = root.child('heads').linear('head', width, classes);
      return module((ops, images: Tensor): Tensor => {
        let x = ops.keep(embed(ops, images));
        const tokens = ops.keep(ops.expand(ops.parameter(classToken), [images.shape[0]!, 1, width]));
        x = ops.rebind(x, ops.cat([tokens, x], 1));
        x = ops.rebind(x, encode(ops, x));
        x = ops.rebind(x, ops.select(x, 1));
        return ops.linear(x, head);
      });
    });

/** Vision transformers for image classification (torchvision). */
export const VISION_TRANSFORMERS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, visionTransformer(shape)]),
);
