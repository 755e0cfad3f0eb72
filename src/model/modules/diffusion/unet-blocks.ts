import type { Block, Convolution, Linear, Scope } from '../../module-tree.js';
import type { Operations, Tensor } from '../../operations.js';
import { module } from '../../operations.js';
import { attend, attentionLayers, feedForward } from './attention.js';

export interface CrossAttention {
  heads: number;
  /** Transformer blocks one after another. */
  depth: number;
  /** Width of the text's embeddings. */
  context: number;
  /** Projections are linear layers, not 1 x 1 convolutions. */
  linear: boolean;
}

export interface UnetStage {
  width: number;
  /** Width of the time embedding. */
  time: number;
  layers: number;
  attention: CrossAttention | null;
  /** The innermost stage does not halve. */
  last: boolean;
  groups: number;
  /** Attention of the middle, were this the innermost stage. */
  middle: CrossAttention;
}

/** What every block is called with besides its input. */
export interface Sample {
  emb: Tensor;
  context: Tensor;
}

type Layer = (ops: Operations, x: Tensor, around: Sample) => Tensor;

/** `ResnetBlock2D`; checkpointed as a unit. */
function resnet(block: Block, widths: readonly [number, number], stage: UnetStage): Layer {
  const run = resnetOf(block.scope, widths, stage);
  return (ops, x, { emb }) => ops.block(block, [x, emb], ([input, time]) => run(ops, input!, time!));
}

function resnetOf(scope: Scope, [inside, outside]: readonly [number, number], { time, groups }: UnetStage) {
  const same = { kernel: 3, padding: 1 };
  const norm1 = scope.groupNorm('norm1', inside);
  const conv1 = scope.conv2d('conv1', inside, outside, same);
  const project = scope.linear('time_emb_proj', time, outside);
  const norm2 = scope.groupNorm('norm2', outside);
  const conv2 = scope.conv2d('conv2', outside, outside, same);
  const shortcut = inside === outside ? null : scope.conv2d('conv_shortcut', inside, outside, { kernel: 1 });
  return (ops: Operations, x: Tensor, emb: Tensor): Tensor => {
    let h = ops.keep(ops.groupNorm(x, norm1, groups));
    h = ops.rebind(h, ops.silu(h));
    h = ops.rebind(h, ops.conv2d(h, conv1));
    let t = ops.keep(ops.silu(emb));
    t = ops.rebind(t, ops.unsqueeze(ops.unsqueeze(ops.linear(t, project), 2), 3));
    h = ops.rebind(h, ops.add(h, t));
    h = ops.rebind(h, ops.groupNorm(h, norm2, groups));
    h = ops.rebind(h, ops.silu(h));
    h = ops.rebind(h, ops.conv2d(h, conv2));
    if (shortcut === null) return ops.mulScalar(ops.add(x, h));
    const skip = ops.keep(ops.conv2d(ops.contiguous(x), shortcut));
    return ops.mulScalar(ops.add(skip, h));
  };
}

/** `BasicTransformerBlock`: self-attention, attention to the text, feed-forward; checkpointed as a unit. */
function transformerBlock(block: Block, width: number, { heads, context }: CrossAttention): Layer {
  const { scope } = block;
  const norm1 = scope.layerNorm('norm1', width);
  const self = attentionLayers(scope.child('attn1'), { width, heads });
  const norm2 = scope.layerNorm('norm2', width);
  const cross = attentionLayers(scope.child('attn2'), { width, heads, context });
  const norm3 = scope.layerNorm('norm3', width);
  const feed = feedForward(scope.child('ff'), width, 'geglu');
  return (ops, input, around) =>
    ops.block(block, [input, around.context], ([x, text]) => {
      let normed = ops.keep(ops.layerNorm(x!, norm1));
      let attended = ops.keep(attend(ops, normed, null, self));
      let h = ops.keep(ops.add(attended, x!));
      normed = ops.rebind(normed, ops.layerNorm(h, norm2));
      attended = ops.rebind(attended, attend(ops, normed, text!, cross));
      h = ops.rebind(h, ops.add(attended, h));
      normed = ops.rebind(normed, ops.layerNorm(h, norm3));
      const fed = ops.keep(feed(ops, normed));
      return ops.add(fed, h);
    });
}

type Projection = { linear: Linear } | { convolution: Convolution };

function projection(scope: Scope, name: string, width: number, linear: boolean): Projection {
  return linear
    ? { linear: scope.linear(name, width, width) }
    : { convolution: scope.conv2d(name, width, width, { kernel: 1 }) };
}

