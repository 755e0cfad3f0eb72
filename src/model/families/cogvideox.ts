import { ConfigReader } from '../config-reader.js';
import type { Architecture, BatchSizes, InputSpec } from '../definition.js';
import { input } from '../definition.js';
import { float32, int64 } from '../dtype.js';
import { feedForward } from '../modules/diffusion/attention.js';
import type { Denoise } from '../modules/diffusion/denoiser.js';
import { denoiser, noise } from '../modules/diffusion/denoiser.js';
import type { RotaryTable } from '../modules/diffusion/rotary.js';
import { rotate } from '../modules/diffusion/rotary.js';
import { sinusoidsIn, timestepEmbedding } from '../modules/diffusion/timesteps.js';
import type { Block, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface CogVideoConfig {
  heads: number;
  headSize: number;
  layers: number;
  channels: number;
  outChannels: number;
  timeWidth: number;
  textWidth: number;
  textTokens: number;
  patch: number;
  rotary: boolean;
  bias: boolean;
  /** Latent width and height, and frames, that the table of positions is made for. */
  native: { width: number; height: number; frames: number };
}

/** A latent pixel stands for eight by eight, a latent frame for four. */
const SPACE = 8;
const TIME = 4;

function read(model: ResolvedModel): CogVideoConfig {
  const config = new ConfigReader(model);
  if (config.has('patch_size_t')) throw config.unsupported('patches over time (CogVideoX 1.5) are not covered');
  return {
    heads: config.size('num_attention_heads', 30),
    headSize: config.size('attention_head_dim', 64),
    layers: config.size('num_layers', 30),
    channels: config.size('in_channels', 16),
    outChannels: config.size('out_channels', 16),
    timeWidth: config.size('time_embed_dim', 512),
    textWidth: config.size('text_embed_dim', 4096),
    textTokens: config.size('max_text_seq_length', 226),
    patch: config.size('patch_size', 2),
    rotary: config.flag('use_rotary_positional_embeddings', false),
    bias: config.flag('attention_bias', true),
    native: {
      width: config.size('sample_width', 90),
      height: config.size('sample_height', 60),
      frames: config.size('sample_frames', 49),
    },
  };
}

interface LatentSizes {
  frames: number;
  height: number;
  width: number;
}

const latentFrames = (frames: number): number => Math.floor((frames - 1) / TIME) + 1;

function latentsOf({ native }: CogVideoConfig, { image, frames }: BatchSizes): LatentSizes {
  const [height, width] = image.map((size) => Math.floor(size / SPACE)) as [number, number];
  return { frames: latentFrames(frames ?? native.frames), height, width };
}

const patchesOf = ({ patch }: CogVideoConfig, { frames, height, width }: LatentSizes): number =>
  frames * Math.floor(height / patch) * Math.floor(width / patch);

/** Hidden state, text state and the gates of both. */
type Modulated = readonly [Tensor, Tensor, Tensor, Tensor];

/** `CogVideoXLayerNormZero` */
function modulatedNorm(scope: Scope, timeWidth: number, width: number) {
  const linear = scope.linear('linear', timeWidth, 6 * width);
  const norm = scope.layerNorm('norm', width);
  return module((ops, hidden: Tensor, text: Tensor, emb: Tensor): Modulated => {
    const all = ops.linear(ops.silu(emb), linear);
    const parts = ops.split(all, new Array<number>(6).fill(width), 1).map((part) => ops.keep(part));
    const [shift, scale, gate, textShift, textScale, textGate] = parts as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const modulate = (x: Tensor, by: Tensor, plus: Tensor): Tensor => {
      const scaled = ops.mul(ops.layerNorm(x, norm), ops.unsqueeze(ops.addScalar(by), 1));
      return ops.add(scaled, ops.unsqueeze(plus, 1));
    };
    const h = ops.keep(modulate(hidden, scale, shift));
    const t = ops.keep(modulate(text, textScale, textShift));
    return [h, t, ops.unsqueeze(gate, 1), ops.unsqueeze(textGate, 1)];
  });
}

/** `CogVideoXAttnProcessor2_0`: text and video attend to each other. */
function attention(scope: Scope, config: CogVideoConfig) {
  const { heads, headSize, bias } = config;
  const width = heads * headSize;
  const normQ = scope.layerNorm('norm_q', headSize);
  const normK = scope.layerNorm('norm_k', headSize);
  const query = scope.linear('to_q', width, width, { bias });
  const key = scope.linear('to_k', width, width, { bias });
  const value = scope.linear('to_v', width, width, { bias });
  const output = scope.child('to_out').linear('0', width, width);
  return (ops: Operations, hidden: Tensor, text: Tensor, table: RotaryTable | null): [Tensor, Tensor] => {
    ops.enter([hidden, text]);
    const [batch, tokens] = text.shape as readonly [number, number];
    let h = ops.keep(ops.cat([text, hidden], 1));
    let q = ops.keep(ops.linear(h, query));
    let k = ops.keep(ops.linear(h, key));
    let v = ops.keep(ops.linear(h, value));
    const intoHeads = (x: Tensor): Tensor => ops.transpose(ops.view(x, [batch, -1, heads, headSize]), 1, 2);
    q = ops.rebind(q, intoHeads(q));
    k = ops.rebind(k, intoHeads(k));
    v = ops.rebind(v, intoHeads(v));
    q = ops.rebind(q, ops.layerNorm(q, normQ));
    k = ops.rebind(k, ops.layerNorm(k, normK));
    if (table !== null) {
      const turned = (x: Tensor): Tensor => {
        const video = ops.slice(x, 2, tokens, x.shape[2]!);
        return ops.assignFrom(x, 2, tokens, rotate(ops, video, table, [1, 1, video.shape[2]!, headSize]));
      };
      q = ops.rebind(q, turned(q));
      k = ops.rebind(k, turned(k));
    }
    h = ops.rebind(h, ops.scaledDotProductAttention(q, k, v, { causal: false, dropout: 0 }));
    h = ops.rebind(h, ops.reshape(ops.transpose(h, 1, 2), [batch, -1, width]));
    h = ops.rebind(h, ops.linear(h, output));
    const [ofText, ofVideo] = ops.split(h, [tokens, h.shape[1]! - tokens], 1) as [Tensor, Tensor];
    return ops.leave([ofVideo, ofText]);
  };
}

type Layer = (
  ops: Operations,
  hidden: Tensor,
  text: Tensor,
  around: readonly (Tensor | null)[],
) => readonly [Tensor, Tensor];

/** `CogVideoXBlock` */
function layer(block: Block, config: CogVideoConfig): Layer {
  const { scope } = block;
  const width = config.heads * config.headSize;
  const norm1 = modulatedNorm(scope.child('norm1'), config.timeWidth, width);
  const attend = attention(scope.child('attn1'), config);
  const norm2 = modulatedNorm(scope.child('norm2'), config.timeWidth, width);
  const feed = feedForward(scope.child('ff'), width, 'gelu');
  return (ops, hidden, text, around) =>
    ops.block(block, [hidden, text, ...around], ([x, t, emb, cos, sin]) => {
      const tokens = t!.shape[1]!;
      let normed = norm1(ops, x!, t!, emb!).map((tensor) => ops.keep(tensor)) as [Tensor, Tensor, Tensor, Tensor];
      const table = cos && sin ? { cos, sin } : null;
      const attended = attend(ops, normed[0], normed[1], table).map((tensor) => ops.keep(tensor)) as [Tensor, Tensor];
      const h = ops.keep(ops.add(x!, ops.mul(normed[2], attended[0])));
      const e = ops.keep(ops.add(t!, ops.mul(normed[3], attended[1])));
      const again = norm2(ops, h, e, emb!).map((tensor) => ops.keep(tensor)) as [Tensor, Tensor, Tensor, Tensor];
      for (const tensor of normed.slice(0, 2)) ops.drop(tensor);
      normed = again;
      const joined = ops.rebind(normed[0], ops.cat([normed[1], normed[0]], 1));
      const fed = ops.keep(feed(ops, joined));
      const part = (from: number, to: number): Tensor => ops.slice(fed, 1, from, to);
      const nextHidden = ops.rebind(h, ops.add(h, ops.mul(normed[2], part(tokens, fed.shape[1]!))));
      const nextText = ops.add(e, ops.mul(normed[3], part(0, tokens)));
      return [nextHidden, nextText] as const;
    });
}

/** Text and patches in one sequence, with positions where they are not rotated in. */
function patchEmbedding(scope: Scope, config: CogVideoConfig) {
  const { patch, native } = config;
  const width = config.heads * config.headSize;
  const project = scope.conv2d('proj', config.channels, width, { kernel: patch, stride: patch });
  const projectText = scope.linear('text_proj', config.textWidth, width);
  const nativePatches = patchesOf(config, { ...native, frames: latentFrames(native.frames) });
  const length = config.textTokens + nativePatches;
  const positions = config.rotary ? null : scope.buffer('pos_embedding', [1, length, width]);
  return module((ops, text: Tensor, video: Tensor): Tensor => {
    const [batch, frames, channels, height, wide] = video.shape as readonly [number, number, number, number, number];
    const words = ops.keep(ops.linear(text, projectText));
    let image = ops.keep(ops.view(video, [batch * frames, channels, height, wide]));
    image = ops.rebind(image, ops.conv2d(image, project));
    image = ops.rebind(image, ops.transpose(ops.view(image, [batch, frames, width, -1]), 2, 3));
    image = ops.rebind(image, ops.reshape(image, [batch, -1, width]));
    const joined = ops.keep(ops.cat([words, image], 1));
    if (positions === null) return joined;
    const same = joined.shape[1] === length;
    const table = same ? ops.buffer(positions) : ops.create('zeros', [1, joined.shape[1]!, width], float32);
    return ops.add(joined, ops.keep(ops.to(table, joined.dtype)));
  });
}

function build(root: Scope, config: CogVideoConfig): Denoise {
  const { patch } = config;
  const width = config.heads * config.headSize;
  const embedPatches = patchEmbedding(root.child('patch_embed'), config);
  const embedTime = timestepEmbedding(root.child('time_embedding'), width, config.timeWidth);
  const scopes = root.child('transformer_blocks');
  const layers = Array.from({ length: config.layers }, (_, i) => layer(scopes.block(String(i)), config));
  const normFinal = root.layerNorm('norm_final', width);
  const out = root.child('norm_out');
  const outLinear = out.linear('linear', config.timeWidth, 2 * width);
  const outNorm = out.layerNorm('norm', width);
  const projectOut = root.linear('proj_out', width, patch * patch * config.outChannels);

  const modulateOut = module((ops, x: Tensor, emb: Tensor): Tensor => {
    const parts = ops.split(ops.linear(ops.silu(emb), outLinear), [width, width], 1) as [Tensor, Tensor];
    const [shift, scale] = parts.map((part) => ops.keep(ops.unsqueeze(part, 1))) as [Tensor, Tensor];
    return ops.add(ops.mul(ops.layerNorm(x, outNorm), ops.addScalar(scale)), shift);
  });

  const run = (ops: Operations, video: Tensor, text: Tensor, table: RotaryTable | null): Tensor => {
    ops.enter([video, text]);
    const [batch, frames, , height, wide] = video.shape as readonly [number, number, number, number, number];
    const waves = sinusoidsIn(ops, batch, { width, flip: true }, video.dtype);
    const emb = ops.keep(embedTime(ops, waves));
    const joined = ops.keep(embedPatches(ops, text, video));
    const tokens = text.shape[1]!;
    let e = ops.keep(ops.slice(joined, 1, 0, tokens));
    let h: Tensor = ops.rebind(joined, ops.slice(joined, 1, tokens, joined.shape[1]!));
    for (const run of layers) {
      const [nextHidden, nextText] = run(ops, h, e, [emb, table?.cos ?? null, table?.sin ?? null]);
      h = ops.rebind(h, nextHidden);
      e = ops.rebind(e, nextText);
    }
    h = ops.rebind(h, ops.layerNorm(h, normFinal));
    h = ops.rebind(h, modulateOut(ops, h, emb));
    h = ops.rebind(h, ops.linear(h, projectOut));
    const [rows, columns] = [Math.floor(height / patch), Math.floor(wide / patch)];
    const pieces = ops.reshape(h, [batch, frames, rows, columns, config.outChannels, patch, patch]);
    const ordered = ops.permute(pieces, [0, 1, 4, 2, 5, 3, 6]);
    return ops.leave(ops.reshape(ordered, [batch, frames, config.outChannels, rows * patch, columns * patch]));
  };
  return (ops, batch) => {
    const table = config.rotary ? { cos: input(batch, 'cos'), sin: input(batch, 'sin') } : null;
    return run(ops, input(batch, 'latents'), input(batch, 'text'), table);
  };
}

function inputs(config: CogVideoConfig, sizes: BatchSizes): InputSpec[] {
  const latents = latentsOf(config, sizes);
  const { batch, prompt } = sizes;
  const size = [latents.frames, config.channels, latents.height, latents.width];
  const table = [patchesOf(config, latents), config.headSize];
  return [
    noise('latents', [batch, ...size], sizes),
    { name: 'timesteps', shape: [batch], dtype: int64, madeBy: 'randint' },
    noise('target', [batch, ...size], sizes),
    noise('text', [batch, prompt ?? config.textTokens, config.textWidth], sizes),
    ...(config.rotary ? ['cos', 'sin'].map((name) => noise(name, table, { ...sizes, dtype: float32 })) : []),
  ];
}

/** CogVideoX (diffusers' CogVideoXTransformer3DModel): text and video patches attend to each other in one sequence. */
export function cogVideoX(model: ResolvedModel): Architecture {
  const config = read(model);
  return denoiser({
    name: model.name,
    inputs: (sizes) => inputs(config, sizes),
    build: (root) => build(root, config),
  });
}
