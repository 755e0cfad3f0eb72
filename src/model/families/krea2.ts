import { ConfigReader } from '../config-reader.js';
import type { Architecture, BatchSizes, InputSpec } from '../definition.js';
import { input } from '../definition.js';
import { float32 } from '../dtype.js';
import type { Denoise } from '../modules/diffusion/denoiser.js';
import { denoiser, noise } from '../modules/diffusion/denoiser.js';
import type { RotaryTable } from '../modules/diffusion/rotary.js';
import { axialRotaryTable, rotate } from '../modules/diffusion/rotary.js';
import type { Block, Parameter, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface AttentionSizes {
  width: number;
  heads: number;
  keyHeads: number;
}

interface KreaConfig {
  channels: number;
  layers: number;
  main: AttentionSizes;
  intermediate: number;
  timeWidth: number;
  text: AttentionSizes & { intermediate: number; layers: number; layerwise: number; refiners: number };
  axes: readonly number[];
}

/** A packed latent stands for sixteen pixels a side. */
const PATCH_PIXELS = 16;
/** Tokens of a prompt in diffusers' pipeline for Krea 2. */
const PROMPT_TOKENS = 512;

function read(model: ResolvedModel): KreaConfig {
  const config = new ConfigReader(model);
  const heads = config.size('num_attention_heads', 48);
  return {
    channels: config.size('in_channels', 64),
    layers: config.size('num_layers', 28),
    main: {
      width: heads * config.size('attention_head_dim', 128),
      heads,
      keyHeads: config.size('num_key_value_heads', 12),
    },
    intermediate: config.size('intermediate_size', 16384),
    timeWidth: config.size('timestep_embed_dim', 256),
    text: {
      width: config.size('text_hidden_dim', 2560),
      heads: config.size('text_num_attention_heads', 20),
      keyHeads: config.size('text_num_key_value_heads', 20),
      intermediate: config.size('text_intermediate_size', 6912),
      layers: config.size('num_text_layers', 12),
      layerwise: config.size('num_layerwise_text_blocks', 2),
      refiners: config.size('num_refiner_text_blocks', 2),
    },
    axes: config.list('axes_dims_rope', [32, 48, 48]),
  };
}

type Transform = (ops: Operations, x: Tensor) => Tensor;

/** `Krea2RMSNorm`: in fp32, with a weight that one is added to. */
function norm(scope: Scope, name: string, width: number): Transform {
  const weight: Parameter = scope.rmsNorm(name, width);
  return module((ops, x: Tensor): Tensor => {
    const raised = ops.to(x, float32);
    const normed = ops.keep(ops.rmsNormWith(raised, ops.addScalar(ops.parameter(weight)), 1));
    return ops.to(normed, x.dtype);
  });
}

/** `Krea2Attention`: grouped heads and a gate for each element. */
function attention(scope: Scope, { width, heads, keyHeads }: AttentionSizes) {
  const size = width / heads;
  const plain = { bias: false };
  const query = scope.linear('to_q', width, width, plain);
  const key = scope.linear('to_k', width, keyHeads * size, plain);
  const value = scope.linear('to_v', width, keyHeads * size, plain);
  const gates = scope.linear('to_gate', width, width, plain);
  const normQ = norm(scope, 'norm_q', size);
  const normK = norm(scope, 'norm_k', size);
  const output = scope.child('to_out').linear('0', width, width, plain);
  return (ops: Operations, x: Tensor, table: RotaryTable | null): Tensor => {
    ops.enter([x]);
    const [batch, length] = x.shape as readonly [number, number];
    const intoHeads = (h: Tensor): Tensor => ops.view(h, [batch, length, -1, size]);
    let q = ops.keep(intoHeads(ops.linear(x, query)));
    let k = ops.keep(intoHeads(ops.linear(x, key)));
    const v = ops.keep(intoHeads(ops.linear(x, value)));
    const gate = ops.keep(ops.linear(x, gates));
    q = ops.rebind(q, normQ(ops, q));
    k = ops.rebind(k, normK(ops, k));
    if (table !== null) {
      const shape = [1, length, 1, size];
      q = ops.rebind(q, rotate(ops, q, table, shape));
      k = ops.rebind(k, rotate(ops, k, table, shape));
    }
    const [heads4, keys4, values4] = [q, k, v].map((h) => ops.keep(ops.permute(h, [0, 2, 1, 3]))) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const options = { causal: false, dropout: 0, grouped: heads !== keyHeads };
    const attended = ops.scaledDotProductAttention(heads4, keys4, values4, options);
    let h = ops.keep(ops.reshape(ops.permute(attended, [0, 2, 1, 3]), [batch, length, width]));
    h = ops.rebind(h, ops.mul(h, ops.sigmoid(gate)));
    return ops.leave(ops.linear(h, output));
  };
}

function swiGlu(scope: Scope, width: number, intermediate: number): Transform {
  const plain = { bias: false };
  const gate = scope.linear('gate', width, intermediate, plain);
  const up = scope.linear('up', width, intermediate, plain);
  const down = scope.linear('down', intermediate, width, plain);
  return module((ops, x: Tensor): Tensor =>
    ops.linear(ops.mul(ops.silu(ops.linear(x, gate)), ops.linear(x, up)), down),
  );
}

/** A block over the layers of the text encoder, or over the tokens. */
function textBlock(scope: Scope, text: KreaConfig['text']): Transform {
  const norm1 = norm(scope, 'norm1', text.width);
  const norm2 = norm(scope, 'norm2', text.width);
  const attend = attention(scope.child('attn'), text);
  const feed = swiGlu(scope.child('ff'), text.width, text.intermediate);
  return module((ops, x: Tensor): Tensor => {
    const h = ops.keep(ops.add(x, attend(ops, norm1(ops, x), null)));
    return ops.add(h, feed(ops, norm2(ops, h)));
  });
}

/** `Krea2TextFusion`: [batch, tokens, layers, width] to [batch, tokens, width]. */
function textFusion(scope: Scope, text: KreaConfig['text']): Transform {
  const blocksOf = (name: string, count: number): Transform[] => {
    const scopes = scope.child(name);
    return Array.from({ length: count }, (_, i) => textBlock(scopes.child(String(i)), text));
  };
  const layerwise = blocksOf('layerwise_blocks', text.layerwise);
  const projector = scope.linear('projector', text.layers, 1, { bias: false });
  const refiners = blocksOf('refiner_blocks', text.refiners);
  return module((ops, x: Tensor): Tensor => {
    const [batch, length] = x.shape as readonly [number, number];
    let h = ops.keep(ops.view(x, [batch * length, text.layers, text.width]));
    for (const block of layerwise) h = ops.rebind(h, block(ops, h));
    h = ops.rebind(h, ops.permute(ops.view(h, [batch, length, text.layers, text.width]), [0, 1, 3, 2]));
    h = ops.rebind(h, ops.view(ops.linear(h, projector), [batch, length, text.width]));
    for (const block of refiners) h = ops.rebind(h, block(ops, h));
    return h;
  });
}

type Layer = (ops: Operations, x: Tensor, around: readonly Tensor[]) => Tensor;

function layer(block: Block, config: KreaConfig): Layer {
  const { scope } = block;
  const { width } = config.main;
  const table = scope.parameter('scale_shift_table', [6, width]);
  const norm1 = norm(scope, 'norm1', width);
  const norm2 = norm(scope, 'norm2', width);
  const attend = attention(scope.child('attn'), config.main);
  const feed = swiGlu(scope.child('ff'), width, config.intermediate);
  return (ops, input, around) =>
    ops.block(block, [input, ...around], ([x, modulation, cos, sin]) => {
      const batch = x!.shape[0]!;
      const all = ops.keep(ops.add(ops.view(modulation!, [batch, 1, 6, width]), ops.parameter(table)));
      const parts = ops.unbind(all, 2).map((part) => ops.keep(part));
      const [preScale, preShift, preGate, postScale, postShift, postGate] = parts as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const modulate = (h: Tensor, normalise: Transform, scale: Tensor, shift: Tensor): Tensor =>
        ops.add(ops.mul(ops.addScalar(scale), normalise(ops, h)), shift);
      const rotary = { cos: cos!, sin: sin! };
      const attended = ops.keep(attend(ops, modulate(x!, norm1, preScale, preShift), rotary));
      const h = ops.keep(ops.add(x!, ops.mul(preGate, attended)));
      const fed = ops.keep(feed(ops, modulate(h, norm2, postScale, postShift)));
      return ops.rebind(h, ops.add(h, ops.mul(postGate, fed)));
    });
}

/** `Krea2TimestepEmbedding` */
function timeEmbedding(scope: Scope, timeWidth: number, width: number) {
  const first = scope.linear('linear_1', timeWidth, width);
  const second = scope.linear('linear_2', width, width);
  return (ops: Operations, count: number, like: Tensor): Tensor => {
    ops.enter([like]);
    const half = timeWidth / 2;
    const scaled = ops.derive('mul', [ops.create('arange', [half], float32)], [half], float32);
    ops.keep(ops.derive('exp', [ops.derive('div', [scaled], [half], float32)], [half], float32));
    const size = [count, 1, half];
    ops.keep(ops.derive('mul', [ops.create('mul', [count], float32)], size, float32));
    const waves = ['cos', 'sin'].map((name) => ops.create(name, size, float32));
    const joined = ops.derive('cat', waves, [count, 1, timeWidth], float32);
    const emb = ops.keep(ops.to(joined, like.dtype));
    return ops.leave(ops.linear(ops.gelu(ops.linear(emb, first)), second));
  };
}

function textProjection(scope: Scope, textWidth: number, width: number): Transform {
  const normalise = norm(scope, 'norm', textWidth);
  const first = scope.linear('linear_1', textWidth, width);
  const second = scope.linear('linear_2', width, width);
  return module((ops, x: Tensor): Tensor => {
    const h = ops.keep(ops.linear(normalise(ops, x), first));
    return ops.linear(ops.gelu(h), second);
  });
}

function finalLayer(scope: Scope, width: number, channels: number) {
  const table = scope.parameter('scale_shift_table', [2, width]);
  const normalise = norm(scope, 'norm', width);
  const linear = scope.linear('linear', width, channels);
  return module((ops, x: Tensor, emb: Tensor): Tensor => {
    const modulation = ops.keep(ops.add(emb, ops.parameter(table)));
    const [scale, shift] = ops.split(modulation, [1, 1], 1).map((part) => ops.keep(part)) as [Tensor, Tensor];
    const h = ops.keep(ops.add(ops.mul(ops.addScalar(scale), normalise(ops, x)), shift));
    return ops.linear(h, linear);
  });
}

function build(root: Scope, config: KreaConfig): Denoise {
  const { width } = config.main;
  const embedImage = root.linear('img_in', config.channels, width);
  const embedTime = timeEmbedding(root.child('time_embed'), config.timeWidth, width);
  const modulate = root.linear('time_mod_proj', width, 6 * width);
  const fuse = textFusion(root.child('text_fusion'), config.text);
  const projectText = textProjection(root.child('txt_in'), config.text.width, width);
  const scopes = root.child('transformer_blocks');
  const layers = Array.from({ length: config.layers }, (_, i) => layer(scopes.block(String(i)), config));
  const final = finalLayer(root.child('final_layer'), width, config.channels);

  const run = module((ops, image: Tensor, text: Tensor): Tensor => {
    const tokens = text.shape[1]!;
    const emb = ops.keep(embedTime(ops, image.shape[0]!, image));
    const modulation = ops.keep(ops.linear(ops.gelu(emb), modulate));
    let words = ops.keep(fuse(ops, text));
    words = ops.rebind(words, projectText(ops, words));
    let h = ops.keep(ops.linear(image, embedImage));
    h = ops.rebind(h, ops.cat([words, h], 1));
    const { cos, sin } = axialRotaryTable(ops, h.shape[1]!, config.axes);
    const around = [modulation, ops.keep(cos), ops.keep(sin)];
    for (const run of layers) h = ops.rebind(h, run(ops, h, around));
    h = ops.rebind(h, ops.slice(h, 1, tokens, h.shape[1]!));
    return final(ops, h, emb);
  });
  return (ops, batch) => run(ops, input(batch, 'latents'), input(batch, 'text'));
}

function inputs(config: KreaConfig, sizes: BatchSizes): InputSpec[] {
  const { batch, image, prompt } = sizes;
  const [rows, columns] = image.map((size) => Math.floor(size / PATCH_PIXELS)) as [number, number];
  const latents = [batch, rows * columns, config.channels];
  const tokens = prompt ?? PROMPT_TOKENS;
  const full = { ...sizes, dtype: float32 };
  return [
    noise('latents', latents, sizes),
    noise('timesteps', [batch], full),
    noise('target', latents, sizes),
    noise('text', [batch, tokens, config.text.layers, config.text.width], sizes),
    noise('position_ids', [tokens + rows * columns, 3], full),
  ];
}

/** Krea 2 (diffusers' Krea2Transformer2DModel): one stream of text and image tokens. */
export function krea2(model: ResolvedModel): Architecture {
  const config = read(model);
  return denoiser({ name: model.name, inputs: (sizes) => inputs(config, sizes), build: (root) => build(root, config) });
}
