import { ConfigReader } from '../config-reader.js';
import type { Architecture, BatchSizes, InputSpec } from '../definition.js';
import { input } from '../definition.js';
import { float32 } from '../dtype.js';
import type { Denoise } from '../modules/diffusion/denoiser.js';
import { denoiser, noise } from '../modules/diffusion/denoiser.js';
import { chunks, clippedIfHalf, continuousNorm, PLAIN_NORM } from '../modules/diffusion/modulation.js';
import type { RotaryTable } from '../modules/diffusion/rotary.js';
import { axialRotaryTable, rotate } from '../modules/diffusion/rotary.js';
import { sinusoids, timestepEmbedding } from '../modules/diffusion/timesteps.js';
import type { Block, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface FluxConfig {
  channels: number;
  heads: number;
  headSize: number;
  width: number;
  layers: number;
  singleLayers: number;
  textWidth: number;
  timeWidth: number;
  mlp: number;
  axes: readonly number[];
  guidance: boolean;
}

/** A packed latent stands for sixteen pixels a side. */
const PATCH_PIXELS = 16;
const PROMPT_TOKENS = 512;

function read(model: ResolvedModel): FluxConfig {
  const config = new ConfigReader(model);
  const heads = config.size('num_attention_heads', 48);
  const headSize = config.size('attention_head_dim', 128);
  const width = heads * headSize;
  return {
    channels: config.size('in_channels', 128),
    heads,
    headSize,
    width,
    layers: config.size('num_layers', 8),
    singleLayers: config.size('num_single_layers', 48),
    textWidth: config.size('joint_attention_dim', 15360),
    timeWidth: config.size('timestep_guidance_channels', 256),
    mlp: Math.floor(width * config.number('mlp_ratio', 3)),
    axes: config.list('axes_dims_rope', [32, 32, 32, 32]),
    guidance: config.flag('guidance_embeds', true),
  };
}

type Transform = (ops: Operations, x: Tensor) => Tensor;
const plain = { bias: false };

/** `Flux2SwiGLU`: the first half gates the second. */
const swiGlu: Transform = module((ops, x: Tensor): Tensor => {
  const last = x.shape.length - 1;
  const half = x.shape[last]! / 2;
  const gate = ops.silu(ops.slice(x, last, 0, half));
  return ops.mul(gate, ops.slice(x, last, half, 2 * half));
});

function feedForward(scope: Scope, { width, mlp }: FluxConfig): Transform {
  const first = scope.linear('linear_in', width, 2 * mlp, plain);
  const second = scope.linear('linear_out', mlp, width, plain);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, first));
    h = ops.rebind(h, swiGlu(ops, h));
    return ops.linear(h, second);
  });
}

/** `dispatch_attention_fn` over [batch, length, heads, size]: `F.scaled_dot_product_attention` of permuted views. */
function dispatched(ops: Operations, heads: readonly [Tensor, Tensor, Tensor]): Tensor {
  ops.enter(heads);
  const [q, k, v] = heads.map((h) => ops.keep(ops.permute(h, [0, 2, 1, 3]))) as [Tensor, Tensor, Tensor];
  const attended = ops.scaledDotProductAttention(q, k, v, { causal: false, dropout: 0 });
  return ops.leave(ops.permute(attended, [0, 2, 1, 3]));
}

type Joint = (ops: Operations, image: Tensor, text: Tensor, table: RotaryTable) => [Tensor, Tensor];

