import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { bool, float32, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { additiveCausalMask, invertedMask, ownAttentionMask } from '../modules/additive-masks.js';
import { relativePositionBias } from '../modules/relative-buckets.js';
import { sequenceToSequenceInputs, tokenBatch } from '../modules/text-inputs.js';
import type { Block, Linear, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface T5Config {
  layers: number;
  decoderLayers: number;
  hidden: number;
  heads: number;
  headSize: number;
  intermediate: number;
  vocabulary: number;
  buckets: number;
  dropout: number;
  tied: boolean;
  gated: boolean;
  act: Activation;
}

/** `gated-gelu` stands for GELU's tanh approximation in Python (configuration_t5). */
function activationOf(projection: string): { gated: boolean; act: Activation } {
  const parts = projection.split('-');
  const name = parts[parts.length - 1]!;
  const gated = parts[0] === 'gated';
  return { gated, act: activation(gated && name === 'gelu' ? 'gelu_new' : name) };
}

function read(model: ResolvedModel): T5Config {
  const config = new ConfigReader(model);
  const hidden = config.size(['d_model', 'hidden_size'], 512);
  const heads = config.size(['num_heads', 'num_attention_heads'], 8);
  const layers = config.size(['num_layers', 'num_hidden_layers'], 6);
  const multilingual = model.modelType === 'mt5';
  const feedForward = config.text('feed_forward_proj', multilingual ? 'gated-gelu' : 'relu');
  const catalogued = config.flag('gated_mlp', feedForward.startsWith('gated'));
  return {
    layers,
    decoderLayers: config.size(['num_decoder_layers', 'decoder_layers'], layers),
    hidden,
    heads,
    headSize: config.size(['d_kv', 'head_dim'], 64),
    intermediate: config.size(['d_ff', 'intermediate_size'], 2048),
    vocabulary: config.size('vocab_size', multilingual ? 250112 : 32128),
    buckets: config.size('relative_attention_num_buckets', 32),
    dropout: config.number('dropout_rate', 0.1),
    tied: config.flag('tie_word_embeddings', !multilingual),
    ...activationOf(catalogued && !feedForward.startsWith('gated') ? 'gated-gelu' : feedForward),
  };
}

/** T5's RMSNorm: the input as it is times the fp32 factor, lowered only where the weights are. */
function norm(scope: Scope, name: string, hidden: number) {
  const weight = scope.child(name).parameter('weight', [hidden]);
  return module((ops, x: Tensor): Tensor => {
    const variance = ops.keep(ops.mean(ops.pow(ops.to(x, float32), 2), [-1], true));
    let h = ops.keep(ops.mul(x, ops.rsqrt(ops.addScalar(variance))));
    const scale = ops.parameter(weight);
    if (scale.dtype.bytes === 2) h = ops.rebind(h, ops.to(h, scale.dtype));
    return ops.mul(scale, h);
  });
}

/** What an attention is called with beside its input. */
interface Around {
  mask: Tensor;
  /** Scores' bias and mask, from the first layer of the stack; null in the first layer itself. */
  bias: Argument;
  /** The encoder's output, for cross-attention. */
  source: Argument;
}

interface AttentionKind {
  /** Whether the layer holds the table of the stack's position biases. */
  table: boolean;
  decoder: boolean;
  cross: boolean;
}

function attention(scope: Scope, config: T5Config, kind: AttentionKind) {
  const { hidden, heads, headSize } = config;
  const inner = heads * headSize;
  const [queries, keys, values] = ['q', 'k', 'v'].map((name) => scope.linear(name, hidden, inner, { bias: false })) as [
    Linear,
    Linear,
    Linear,
  ];
  const output = scope.linear('o', inner, hidden, { bias: false });
  const table = kind.table ? scope.embedding('relative_attention_bias', config.buckets, heads) : null;

  return (ops: Operations, x: Tensor, around: Around): [Tensor, Tensor] => {
    ops.enter([x, around.mask, around.bias, around.source]);
    const batch = x.shape[0]!;
    const intoHeads = (h: Tensor): Tensor => ops.transpose(ops.view(h, [batch, -1, heads, headSize]), 1, 2);
    let query = ops.keep(ops.linear(x, queries));
    query = ops.rebind(query, intoHeads(query));
    const current = around.source ?? x;
    let key = ops.keep(ops.linear(current, keys));
    let value = ops.keep(ops.linear(current, values));
    key = ops.rebind(key, intoHeads(key));
    value = ops.rebind(value, intoHeads(value));
    let scores = ops.keep(ops.matmul(query, ops.transpose(key, 3, 2)));
    const bias = around.bias ?? firstBias(ops, scores, { mask: around.mask, table, decoder: kind.decoder });
    ops.keep(bias);
    scores = ops.rebind(scores, ops.addInPlace(scores, bias));
    let weights = ops.keep(ops.to(ops.softmax(ops.to(scores, float32)), scores.dtype));
    weights = ops.rebind(weights, ops.dropout(weights, ops.dropoutOf(config.dropout)));
    let out = ops.keep(ops.matmul(weights, value));
    out = ops.rebind(out, ops.contiguous(ops.transpose(out, 1, 2)));
    out = ops.rebind(out, ops.view(out, [batch, -1, inner]));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave([out, bias]);
  };
}

/** The bias of a stack's first layer, which all its layers share: of relative positions, or zeros; and the mask. */
function firstBias(
  ops: Operations,
  scores: Tensor,
  { mask, table, decoder }: { mask: Tensor; table: Parameter | null; decoder: boolean },
): Tensor {
  const [, heads, queries, keys] = scores.shape as readonly [number, number, number, number];
  const own =
    table === null
      ? ops.create('zeros', [1, heads, queries, keys], scores.dtype)
      : ops.everyNth(relativePositionBias(ops, table, [queries, keys], !decoder), 2, [0, 1]);
  return ops.add(own, mask);
}

/** `x + dropout(attention(norm(x)))`, and the bias. */
function attentionLayer(scope: Scope, config: T5Config, kind: AttentionKind) {
  const attend = attention(scope.child(kind.cross ? 'EncDecAttention' : 'SelfAttention'), config, kind);
  const normalise = norm(scope, 'layer_norm', config.hidden);
  return (ops: Operations, x: Tensor, around: Around): [Tensor, Tensor] => {
    const count = kind.cross || around.bias === null ? [ops.create('add', [], int64)] : [];
    ops.enter([x, around.mask, around.bias, around.source, ...count]);
    const normed = ops.keep(normalise(ops, x));
    const [attended, bias] = attend(ops, normed, around);
    ops.keep(attended);
    ops.keep(bias);
    return ops.leave([ops.add(x, ops.dropout(attended, ops.dropoutOf(config.dropout))), bias]);
  };
}

/** `wo` is called with its own type, to which the activations are cast: under autocast up and down again. */
function denseFeedForward(scope: Scope, config: T5Config) {
  const { hidden, intermediate, act, gated } = config;
  const first = scope.linear(gated ? 'wi_0' : 'wi', hidden, intermediate, { bias: false });
  const second = gated ? scope.linear('wi_1', hidden, intermediate, { bias: false }) : null;
  const output = scope.linear('wo', intermediate, hidden, { bias: false });
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(second === null ? ops.linear(x, first) : act(ops, ops.linear(x, first)));
    if (second === null) h = ops.rebind(h, act(ops, h));
    else h = ops.keep(ops.mul(h, ops.keep(ops.linear(x, second))));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
    h = ops.rebind(h, ops.to(h, ops.parameter(output.weight).dtype));
    return ops.linear(h, output);
  });
}

