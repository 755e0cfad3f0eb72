import { ConfigReader } from '../config-reader.js';
import type { Architecture, BatchSizes, InputSpec } from '../definition.js';
import { completeArchitecture, input } from '../definition.js';
import { bool, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { ungroupedAttention } from '../modules/grouped-attention.js';
import { packedCausalMask } from '../modules/packed-masks.js';
import type { Block, Linear } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface WhisperConfig {
  hidden: number;
  encoder: { layers: number; heads: number; intermediate: number };
  decoder: { layers: number; heads: number; intermediate: number };
  vocabulary: number;
  mels: number;
  sourcePositions: number;
  targetPositions: number;
  dropout: number;
  attentionDropout: number;
  activationDropout: number;
  act: Activation;
}

function read(model: ResolvedModel): WhisperConfig {
  const config = new ConfigReader(model);
  const side = (name: 'encoder' | 'decoder') => ({
    layers: config.size([`${name}_layers`, 'num_hidden_layers'], 4),
    heads: config.size([`${name}_attention_heads`, 'num_attention_heads'], 6),
    intermediate: config.size([`${name}_ffn_dim`, 'intermediate_size'], 1536),
  });
  return {
    hidden: config.size(['d_model', 'hidden_size'], 384),
    encoder: side('encoder'),
    decoder: side('decoder'),
    vocabulary: config.size('vocab_size', 51865),
    mels: config.size('num_mel_bins', 80),
    sourcePositions: config.size('max_source_positions', 1500),
    targetPositions: config.size('max_target_positions', 448),
    dropout: config.number('dropout', 0),
    attentionDropout: config.number('attention_dropout', 0),
    activationDropout: config.number('activation_dropout', 0),
    act: activation(config.text(['activation_function', 'hidden_act'], 'gelu')),
  };
}

interface AttentionCall {
  /** The encoder's output for cross-attention. */
  source: Argument;
  mask: Argument;
  causal: boolean;
}

function attention(scope: Scope, config: WhisperConfig, heads: number) {
  const { hidden } = config;
  const key = scope.linear('k_proj', hidden, hidden, { bias: false });
  const value = scope.linear('v_proj', hidden, hidden);
  const query = scope.linear('q_proj', hidden, hidden);
  const output = scope.linear('out_proj', hidden, hidden);
  return (ops: Operations, x: Tensor, { source, mask, causal }: AttentionCall): [Tensor, Tensor | null] => {
    ops.enter([x, source, mask]);
    const shape = [x.shape[0]!, -1, heads, hidden / heads];
    const intoHeads = (h: Tensor): Tensor => ops.contiguous(ops.transpose(h, 1, 2));
    let q = ops.keep(ops.mulScalar(ops.linear(x, query)));
    q = ops.rebind(q, ops.view(q, shape));
    q = ops.rebind(q, intoHeads(q));
    const current = source ?? x;
    let k = ops.keep(ops.view(ops.linear(current, key), shape));
    let v = ops.keep(ops.view(ops.linear(current, value), shape));
    k = ops.rebind(k, intoHeads(k));
    v = ops.rebind(v, intoHeads(v));
    const dropout = ops.dropoutOf(config.attentionDropout);
    const [context, weights] = ungroupedAttention(ops, { query: q, key: k, value: v, mask, dropout }, causal);
    if (weights !== null) ops.keep(weights);
    let h = ops.keep(context);
    h = ops.rebind(h, ops.reshape(h, x.shape));
    h = ops.rebind(h, ops.linear(h, output));
    return ops.leave([h, weights]);
  };
}

interface FeedForward {
  first: Linear;
  second: Linear;
  config: WhisperConfig;
}

function feedForward(scope: Scope, config: WhisperConfig, intermediate: number): FeedForward {
  const first = scope.linear('fc1', config.hidden, intermediate);
  return { first, second: scope.linear('fc2', intermediate, config.hidden), config };
}

/** `residual + dropout(fc2(dropout(act(fc1(norm(x))))))`, the names in the layer's own frame. */
function feed(ops: Operations, x: Tensor, normed: Tensor, { first, second, config }: FeedForward): Tensor {
  let h = ops.rebind(normed, config.act(ops, ops.linear(normed, first)));
  h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.activationDropout)));
  h = ops.rebind(h, ops.linear(h, second));
  h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
  return ops.add(x, h);
}

