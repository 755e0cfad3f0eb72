import { ConfigReader } from '../config-reader.js';
import type { Architecture, Batch, BatchSizes, InputSpec } from '../definition.js';
import { input } from '../definition.js';
import { int64 } from '../dtype.js';
import type { Denoise } from '../modules/diffusion/denoiser.js';
import { denoiser, noise } from '../modules/diffusion/denoiser.js';
import { sinusoidsIn, timestepEmbedding } from '../modules/diffusion/timesteps.js';
import type { Sample, UnetStage } from '../modules/diffusion/unet-blocks.js';
import { downStage, middleStage, upStage } from '../modules/diffusion/unet-blocks.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

/** Images are encoded to an eighth of their size. */
const LATENT_SCALE = 8;
/** Tokens of a prompt that CLIP takes. */
const PROMPT_TOKENS = 77;
/** Numbers of SDXL's micro-conditioning: original size, crop, target size. */
const TIME_IDS = 6;
const NORM_GROUPS = 32;

interface UnetConfig {
  inChannels: number;
  outChannels: number;
  stages: readonly UnetStage[];
  context: number;
  /** SDXL's second condition: width of the pooled text, and of the sinusoids of sizes. */
  added: { inFeatures: number; sinusoid: number } | null;
}

const COVERED_DOWN = ['CrossAttnDownBlock2D', 'DownBlock2D'];

function read(model: ResolvedModel): UnetConfig {
  const config = new ConfigReader(model);
  const widths = config.list('block_out_channels', [320, 640, 1280, 1280]);
  const count = widths.length;
  const types = config.texts('down_block_types');
  const unknown = types.find((type) => !COVERED_DOWN.includes(type));
  if (unknown !== undefined) throw config.unsupported(`a ${unknown} is not covered`);
  const heads = config.sizes('attention_head_dim', count, 8);
  const depths = config.sizes('transformer_layers_per_block', count, 1);
  const linear = config.flag('use_linear_projection', false);
  const context = config.size('cross_attention_dim', 1280);
  const attends = (i: number): boolean => (types.length > 0 ? types[i] === 'CrossAttnDownBlock2D' : i < count - 1);
  return {
    inChannels: config.size('in_channels', 4),
    outChannels: config.size('out_channels', 4),
    context,
    stages: widths.map((width, i) => ({
      width,
      time: widths[0]! * 4,
      layers: config.size('layers_per_block', 2),
      attention: attends(i) ? { heads: heads[i]!, depth: depths[i]!, context, linear } : null,
      last: i === count - 1,
      groups: config.size('norm_num_groups', NORM_GROUPS),
      middle: { heads: heads[i]!, depth: depths[i]!, context, linear },
    })),
    added:
      config.text('addition_embed_type', '') === 'text_time'
        ? {
            inFeatures: config.size('projection_class_embeddings_input_dim'),
            sinusoid: config.size('addition_time_embed_dim'),
          }
        : null,
  };
}

function build(root: Scope, config: UnetConfig): Denoise {
  const { stages, added } = config;
  const first = stages[0]!;
  const convolveIn = root.conv2d('conv_in', config.inChannels, first.width, { kernel: 3, padding: 1 });
  const embedTime = timestepEmbedding(root.child('time_embedding'), first.width, first.time);
  const embedAdded = added && timestepEmbedding(root.child('add_embedding'), added.inFeatures, first.time);
  const downs = root.child('down_blocks');
  const ups = root.child('up_blocks');
  const middles = root.child('mid_block');
  const down = stages.map((stage, i) => downStage(downs.child(String(i)), stages[i - 1]?.width ?? first.width, stage));
  const middle = middleStage(middles, stages[stages.length - 1]!);
  const reversed = [...stages].reverse();
  const up = reversed.map((stage, i) =>
    upStage(ups.child(String(i)), stage, {
      before: reversed[Math.max(0, i - 1)]!.width,
      skip: reversed[Math.min(i + 1, reversed.length - 1)]!.width,
      final: i === reversed.length - 1,
    }),
  );
  const normOut = root.groupNorm('conv_norm_out', first.width);
  const convolveOut = root.conv2d('conv_out', first.width, config.outChannels, { kernel: 3, padding: 1 });

  /** The pooled text and the sizes, as a second embedding of time. */
  const second = module((ops, pooled: Tensor, emb: Tensor): Tensor => {
    const batch = pooled.shape[0]!;
    const options = { width: added!.sinusoid, flip: true };
    const waves = ops.keep(sinusoidsIn(ops, TIME_IDS * batch, options, emb.dtype));
    const sizes = ops.keep(ops.view(waves, [batch, -1]));
    const joined = ops.keep(ops.cat([pooled, sizes], 1));
    return embedAdded!(ops, joined);
  });

  const run = module((ops, latents: Tensor, context: Tensor, pooled: Tensor | null): Tensor => {
    const flip = { width: first.width, flip: true };
    const waves = sinusoidsIn(ops, latents.shape[0]!, flip, latents.dtype);
    let emb = ops.keep(embedTime(ops, waves));
    if (pooled !== null) emb = ops.rebind(emb, ops.add(emb, ops.keep(second(ops, pooled, emb))));
    let sample: Tensor = ops.keep(ops.conv2d(latents, convolveIn));
    const skips: Tensor[] = [ops.keep(sample)];
    const around: Sample = { emb, context };
    for (const stage of down) {
      const [next, ...states] = stage(ops, sample, around) as [Tensor, ...Tensor[]];
      sample = ops.rebind(sample, next);
      for (const state of states) skips.push(ops.keep(state));
    }
    sample = ops.rebind(sample, middle(ops, sample, around));
    let used: Tensor[] = [];
    for (const stage of up) {
      for (const tensor of used) ops.drop(tensor);
      used = skips.splice(skips.length - stage.skips, stage.skips);
      const size = skips[skips.length - 1]?.shape.slice(2) as [number, number] | undefined;
      sample = ops.rebind(sample, stage.run(ops, sample, { ...around, skips: used, size: size ?? null }));
    }
    sample = ops.rebind(sample, ops.groupNorm(sample, normOut, first.groups));
    sample = ops.rebind(sample, ops.silu(sample));
    return ops.conv2d(sample, convolveOut);
  });
  return (ops, batch: Batch) =>
    run(ops, input(batch, 'latents'), input(batch, 'text'), added ? input(batch, 'pooled') : null);
}

function inputs(config: UnetConfig, sizes: BatchSizes): InputSpec[] {
  const { batch } = sizes;
  const [height, width] = sizes.image.map((size) => Math.floor(size / LATENT_SCALE)) as [number, number];
  const pooled = config.added && config.added.inFeatures - TIME_IDS * config.added.sinusoid;
  return [
    noise('latents', [batch, config.inChannels, height, width], sizes),
    { name: 'timesteps', shape: [batch], dtype: int64, madeBy: 'randint' },
    noise('target', [batch, config.outChannels, height, width], sizes),
    noise('text', [batch, PROMPT_TOKENS, config.context], sizes),
    ...(pooled === null ? [] : [noise('pooled', [batch, pooled], sizes), noise('time_ids', [batch, TIME_IDS], sizes)]),
  ];
}

/** The U-Net of Stable Diffusion 1, 2 and XL (diffusers' UNet2DConditionModel), trained to predict noise. */
export function unetCondition(model: ResolvedModel): Architecture {
  const config = read(model);
  return denoiser({
    name: model.name,
    inputs: (sizes) => inputs(config, sizes),
    build: (root) => build(root, config),
  });
}