function feedForwardLayer(scope: Scope, config: T5Config) {
  const dense = denseFeedForward(scope.child('DenseReluDense'), config);
  const normalise = norm(scope, 'layer_norm', config.hidden);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(normalise(ops, x));
    h = ops.rebind(h, dense(ops, h));
    return ops.add(x, ops.dropout(h, ops.dropoutOf(config.dropout)));
  });
}

/** Hidden state, the bias of self-attention and, in a decoder, that of cross-attention. */
type LayerResult = readonly [Tensor, Tensor, Tensor | null];
type Layer = (ops: Operations, args: readonly Argument[]) => LayerResult;

function layer(block: Block, config: T5Config, kind: { first: boolean; decoder: boolean }): Layer {
  const parts = block.scope.child('layer');
  const { decoder } = kind;
  const attend = attentionLayer(parts.child('0'), config, { table: kind.first, decoder, cross: false });
  const crossKind = { table: false, decoder, cross: true };
  const cross = decoder ? attentionLayer(parts.child('1'), config, crossKind) : null;
  const feed = feedForwardLayer(parts.child(decoder ? '2' : '1'), config);

  return (ops, args) =>
    ops.block(block, args, ([x, mask, bias, source, sourceMask, sourceBias]): LayerResult => {
      const [attended, ownBias] = attend(ops, x!, { mask: mask!, bias: bias!, source: null });
      let h = ops.keep(attended);
      ops.keep(ownBias);
      let crossBias: Tensor | null = null;
      if (cross !== null) {
        const around = { mask: sourceMask!, bias: sourceBias!, source: source! };
        const crossed = cross(ops, h, around);
        h = ops.keep(crossed[0]);
        crossBias = ops.keep(crossed[1]);
      }
      return [feed(ops, h), ownBias, crossBias];
    });
}