type EncoderLayer = (ops: Operations, x: Tensor) => readonly [Tensor, Tensor | null];

function encoderLayer(block: Block, config: WhisperConfig): EncoderLayer {
  const { scope } = block;
  const { hidden } = config;
  const { heads, intermediate } = config.encoder;
  const attend = attention(scope.child('self_attn'), config, heads);
  const attentionNorm = scope.layerNorm('self_attn_layer_norm', hidden);
  const layers = feedForward(scope, config, intermediate);
  const finalNorm = scope.layerNorm('final_layer_norm', hidden);
  return (ops, input) =>
    ops.block(block, [input], ([x]) => {
      let h = ops.keep(ops.layerNorm(x!, attentionNorm));
      const [attended, weights] = attend(ops, h, { source: null, mask: null, causal: false });
      if (weights !== null) ops.keep(weights);
      h = ops.rebind(h, attended);
      h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
      h = ops.rebind(h, ops.add(x!, h));
      const normed = ops.keep(ops.layerNorm(h, finalNorm));
      return [feed(ops, h, normed, layers), weights] as const;
    });
}

type DecoderLayer = (ops: Operations, x: Tensor, around: readonly Argument[]) => Tensor;

function decoderLayer(block: Block, config: WhisperConfig): DecoderLayer {
  const { scope } = block;
  const { hidden } = config;
  const { heads, intermediate } = config.decoder;
  const attend = attention(scope.child('self_attn'), config, heads);
  const attentionNorm = scope.layerNorm('self_attn_layer_norm', hidden);
  const cross = attention(scope.child('encoder_attn'), config, heads);
  const crossNorm = scope.layerNorm('encoder_attn_layer_norm', hidden);
  const layers = feedForward(scope, config, intermediate);
  const finalNorm = scope.layerNorm('final_layer_norm', hidden);
  const attended = (ops: Operations, x: Tensor, normed: Tensor, result: readonly [Tensor, Tensor | null]): Tensor => {
    if (result[1] !== null) ops.keep(result[1]);
    let h = ops.rebind(normed, result[0]);
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
    return ops.rebind(h, ops.add(x, h));
  };
  return (ops, input, around) =>
    ops.block(block, [input, ...around], ([x, mask, source]) => {
      let normed = ops.keep(ops.layerNorm(x!, attentionNorm));
      const own = attend(ops, normed, { source: null, mask: mask!, causal: true });
      let h = attended(ops, x!, normed, own);
      const before = h;
      normed = ops.keep(ops.layerNorm(h, crossNorm));
      h = attended(ops, before, normed, cross(ops, normed, { source: source!, mask: null, causal: false }));
      ops.drop(before);
      normed = ops.keep(ops.layerNorm(h, finalNorm));
      return feed(ops, h, normed, layers);
    });
}

function encoder(scope: Scope, config: WhisperConfig) {
  const { hidden } = config;
  const conv1 = scope.conv1d('conv1', config.mels, hidden, { kernel: 3, padding: 1 });
  const conv2 = scope.conv1d('conv2', hidden, hidden, { kernel: 3, stride: 2, padding: 1 });
  const positions = scope.embedding('embed_positions', config.sourcePositions, hidden, { frozen: true });
  const scopes = scope.child('layers');
  const layers = Array.from({ length: config.encoder.layers }, (_, i) => encoderLayer(scopes.block(String(i)), config));
  const norm = scope.layerNorm('layer_norm', hidden);
  return module((ops, features: Tensor): Tensor => {
    let embeds = ops.keep(ops.gelu(ops.conv(features, conv1)));
    embeds = ops.rebind(embeds, ops.gelu(ops.conv(embeds, conv2)));
    embeds = ops.rebind(embeds, ops.permute(embeds, [0, 2, 1]));
    const rows = ops.keep(ops.create('arange', [config.sourcePositions], int64));
    let h = ops.keep(ops.add(embeds, ops.embedding(rows, positions)));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
    let earlier: Tensor | null = null;
    for (const layer of layers) {
      const [next, weights] = layer(ops, h);
      h = ops.rebind(h, next);
      if (weights !== null) ops.keep(weights);
      if (earlier !== null) ops.drop(earlier);
      earlier = weights;
    }
    return ops.layerNorm(h, norm);
  });
}

