import { ConfigReader } from '../config-reader.js';
import type { Architecture, BatchSizes, InputSpec } from '../definition.js';
import { input } from '../definition.js';
import { bool, float32, int64 } from '../dtype.js';
import { feedForward } from '../modules/diffusion/attention.js';
import type { Denoise } from '../modules/diffusion/denoiser.js';
import { denoiser, noise } from '../modules/diffusion/denoiser.js';
import { PLAIN_NORM } from '../modules/diffusion/modulation.js';
import type { RotaryTable } from '../modules/diffusion/rotary.js';
import { rotate } from '../modules/diffusion/rotary.js';
import { sinusoidsIn, timestepEmbedding } from '../modules/diffusion/timesteps.js';
import type { Block, Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface LtxConfig {
  channels: number;
  outChannels: number;
  heads: number;
  headSize: number;
  width: number;
  contextWidth: number;
  captionWidth: number;
  layers: number;
  bias: boolean;
  outBias: boolean;
}

/** A latent token stands for 32 by 32 pixels of eight frames. */
const SPACE = 32;
const TIME = 8;
/** A video of the size that the pipelines of diffusers and finetrainers train by default. */
const NATIVE_FRAMES = 49;
/** Rows, columns and frames of latents, each some dozens. */
const AXES = [16, 16, 8] as const;
const PROMPT_TOKENS = 128;

function read(model: ResolvedModel): LtxConfig {
  const config = new ConfigReader(model);
  const heads = config.size('num_attention_heads', 32);
  const headSize = config.size('attention_head_dim', 64);
  const channels = config.size('in_channels', 128);
  if (config.flag('norm_elementwise_affine', false)) throw config.unsupported('norms with weights are not covered');
  return {
    channels,
    outChannels: config.size('out_channels', channels),
    heads,
    headSize,
    width: heads * headSize,
    contextWidth: config.size('cross_attention_dim', 2048),
    captionWidth: config.size('caption_channels', 4096),
    layers: config.size('num_layers', 28),
    bias: config.flag('attention_bias', true),
    outBias: config.flag('attention_out_bias', true),
  };
}

function latentTokens({ image, frames }: BatchSizes): number {
  const [rows, columns] = image.map((size) => Math.floor(size / SPACE)) as [number, number];
  return (Math.floor(((frames ?? NATIVE_FRAMES) - 1) / TIME) + 1) * rows * columns;
}

/** diffusers' `RMSNorm` without a weight: the square in fp32, the product promoted, back to the input's type. */
const plainRmsNorm = module((ops, x: Tensor): Tensor => {
  const variance = ops.keep(ops.mean(ops.pow(ops.to(x, float32), 2), [-1], true));
  const normed = ops.keep(ops.mul(x, ops.rsqrt(ops.addScalar(variance))));
  return ops.to(normed, x.dtype);
});

/** `LTXAttention`: queries and keys are normalised over all heads; the context is the text, or the input itself. */
function attention(scope: Scope, config: LtxConfig, contextWidth: number) {
  const { width, heads, headSize, bias, outBias } = config;
  const normQ = scope.rmsNorm('norm_q', width);
  const normK = scope.rmsNorm('norm_k', width);
  const query = scope.linear('to_q', width, width, { bias });
  const key = scope.linear('to_k', contextWidth, width, { bias });
  const value = scope.linear('to_v', contextWidth, width, { bias });
  const output = scope.child('to_out').linear('0', width, width, { bias: outBias });
  return (
    ops: Operations,
    x: Tensor,
    context: Tensor | null,
    around: { table?: RotaryTable; mask?: Tensor },
  ): Tensor => {
    ops.enter([x, context]);
    const batch = x.shape[0]!;
    const { table, mask: given } = around;
    const source = context ?? x;
    const mask = given && ops.keep(headsMask(ops, given, heads));
    let q = ops.keep(ops.linear(x, query));
    let k = ops.keep(ops.linear(source, key));
    let v = ops.keep(ops.linear(source, value));
    q = ops.rebind(q, ops.rmsNormWith(q, ops.parameter(normQ), 1));
    k = ops.rebind(k, ops.rmsNormWith(k, ops.parameter(normK), 1));
    if (table !== undefined) {
      q = ops.rebind(q, rotate(ops, q, table, table.cos.shape));
      k = ops.rebind(k, rotate(ops, k, table, table.cos.shape));
    }
    const intoHeads = (h: Tensor): Tensor => ops.view(h, [batch, h.shape[1]!, heads, headSize]);
    q = ops.rebind(q, intoHeads(q));
    k = ops.rebind(k, intoHeads(k));
    v = ops.rebind(v, intoHeads(v));
    let h = ops.keep(dispatched(ops, [q, k, v], mask ?? null));
    h = ops.rebind(h, ops.reshape(h, [batch, h.shape[1]!, width]));
    h = ops.rebind(h, ops.to(h, q.dtype));
    h = ops.rebind(h, ops.linear(h, output));
    return ops.leave(h);
  };
}

/** `prepare_attention_mask`: the bias once for each head. */
function headsMask(ops: Operations, mask: Tensor, heads: number): Tensor {
  const [batch, , tokens] = mask.shape as readonly [number, number, number];
  const repeated = ops.derive('clone', [], [batch * heads, 1, tokens], mask.dtype);
  return ops.view(repeated, [batch, heads, 1, tokens]);
}

/** `dispatch_attention_fn` over [batch, length, heads, size]. */
function dispatched(ops: Operations, heads: readonly [Tensor, Tensor, Tensor], mask: Tensor | null): Tensor {
  ops.enter([...heads, mask]);
  const [q, k, v] = heads.map((h) => ops.keep(ops.permute(h, [0, 2, 1, 3]))) as [Tensor, Tensor, Tensor];
  const attended = ops.scaledDotProductAttention(q, k, v, { causal: false, dropout: 0, mask });
  return ops.leave(ops.permute(attended, [0, 2, 1, 3]));
}

type Six = readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
type Layer = (ops: Operations, args: readonly Argument[]) => Tensor;

/** `LTXVideoTransformerBlock` */
function layer(block: Block, config: LtxConfig): Layer {
  const { scope } = block;
  const { width } = config;
  const table = scope.parameter('scale_shift_table', [6, width]);
  const attendSelf = attention(scope.child('attn1'), config, width);
  const attendText = attention(scope.child('attn2'), config, config.contextWidth);
  const feed = feedForward(scope.child('ff'), width, 'gelu');
  return (ops, args) =>
    ops.block(block, args, ([x, text, temb, cos, sin, mask]) => {
      const batch = x!.shape[0]!;
      let normed = ops.keep(plainRmsNorm(ops, x!));
      const values = ops.keep(ops.add(ops.parameter(table), ops.view(temb!, [batch, temb!.shape[1]!, 6, width])));
      const [shift, scale, gate, feedShift, feedScale, feedGate] = ops
        .unbind(values, 2)
        .map((part) => ops.keep(part)) as unknown as Six;
      normed = ops.rebind(normed, ops.add(ops.mul(normed, ops.addScalar(scale)), shift));
      let attended = ops.keep(attendSelf(ops, normed, null, { table: { cos: cos!, sin: sin! } }));
      let h = ops.keep(ops.add(x!, ops.mul(attended, gate)));
      attended = ops.rebind(attended, attendText(ops, h, text!, { mask: mask! }));
      h = ops.rebind(h, ops.add(h, attended));
      const again = ops.mul(plainRmsNorm(ops, h), ops.addScalar(feedScale));
      normed = ops.rebind(normed, ops.add(again, feedShift));
      const fed = ops.keep(feed(ops, normed));
      return ops.rebind(h, ops.add(h, ops.mul(fed, feedGate)));
    });
}

/** `_prepare_video_coords`: the place of each token, scaled axis by axis. An axis alone is less than the smallest block. */
function coordinates(ops: Operations, batch: number, tokens: number): Tensor {
  ops.enter([]);
  for (const axis of AXES) ops.keep(ops.create('arange', [axis], float32));
  const stacked = ops.create('stack', [AXES.length, tokens], float32);
  const places = ops.keep(ops.derive('repeat', [stacked], [batch, AXES.length, tokens], float32));
  const row = [batch, 1, tokens];
  for (let i = 0; i < AXES.length; i++) {
    const scaled = ops.derive('mul', [ops.create('mul', row, float32)], row, float32);
    ops.drop(ops.derive('div', [scaled], row, float32));
  }
  return ops.leave(places);
}

/** `LTXVideoRotaryPosEmbed`: angles over frames, rows and columns in fp32, for each video of the batch. */
function rotaryTable(ops: Operations, [batch, tokens]: readonly [number, number], width: number): RotaryTable {
  ops.enter([]);
  const third = Math.floor(width / 6);
  const place = [batch, tokens, 3, 1];
  ops.keep(coordinates(ops, batch, tokens));
  let angles = ops.keep(ops.derive('pow', [ops.create('linspace', [third], float32)], [third], float32));
  angles = ops.rebind(angles, ops.derive('div', [ops.create('mul', [third], float32)], [third], float32));
  const centred = ops.derive('sub', [ops.create('mul', place, float32)], place, float32);
  angles = ops.rebind(angles, ops.derive('mul', [centred], [batch, tokens, 3, third], float32));
  ops.rebind(angles, ops.derive('clone', [], [batch, tokens, 3 * third], float32));
  const doubled = (name: string): Tensor => {
    const once = ops.create(name, [batch, tokens, 3 * third], float32);
    return ops.keep(ops.derive('clone', [once], [batch, tokens, 6 * third], float32));
  };
  let [cos, sin] = [doubled('cos'), doubled('sin')];
  if (width % 6 !== 0) {
    const rest = [batch, tokens, width % 6];
    const [ones, zeros] = ['ones_like', 'zeros_like'].map((name) => ops.keep(ops.create(name, rest, float32)));
    cos = ops.rebind(cos, ops.cat([ones!, cos], 2));
    sin = ops.rebind(sin, ops.cat([zeros!, sin], 2));
  }
  const [keptCos, keptSin] = ops.leave([cos, sin] as const);
  return { cos: ops.keep(keptCos), sin: ops.keep(keptSin) };
}

function build(root: Scope, config: LtxConfig): Denoise {
  const { width } = config;
  const finalTable = root.parameter('scale_shift_table', [2, width]);
  const projectIn = root.linear('proj_in', config.channels, width);
  const time = root.child('time_embed');
  const embedTime = timestepEmbedding(time.child('emb').child('timestep_embedder'), 256, width);
  const modulate = time.linear('linear', width, 6 * width);
  const caption = root.child('caption_projection');
  const [first, second] = [
    caption.linear('linear_1', config.captionWidth, width),
    caption.linear('linear_2', width, width),
  ];
  const scopes = root.child('transformer_blocks');
  const layers = Array.from({ length: config.layers }, (_, i) => layer(scopes.block(String(i)), config));
  const projectOut = root.linear('proj_out', width, config.outChannels);

  const projectText = module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, first));
    h = ops.rebind(h, ops.gelu(h));
    return ops.rebind(h, ops.linear(h, second));
  });
  const timeOf = module((ops, like: Tensor): [Tensor, Tensor] => {
    const waves = sinusoidsIn(ops, like.shape[0]!, { width: 256, flip: true }, like.dtype);
    const embedded = ops.keep(embedTime(ops, waves));
    return [ops.linear(ops.silu(embedded), modulate), embedded];
  });

  const run = module((ops, latents: Tensor, text: Tensor, given: Tensor): Tensor => {
    const [batch, tokens] = latents.shape as readonly [number, number];
    const { cos, sin } = rotaryTable(ops, [batch, tokens], width);
    const inverse = ops.derive('rsub', [ops.to(given, latents.dtype)], given.shape, latents.dtype);
    const mask = ops.keep(ops.unsqueeze(ops.derive('mul', [inverse], given.shape, latents.dtype), 1));
    let h = ops.keep(ops.linear(latents, projectIn));
    const [modulation, embedded] = timeOf(ops, h).map((part) => ops.keep(part)) as [Tensor, Tensor];
    const temb = ops.rebind(modulation, ops.view(modulation, [batch, 1, 6 * width]));
    const emb = ops.rebind(embedded, ops.view(embedded, [batch, 1, width]));
    let words = ops.keep(projectText(ops, text));
    words = ops.rebind(words, ops.view(words, [batch, text.shape[1]!, width]));
    for (const run of layers) h = ops.rebind(h, run(ops, [h, words, temb, cos, sin, mask]));
    const values = ops.keep(ops.add(ops.parameter(finalTable), ops.unsqueeze(emb, 2)));
    const [shift, scale] = [0, 1].map(() => ops.keep(ops.select(values, 2))) as [Tensor, Tensor];
    h = ops.rebind(h, ops.layerNorm(h, PLAIN_NORM));
    h = ops.rebind(h, ops.add(ops.mul(h, ops.addScalar(scale)), shift));
    return ops.linear(h, projectOut);
  });
  return (ops, batch) => run(ops, input(batch, 'latents'), input(batch, 'text'), input(batch, 'mask'));
}

function inputs(config: LtxConfig, sizes: BatchSizes): InputSpec[] {
  const { batch, prompt } = sizes;
  const tokens = latentTokens(sizes);
  const words = prompt ?? PROMPT_TOKENS;
  return [
    noise('latents', [batch, tokens, config.channels], sizes),
    { name: 'timesteps', shape: [batch], dtype: int64, madeBy: 'randint' },
    noise('target', [batch, tokens, config.outChannels], sizes),
    noise('text', [batch, words, config.captionWidth], sizes),
    { name: 'mask', shape: [batch, words], dtype: bool, madeBy: 'ones' },
  ];
}

/** LTX-Video (diffusers' LTXVideoTransformer3DModel): video tokens attend to each other, then to the text. */
export function ltxVideo(model: ResolvedModel): Architecture {
  const config = read(model);
  return denoiser({ name: model.name, inputs: (sizes) => inputs(config, sizes), build: (root) => build(root, config) });
}