type Stack = (ops: Operations, ids: Tensor, attentionMask: Argument, source: Argument) => Tensor;

function stack(scope: Scope, config: T5Config, table: Parameter, decoder: boolean): Stack {
  scope.child('embed_tokens').tie(table);
  const scopes = scope.child('block');
  const count = decoder ? config.decoderLayers : config.layers;
  const layers = Array.from({ length: count }, (_, i) =>
    layer(scopes.block(String(i)), config, { first: i === 0, decoder }),
  );
  const finalNorm = norm(scope, 'final_layer_norm', config.hidden);

  return module((ops, ids: Tensor, attentionMask: Argument, source: Argument): Tensor => {
    const embeds = ops.keep(ops.embedding(ids, table));
    const [batch, length] = ids.shape as readonly [number, number];
    const positions = ops.keep(ops.create('arange', [length], int64));
    const own = decoder ? ops.keep(ownAttentionMask(ops, batch, length)) : attentionMask!;
    const mask = ops.keep(
      decoder ? additiveCausalMask(ops, own, positions, embeds.dtype) : invertedMask(ops, own, embeds),
    );
    const sourceMask = decoder ? ops.keep(invertedMask(ops, attentionMask!, embeds)) : null;
    let h = ops.keep(ops.dropout(embeds, ops.dropoutOf(config.dropout)));
    let bias: Argument = null;
    let sourceBias: Argument = null;
    for (const run of layers) {
      const [next, ownBias, crossBias]: LayerResult = run(ops, [h, mask, bias, source, sourceMask, sourceBias]);
      h = ops.rebind(h, next);
      bias ??= ops.keep(ownBias);
      if (crossBias !== null) sourceBias ??= ops.keep(crossBias);
    }
    const normed = ops.keep(finalNorm(ops, h));
    return ops.dropout(normed, ops.dropoutOf(config.dropout));
  });
}

/** `_shift_right`: labels as the decoder's input. */
const shiftRight = module((ops, labels: Tensor): Tensor => {
  const shifted = ops.keep(ops.create('new_zeros', labels.shape, int64));
  ops.drop(ops.derive('clone', [], [labels.shape[0]!, labels.shape[1]! - 1], int64));
  ops.drop(ops.derive('eq', [], labels.shape, bool));
  return shifted;
});

/** T5, Flan-T5 and mT5 (transformers' T5ForConditionalGeneration). */
export function t5(model: ResolvedModel): Architecture {
  const config = read(model);
  const root = Scope.root();
  const table = root.embedding('shared', config.vocabulary, config.hidden);
  const encode = stack(root.child('encoder'), config, table, false);
  const decode = stack(root.child('decoder'), config, table, true);
  const tiedTo = config.tied ? table : undefined;
  const head = root.linear('lm_head', config.hidden, config.vocabulary, { bias: false, tiedTo });

  const forward = module((ops, ids: Tensor, mask: Tensor, labels: Tensor): [Tensor, Tensor, Tensor] => {
    const encoded = ops.keep(encode(ops, ids, mask, null));
    const decoderIds = ops.keep(shiftRight(ops, labels));
    let h = ops.keep(decode(ops, decoderIds, mask, encoded));
    if (config.tied) h = ops.keep(ops.mulScalar(h));
    const logits = ops.keep(ops.linear(h, head));
    const rows = ops.view(logits, [-1, config.vocabulary]);
    return [ops.crossEntropy(rows, ops.view(labels, [-1])), logits, encoded];
  });
  return completeArchitecture({
    name: model.name,
    task: 'seq2seq',
    root,
    inputTable: table,
    inputs: sequenceToSequenceInputs,
    forward: (ops, batch) => {
      const [loss, logits, encoded] = forward(ops, ...tokenBatch(batch));
      return { loss, outputs: [logits, encoded] };
    },
  });
}