/** `Flux2AttnProcessor` */
function jointAttention(scope: Scope, { width, headSize }: FluxConfig): Joint {
  const [query, key, value] = ['to_q', 'to_k', 'to_v'].map((name) => scope.linear(name, width, width, plain));
  const norms = [scope.rmsNorm('norm_q', headSize), scope.rmsNorm('norm_k', headSize)] as const;
  const output = scope.child('to_out').linear('0', width, width, plain);
  const addedNorms = [scope.rmsNorm('norm_added_q', headSize), scope.rmsNorm('norm_added_k', headSize)] as const;
  const [addedQuery, addedKey, addedValue] = ['add_q_proj', 'add_k_proj', 'add_v_proj'].map((name) =>
    scope.linear(name, width, width, plain),
  );
  const addedOutput = scope.linear('to_add_out', width, width, plain);
  return (ops, image, text, table) => {
    ops.enter([image, text]);
    const batch = image.shape[0]!;
    const intoHeads = (h: Tensor): Tensor => ops.view(h, [batch, h.shape[1]!, -1, headSize]);
    const project = (x: Tensor, layer: typeof query): Tensor => ops.keep(intoHeads(ops.linear(x, layer!)));
    let q = project(image, query);
    let k = project(image, key);
    let v = project(image, value);
    let textQ = project(text, addedQuery);
    let textK = project(text, addedKey);
    const textV = project(text, addedValue);
    q = ops.rebind(q, ops.rmsNormWith(q, ops.parameter(norms[0]), 1));
    k = ops.rebind(k, ops.rmsNormWith(k, ops.parameter(norms[1]), 1));
    textQ = ops.rebind(textQ, ops.rmsNormWith(textQ, ops.parameter(addedNorms[0]), 1));
    textK = ops.rebind(textK, ops.rmsNormWith(textK, ops.parameter(addedNorms[1]), 1));
    q = ops.rebind(q, ops.cat([textQ, q], 1));
    k = ops.rebind(k, ops.cat([textK, k], 1));
    v = ops.rebind(v, ops.cat([textV, v], 1));
    const shape = [1, q.shape[1]!, 1, headSize];
    q = ops.rebind(q, rotate(ops, q, table, shape));
    k = ops.rebind(k, rotate(ops, k, table, shape));
    const attended = dispatched(ops, [q, k, v]);
    const h = ops.keep(ops.to(ops.reshape(attended, [batch, -1, width]), q.dtype));
    const tokens = text.shape[1]!;
    const [ofText, ofImage] = ops.split(h, [tokens, h.shape[1]! - tokens], 1).map((part) => ops.keep(part)) as [
      Tensor,
      Tensor,
    ];
    ops.drop(h);
    const textOut = ops.rebind(ofText, ops.linear(ofText, addedOutput));
    return ops.leave([ops.linear(ofImage, output), textOut]);
  };
}

type Parts = readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
type DoubleLayer = (
  ops: Operations,
  image: Tensor,
  text: Tensor,
  around: readonly Tensor[],
) => readonly [Tensor, Tensor];

/** `Flux2TransformerBlock`: a stream for the image and one for the text, which attend to each other. */
function doubleLayer(block: Block, config: FluxConfig): DoubleLayer {
  const { scope } = block;
  const attend = jointAttention(scope.child('attn'), config);
  const feed = feedForward(scope.child('ff'), config);
  const feedText = feedForward(scope.child('ff_context'), config);
  const begin = (ops: Operations, x: Tensor, scale: Tensor, shift: Tensor): Tensor => {
    const normed = ops.keep(ops.layerNorm(x, PLAIN_NORM));
    return ops.rebind(normed, ops.add(ops.mul(ops.addScalar(scale), normed), shift));
  };
  const finish = (ops: Operations, x: Tensor, normed: Tensor, by: { parts: Parts; feed: Transform }): Tensor => {
    const again = ops.rebind(normed, ops.layerNorm(x, PLAIN_NORM));
    const scaled = ops.mul(again, ops.addScalar(by.parts[4]));
    const modulated = ops.rebind(again, ops.add(scaled, by.parts[3]));
    const fed = ops.keep(by.feed(ops, modulated));
    return ops.rebind(x, ops.add(x, ops.mul(by.parts[5], fed)));
  };
  return (ops, image, text, around) =>
    ops.block(block, [image, text, ...around], ([x, t, imageModulation, textModulation, cos, sin]) => {
      const parts = chunks<Parts>(ops, ops.unsqueeze(imageModulation!, 1), 6);
      const textParts = chunks<Parts>(ops, ops.unsqueeze(textModulation!, 1), 6);
      const normed = begin(ops, x!, parts[1], parts[0]);
      const textNormed = begin(ops, t!, textParts[1], textParts[0]);
      const attended = attend(ops, normed, textNormed, { cos: cos!, sin: sin! }).map((h) => ops.keep(h));
      const gated = ops.keep(ops.mul(parts[2], attended[0]!));
      let h = ops.keep(ops.add(x!, gated));
      h = finish(ops, h, normed, { parts, feed });
      const textGated = ops.keep(ops.mul(textParts[2], attended[1]!));
      let e = ops.keep(ops.add(t!, textGated));
      e = finish(ops, e, textNormed, { parts: textParts, feed: feedText });
      return [clippedIfHalf(ops, e), h] as const;
    });
}