/** `Transformer2DModel` over the pixels of a feature map. */
function spatialTransformer(scope: Scope, { width, groups }: UnetStage, attention: CrossAttention): Layer {
  const norm = scope.groupNorm('norm', width);
  const before = projection(scope, 'proj_in', width, attention.linear);
  const blocks = scope.child('transformer_blocks');
  const layers = Array.from({ length: attention.depth }, (_, i) =>
    transformerBlock(blocks.block(String(i)), width, attention),
  );
  const after = projection(scope, 'proj_out', width, attention.linear);
  const intoRows = (ops: Operations, x: Tensor): Tensor => {
    const [batch, channels, height, wide] = x.shape as readonly [number, number, number, number];
    return ops.reshape(ops.permute(x, [0, 2, 3, 1]), [batch, height * wide, channels]);
  };
  const prepare = (ops: Operations, x: Tensor): Tensor => {
    ops.enter([x]);
    let h = ops.keep(ops.groupNorm(x, norm, groups));
    if ('convolution' in before) h = ops.rebind(h, ops.conv2d(h, before.convolution));
    h = ops.rebind(h, intoRows(ops, h));
    if ('linear' in before) h = ops.rebind(h, ops.linear(h, before.linear));
    return ops.leave(h);
  };
  const intoMap = (ops: Operations, h: Tensor, shape: readonly number[]): Tensor => {
    const [batch, channels, height, wide] = shape as readonly [number, number, number, number];
    return ops.contiguous(ops.permute(ops.reshape(h, [batch, height, wide, channels]), [0, 3, 1, 2]));
  };
  const finish = module((ops, rows: Tensor, residual: Tensor): Tensor => {
    let h = ops.keep(rows);
    if ('linear' in after) h = ops.rebind(h, ops.linear(h, after.linear));
    h = ops.rebind(h, intoMap(ops, h, residual.shape));
    if ('convolution' in after) h = ops.rebind(h, ops.conv2d(h, after.convolution));
    return ops.add(h, residual);
  });
  return (ops, x, around) => {
    ops.enter([x, around.context]);
    let h = ops.keep(prepare(ops, x));
    for (const layer of layers) h = ops.rebind(h, layer(ops, h, around));
    return ops.leave(finish(ops, h, x));
  };
}

/** The hidden state and, behind it, all states that the way up will join. */
type DownStage = (ops: Operations, x: Tensor, around: Sample) => readonly Tensor[];

/** `CrossAttnDownBlock2D` or `DownBlock2D`. */
export function downStage(scope: Scope, before: number, stage: UnetStage): DownStage {
  const { width, attention } = stage;
  const attentions = attention && scope.child('attentions');
  const resnets = scope.child('resnets');
  const layers = Array.from({ length: stage.layers }, (_, i) => ({
    attend: attention && spatialTransformer(attentions!.child(String(i)), stage, attention),
    resnet: resnet(resnets.block(String(i)), [i === 0 ? before : width, width], stage),
  }));
  const halve = stage.last
    ? null
    : scope.child('downsamplers').child('0').conv2d('conv', width, width, { kernel: 3, stride: 2, padding: 1 });
  return (ops, x, around) => {
    ops.enter([x, around.emb, around.context]);
    const states: Tensor[] = [];
    let h = ops.keep(x);
    for (const layer of layers) {
      h = ops.rebind(h, layer.resnet(ops, h, around));
      if (layer.attend) h = ops.rebind(h, layer.attend(ops, h, around));
      states.push(ops.keep(h));
    }
    if (halve !== null) {
      h = ops.rebind(h, ops.conv2d(h, halve));
      states.push(ops.keep(h));
    }
    return ops.leave([h, ...states]);
  };
}

/** `UNetMidBlock2DCrossAttn`; its first residual block is never checkpointed. */
export function middleStage(scope: Scope, stage: UnetStage): Layer {
  const widths = [stage.width, stage.width] as const;
  const attentions = scope.child('attentions');
  const resnets = scope.child('resnets');
  const attention = spatialTransformer(attentions.child('0'), stage, stage.middle);
  const first = module(resnetOf(resnets.child('0'), widths, stage));
  const second = resnet(resnets.block('1'), widths, stage);
  return (ops, x, around) => {
    ops.enter([x, around.emb, around.context]);
    let h = ops.keep(first(ops, x, around.emb));
    h = ops.rebind(h, attention(ops, h, around));
    h = ops.rebind(h, second(ops, h, around));
    return ops.leave(h);
  };
}

export interface UpStage {
  /** How many states of the way down it joins. */
  skips: number;
  run(
    ops: Operations,
    x: Tensor,
    around: Sample & { skips: readonly Tensor[]; size: readonly [number, number] | null },
  ): Tensor;
}

/** `CrossAttnUpBlock2D` or `UpBlock2D`. */
export function upStage(
  scope: Scope,
  stage: UnetStage,
  widths: { before: number; skip: number; final: boolean },
): UpStage {
  const { width, attention } = stage;
  const count = stage.layers + 1;
  const attentions = attention && scope.child('attentions');
  const resnets = scope.child('resnets');
  const layers = Array.from({ length: count }, (_, i) => {
    const skip = i === count - 1 ? widths.skip : width;
    const inside = (i === 0 ? widths.before : width) + skip;
    return {
      attend: attention && spatialTransformer(attentions!.child(String(i)), stage, attention),
      resnet: resnet(resnets.block(String(i)), [inside, width], stage),
    };
  });
  const enlarge = widths.final
    ? null
    : scope.child('upsamplers').child('0').conv2d('conv', width, width, { kernel: 3, padding: 1 });
  const upsample = module((ops, x: Tensor): Tensor => {
    const size = [2 * x.shape[2]!, 2 * x.shape[3]!] as const;
    const h = ops.keep(ops.upsample(x, size, 'nearest'));
    return ops.conv2d(h, enlarge!);
  });
  return {
    skips: count,
    run: (ops, x, around) => {
      ops.enter([x, around.emb, around.context]);
      let h = ops.keep(x);
      layers.forEach((layer, i) => {
        const skip = around.skips[count - 1 - i]!;
        h = ops.rebind(h, ops.cat([h, skip], 1));
        h = ops.rebind(h, layer.resnet(ops, h, around));
        if (layer.attend) h = ops.rebind(h, layer.attend(ops, h, around));
      });
      if (enlarge !== null) h = ops.rebind(h, upsample(ops, h));
      return ops.leave(h);
    },
  };
}