function decoder(scope: Scope, config: WhisperConfig) {
  const { hidden } = config;
  const table = scope.embedding('embed_tokens', config.vocabulary, hidden);
  const positionTable = scope.embedding('embed_positions', config.targetPositions, hidden);
  const scopes = scope.child('layers');
  const layers = Array.from({ length: config.decoder.layers }, (_, i) => decoderLayer(scopes.block(String(i)), config));
  const norm = scope.layerNorm('layer_norm', hidden);
  const run = module((ops, ids: Tensor, source: Tensor): Tensor => {
    const [batch, length] = ids.shape as readonly [number, number];
    const embeds = ops.keep(ops.embedding(ids, table));
    const cache = ops.keep(ops.create('arange', [length], int64));
    const rows = ops.keep(ops.create('repeat', [batch, length], int64));
    const weight = ops.parameter(positionTable);
    const positions = ops.keep(ops.index(weight, [rows], [batch, length, hidden]));
    let h = ops.keep(ops.add(embeds, positions));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
    const mask = packedCausalMask(ops, rows, embeds.dtype);
    if (mask !== null) ops.keep(mask);
    for (const layer of layers) h = ops.rebind(h, layer(ops, h, [mask, source, cache]));
    return ops.layerNorm(h, norm);
  });
  return { table, run };
}

/** `shift_tokens_right`: labels as the decoder's input. */
const shiftRight = module((ops, labels: Tensor): Tensor => {
  const shifted = ops.keep(ops.create('new_zeros', labels.shape, int64));
  ops.drop(ops.derive('clone', [], [labels.shape[0]!, labels.shape[1]! - 1], int64));
  ops.drop(ops.derive('eq', [], labels.shape, bool));
  return shifted;
});

/** Mel frames for each position of the encoder: the second convolution halves them. */
const FRAMES_PER_POSITION = 2;

function inputs(config: WhisperConfig, { batch, sequence, dtype }: BatchSizes): InputSpec[] {
  const frames = FRAMES_PER_POSITION * config.sourcePositions;
  return [
    { name: 'input_features', shape: [batch, config.mels, frames], dtype, madeBy: 'randn' },
    { name: 'labels', shape: [batch, sequence], dtype: int64, madeBy: 'randint' },
  ];
}

/**
 * Whisper (transformers' WhisperForConditionalGeneration): audio is padded to thirty seconds, so that only the length of the
 * transcript varies.
 */
export function whisper(model: ResolvedModel): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = root.child('model');
  const encode = encoder(body.child('encoder'), config);
  const decode = decoder(body.child('decoder'), config);
  const head = root.linear('proj_out', config.hidden, config.vocabulary, { bias: false, tiedTo: decode.table });
  const forward = module((ops, features: Tensor, labels: Tensor): [Tensor, Tensor, Tensor] => {
    const ids = ops.keep(shiftRight(ops, labels));
    const encoded = ops.keep(encode(ops, features));
    const decoded = ops.keep(decode.run(ops, ids, encoded));
    const logits = ops.keep(ops.linear(decoded, head));
    const rows = ops.view(logits, [-1, config.vocabulary]);
    return [ops.crossEntropy(rows, ops.view(labels, [-1])), logits, encoded];
  });
  return completeArchitecture({
    name: model.name,
    task: 'speech',
    root,
    inputs: (sizes) => inputs(config, sizes),
    forward: (ops, batch) => {
      const [loss, logits, encoded] = forward(ops, input(batch, 'input_features'), input(batch, 'labels'));
      return { loss, outputs: [logits, encoded] };
    },
  });
}