/** `Flux2ParallelSelfAttnProcessor`: attention and feed-forward beside each other, projected together. */
function parallelAttention(scope: Scope, { width, headSize, mlp }: FluxConfig) {
  const first = scope.linear('to_qkv_mlp_proj', width, 3 * width + 2 * mlp, plain);
  const norms = [scope.rmsNorm('norm_q', headSize), scope.rmsNorm('norm_k', headSize)] as const;
  const output = scope.linear('to_out', width + mlp, width, plain);
  return (ops: Operations, x: Tensor, table: RotaryTable): Tensor => {
    ops.enter([x]);
    const [batch, length] = x.shape as readonly [number, number];
    let h = ops.keep(ops.linear(x, first));
    const [qkv, beside] = ops.split(h, [3 * width, 2 * mlp], 2).map((part) => ops.keep(part)) as [Tensor, Tensor];
    let [q, k, v] = chunks<readonly [Tensor, Tensor, Tensor]>(ops, qkv, 3) as [Tensor, Tensor, Tensor];
    const intoHeads = (part: Tensor): Tensor => ops.rebind(part, ops.view(part, [batch, length, -1, headSize]));
    [q, k, v] = [intoHeads(q), intoHeads(k), intoHeads(v)];
    q = ops.rebind(q, ops.rmsNormWith(q, ops.parameter(norms[0]), 1));
    k = ops.rebind(k, ops.rmsNormWith(k, ops.parameter(norms[1]), 1));
    const shape = [1, length, 1, headSize];
    q = ops.rebind(q, rotate(ops, q, table, shape));
    k = ops.rebind(k, rotate(ops, k, table, shape));
    h = ops.rebind(h, dispatched(ops, [q, k, v]));
    h = ops.rebind(h, ops.to(ops.reshape(h, [batch, length, width]), q.dtype));
    const fed = ops.rebind(beside, swiGlu(ops, beside));
    h = ops.rebind(h, ops.cat([h, fed], 2));
    h = ops.rebind(h, ops.linear(h, output));
    return ops.leave(h);
  };
}

type SingleLayer = (ops: Operations, x: Tensor, around: readonly Tensor[]) => Tensor;

/** `Flux2SingleTransformerBlock` */
function singleLayer(block: Block, config: FluxConfig): SingleLayer {
  const attend = parallelAttention(block.scope.child('attn'), config);
  return (ops, input, around) =>
    ops.block(block, [input, ...around], ([x, modulation, cos, sin]) => {
      const parts = chunks<readonly [Tensor, Tensor, Tensor]>(ops, ops.unsqueeze(modulation!, 1), 3);
      const [shift, scale, gate] = parts;
      let normed = ops.keep(ops.layerNorm(x!, PLAIN_NORM));
      normed = ops.rebind(normed, ops.add(ops.mul(ops.addScalar(scale), normed), shift));
      const attended = ops.keep(attend(ops, normed, { cos: cos!, sin: sin! }));
      const h = ops.keep(ops.add(x!, ops.mul(gate, attended)));
      return clippedIfHalf(ops, h);
    });
}

/** Positions of one kind of token, as fp32 and then as a table. */
function positions(ops: Operations, count: number, axes: readonly number[], like: Tensor): RotaryTable {
  ops.enter([]);
  if (like.dtype !== float32) ops.keep(ops.create('to_copy', [count, axes.length], float32));
  const { cos, sin } = axialRotaryTable(ops, count, axes);
  const [keptCos, keptSin] = ops.leave([cos, sin] as const);
  return { cos: ops.keep(keptCos), sin: ops.keep(keptSin) };
}

function build(root: Scope, config: FluxConfig): Denoise {
  const { width } = config;
  const embedders = root.child('time_guidance_embed');
  const embedTime = timestepEmbedding(embedders.child('timestep_embedder'), config.timeWidth, width, false);
  if (config.guidance) timestepEmbedding(embedders.child('guidance_embedder'), config.timeWidth, width, false);
  const modulation = (name: string, sets: number): Transform => {
    const linear = root.child(name).linear('linear', width, 3 * sets * width, plain);
    return module((ops, emb: Tensor): Tensor => ops.linear(ops.keep(ops.silu(emb)), linear));
  };
  const modulations = [
    modulation('double_stream_modulation_img', 2),
    modulation('double_stream_modulation_txt', 2),
    modulation('single_stream_modulation', 1),
  ];
  const embedImage = root.linear('x_embedder', config.channels, width, plain);
  const embedText = root.linear('context_embedder', config.textWidth, width, plain);
  const doubles = root.child('transformer_blocks');
  const layers = Array.from({ length: config.layers }, (_, i) => doubleLayer(doubles.block(String(i)), config));
  const singles = root.child('single_transformer_blocks');
  const lastLayers = Array.from({ length: config.singleLayers }, (_, i) =>
    singleLayer(singles.block(String(i)), config),
  );
  const normOut = continuousNorm(root.child('norm_out'), { condition: width, width, bias: false });
  const projectOut = root.linear('proj_out', width, config.channels, plain);

  const embed = module((ops, latents: Tensor): Tensor => {
    const isFloat32 = latents.dtype === float32;
    const options = { width: config.timeWidth, flip: true, isFloat32 };
    const waves = ops.keep(sinusoids(ops, latents.shape[0]!, options));
    return embedTime(ops, ops.to(waves, latents.dtype));
  });

  const run = module((ops, latents: Tensor, text: Tensor): Tensor => {
    const tokens = text.shape[1]!;
    const steps = [latents.shape[0]!];
    const cast = latents.dtype === float32 ? [] : [ops.create('to_copy', steps, latents.dtype)];
    ops.keep(ops.derive('mul', cast, steps, latents.dtype));
    const emb = ops.keep(embed(ops, latents));
    const [ofImage, ofText, ofBoth] = modulations.map((modulate) => ops.keep(modulate(ops, emb))) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    let h = ops.keep(ops.linear(latents, embedImage));
    let e = ops.keep(ops.linear(text, embedText));
    positions(ops, h.shape[1]!, config.axes, latents);
    positions(ops, tokens, config.axes, latents);
    const length = tokens + h.shape[1]!;
    const size = config.axes.reduce((sum, axis) => sum + axis, 0);
    const table = [0, 1].map(() => ops.keep(ops.create('cat', [length, size], float32)));
    for (const run of layers) {
      const [nextText, nextImage] = run(ops, h, e, [ofImage, ofText, ...table]);
      e = ops.rebind(e, nextText);
      h = ops.rebind(h, nextImage);
    }
    h = ops.rebind(h, ops.cat([e, h], 1));
    for (const run of lastLayers) h = ops.rebind(h, run(ops, h, [ofBoth, ...table]));
    h = ops.rebind(h, ops.slice(h, 1, tokens, length));
    h = ops.rebind(h, normOut(ops, h, emb));
    return ops.linear(h, projectOut);
  });
  return (ops, batch) => run(ops, input(batch, 'latents'), input(batch, 'text'));
}

function inputs(config: FluxConfig, sizes: BatchSizes): InputSpec[] {
  const { batch, image, prompt } = sizes;
  const [rows, columns] = image.map((size) => Math.floor(size / PATCH_PIXELS)) as [number, number];
  const latents = [batch, rows * columns, config.channels];
  const tokens = prompt ?? PROMPT_TOKENS;
  return [
    noise('latents', latents, sizes),
    noise('timesteps', [batch], { ...sizes, dtype: float32 }),
    noise('target', latents, sizes),
    noise('text', [batch, tokens, config.textWidth], sizes),
    noise('img_ids', [rows * columns, config.axes.length], sizes),
    noise('txt_ids', [tokens, config.axes.length], sizes),
  ];
}

/** FLUX.2 (diffusers' Flux2Transformer2DModel): two streams, then one; one set of modulations for all blocks. */
export function flux2(model: ResolvedModel): Architecture {
  const config = read(model);
  return denoiser({ name: model.name, inputs: (sizes) => inputs(config, sizes), build: (root) => build(root, config) });
}
