import { ConfigReader } from '../config-reader.js';
import { bool, int32, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { EncoderAttention } from '../modules/encoder-attention.js';
import { encoderAttention, encoderSelfAttention } from '../modules/encoder-attention.js';
import type { EncoderBody } from '../modules/encoder-heads.js';
import { encoderMask } from '../modules/encoder-masks.js';
import type { Step } from '../modules/sequential.js';
import type { Block, Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

export interface BertConfig {
  /** Name of the module that the encoder is. */
  base: 'bert' | 'roberta' | 'electra';
  /** RoBERTa's way: positions counted from the tokens, a head of its own, no pooler. */
  roberta: boolean;
  /** Megatron's way: norms before each part and at the end, none of the embeddings; eager attention alone. */
  normsFirst: boolean;
  /** Width of the embeddings; another than the hidden one is projected (ELECTRA). */
  embedding: number;
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  vocabulary: number;
  positions: number;
  types: number;
  labels: number;
  dropout: number;
  attentionDropout: number;
  classifierDropout: number;
  act: Activation;
}

/** Model types that are RoBERTa under another name. */
const ROBERTAS: ReadonlySet<string> = new Set(['roberta', 'xlm-roberta', 'camembert']);

export function readBert(model: ResolvedModel): BertConfig {
  const config = new ConfigReader(model);
  const dropout = config.number('hidden_dropout_prob', 0.1);
  return {
    base: model.modelType === 'electra' ? 'electra' : ROBERTAS.has(model.modelType) ? 'roberta' : 'bert',
    roberta: ROBERTAS.has(model.modelType),
    normsFirst: model.modelType === 'megatron-bert',
    embedding: config.size('embedding_size', config.size('hidden_size', 768)),
    layers: config.size('num_hidden_layers', 12),
    hidden: config.size('hidden_size', 768),
    heads: config.size('num_attention_heads', 12),
    intermediate: config.size('intermediate_size', 3072),
    vocabulary: config.size('vocab_size', 30522),
    positions: config.size(['max_position_embeddings', 'learned_positions'], 512),
    types: config.size('type_vocab_size', 2),
    labels: config.size(['num_labels', 'num_classes'], 2),
    dropout,
    attentionDropout: config.number('attention_probs_dropout_prob', 0.1),
    classifierDropout: config.number('classifier_dropout', dropout),
    act: activation(config.text('hidden_act', 'gelu')),
  };
}

function embeddings(scope: Scope, config: BertConfig) {
  const { embedding: hidden } = config;
  const words = scope.embedding('word_embeddings', config.vocabulary, hidden);
  const positions = scope.embedding('position_embeddings', config.positions, hidden);
  const types = scope.embedding('token_type_embeddings', config.types, hidden);
  const norm = scope.layerNorm('LayerNorm', hidden);
  const positionIds = scope.buffer('position_ids', [1, config.positions], int64);
  const typeIds = scope.buffer('token_type_ids', [1, config.positions], int64);

  const run = module((ops, ids: Tensor): Tensor => {
    const [batch, length] = ids.shape as readonly [number, number];
    const rows = config.roberta
      ? ops.keep(countedPositions(ops, ids))
      : ops.keep(ops.slice(ops.buffer(positionIds), 1, 0, length));
    const typeRows = ops.keep(ops.expand(ops.slice(ops.buffer(typeIds), 1, 0, length), [batch, length]));
    const wordRows = ops.keep(ops.embedding(ids, words));
    const typeEmbeds = ops.keep(ops.embedding(typeRows, types));
    let h = ops.keep(ops.add(wordRows, typeEmbeds));
    const positionEmbeds = ops.keep(ops.embedding(rows, positions));
    h = ops.rebind(h, ops.addInPlace(h, positionEmbeds));
    h = ops.rebind(h, ops.layerNorm(h, norm));
    return ops.dropout(h, ops.dropoutOf(config.dropout));
  });
  return { words, run };
}

/** `create_position_ids_from_input_ids`: tokens that are not padding, counted. */
const countedPositions = module((ops, ids: Tensor): Tensor => {
  const { shape } = ids;
  const mask = ops.keep(ops.derive('to_copy', [ops.derive('ne', [], shape, bool)], shape, int32));
  const counted = ops.derive('to_copy', [ops.derive('cumsum', [], shape, int64)], shape, int32);
  const shifted = ops.derive('add', [counted], shape, int32);
  const indices = ops.keep(ops.derive('mul', [shifted, mask], shape, int32));
  return ops.derive('add', [ops.derive('to_copy', [indices], shape, int64)], shape, int64);
});

/** Megatron's embeddings: types made by the model, no norm. */
function bareEmbeddings(scope: Scope, config: BertConfig) {
  const { hidden } = config;
  const words = scope.embedding('word_embeddings', config.vocabulary, hidden);
  const positions = scope.embedding('position_embeddings', config.positions, hidden);
  const types = scope.embedding('token_type_embeddings', config.types, hidden);
  const positionIds = scope.buffer('position_ids', [1, config.positions], int64);
  const run = module((ops, ids: Tensor, typeIds: Tensor): Tensor => {
    const rows = ops.keep(ops.slice(ops.buffer(positionIds), 1, 0, ids.shape[1]!));
    const wordRows = ops.keep(ops.embedding(ids, words));
    const typeRows = ops.keep(ops.embedding(typeIds, types));
    const sum = ops.keep(ops.add(wordRows, typeRows));
    const h = ops.rebind(sum, ops.addInPlace(sum, ops.keep(ops.embedding(rows, positions))));
    return ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
  });
  return { words, run };
}

/** `LayerNorm(dropout(dense(x)) + residual)`, where norms do not come first. */
function residualOutput(scope: Scope, inFeatures: number, config: BertConfig) {
  const dense = scope.linear('dense', inFeatures, config.hidden);
  const norm = config.normsFirst ? null : scope.layerNorm('LayerNorm', config.hidden);
  return module((ops, x: Tensor, residual: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, dense));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
    const sum = ops.add(h, residual);
    return norm === null ? sum : ops.layerNorm(sum, norm);
  });
}

type Attend = (ops: Operations, x: Tensor, mask: Argument) => readonly [Tensor, Tensor | null];

function attentionModule(scope: Scope, config: BertConfig): Attend {
  const size = { hidden: config.hidden, heads: config.heads, dropout: config.attentionDropout };
  const norm = config.normsFirst ? scope.layerNorm('ln', config.hidden) : null;
  const self: EncoderAttention = encoderAttention(scope.child('self'), ['query', 'key', 'value'], size);
  const output = residualOutput(scope.child('output'), config.hidden, config);
  return module((ops, x: Tensor, mask: Argument) => {
    const input = norm === null ? x : ops.keep(ops.layerNorm(x, norm));
    const [context, probabilities] = encoderSelfAttention(ops, input, mask, self);
    ops.keep(context);
    if (probabilities !== null) ops.keep(probabilities);
    return [output(ops, context, x), probabilities] as const;
  });
}

type Layer = (ops: Operations, x: Tensor, mask: Argument) => readonly [Tensor, Tensor | null];

function layer(block: Block, config: BertConfig): Layer {
  const { scope } = block;
  const attention = attentionModule(scope.child('attention'), config);
  const norm = config.normsFirst ? scope.layerNorm('ln', config.hidden) : null;
  const intermediate = scope.child('intermediate').linear('dense', config.hidden, config.intermediate);
  const output = residualOutput(scope.child('output'), config.intermediate, config);
  const expand = module((ops, x: Tensor): Tensor => {
    const h = ops.keep(ops.linear(x, intermediate));
    return config.act(ops, h);
  });
  const feed = module((ops, x: Tensor): Tensor => {
    const input = norm === null ? x : ops.keep(ops.layerNorm(x, norm));
    return output(ops, ops.keep(expand(ops, input)), x);
  });
  return (ops, x, mask) =>
    ops.block(block, [x, mask], ([hidden, blockMask]) => {
      const [attended, probabilities] = attention(ops, hidden!, blockMask!);
      ops.keep(attended);
      if (probabilities !== null) ops.keep(probabilities);
      return [feed(ops, attended), probabilities] as const;
    });
}

function encoder(scope: Scope, config: BertConfig) {
  const layers = scope.child('layer');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const norm = config.normsFirst ? scope.layerNorm('ln', config.hidden) : null;
  return module((ops, x: Tensor, mask: Argument): Tensor => {
    let h = ops.keep(x);
    let earlier: Tensor | null = null;
    for (const block of blocks) {
      const [next, probabilities] = block(ops, h, mask);
      ops.keep(next);
      ops.drop(h);
      h = next;
      if (probabilities !== null) ops.keep(probabilities);
      if (earlier !== null) ops.drop(earlier);
      earlier = probabilities;
    }
    return norm === null ? h : ops.rebind(h, ops.layerNorm(h, norm));
  });
}

/** `BertPooler`: the first token through one layer. */
function pooler(scope: Scope, { hidden }: BertConfig): Step {
  const dense = scope.child('pooler').linear('dense', hidden, hidden);
  return module((ops, x: Tensor): Tensor => {
    const first = ops.keep(ops.select(x, 1));
    const pooled = ops.keep(ops.linear(first, dense));
    return ops.tanh(pooled);
  });
}

function bertModel(scope: Scope, config: BertConfig, pools: boolean): EncoderBody {
  const embed = embeddings(scope.child('embeddings'), config);
  const encode = encoder(scope.child('encoder'), config);
  const pool = pools ? pooler(scope, config) : null;
  const run = module((ops, ids: Tensor, attentionMask: Tensor) => {
    const embedded = ops.keep(embed.run(ops, ids));
    const mask = encoderMask(ops, attentionMask, ops.parameter(embed.words).dtype);
    if (mask !== null) ops.keep(mask);
    const hidden = ops.keep(encode(ops, embedded, mask));
    return [hidden, pool === null ? null : pool(ops, hidden)] as const;
  });
  return { words: embed.words, run };
}

/** Megatron's model: types and mask first; eager attention alone. */
function megatronModel(scope: Scope, config: BertConfig, pools: boolean): EncoderBody {
  const embed = bareEmbeddings(scope.child('embeddings'), config);
  const encode = encoder(scope.child('encoder'), config);
  const pool = pools ? pooler(scope, config) : null;
  const run = module((ops, ids: Tensor, attentionMask: Tensor) => {
    const eager = eagerly(ops);
    const types = ops.keep(ops.create('zeros', ids.shape, int64));
    const mask = ops.keep(encoderMask(eager, attentionMask, ops.parameter(embed.words).dtype)!);
    const embedded = ops.keep(embed.run(ops, ids, types));
    const hidden = ops.keep(encode(eager, embedded, mask));
    return [hidden, pool === null ? null : pool(ops, hidden)] as const;
  });
  return { words: embed.words, run };
}

/** Runs eager attention whatever is asked for. */
const eagerly = (ops: Operations): Operations => ({ ...ops, attention: 'eager' });

/** ELECTRA's model: the mask first, embeddings projected where they are of another width; eager attention alone. */
function electraModel(scope: Scope, config: BertConfig): EncoderBody {
  const embed = embeddings(scope.child('embeddings'), config);
  const projects = config.embedding !== config.hidden;
  const project = projects ? scope.linear('embeddings_project', config.embedding, config.hidden) : null;
  const encode = encoder(scope.child('encoder'), config);
  const run = module((ops, ids: Tensor, attentionMask: Tensor) => {
    const eager = eagerly(ops);
    const mask = ops.keep(encoderMask(eager, attentionMask, ops.parameter(embed.words).dtype)!);
    let hidden = ops.keep(embed.run(ops, ids));
    if (project !== null) hidden = ops.rebind(hidden, ops.linear(hidden, project));
    return [ops.rebind(hidden, encode(eager, hidden, mask)), null] as const;
  });
  return { words: embed.words, run };
}

/** The encoder under its module's name, with a pooler where a head reads one. */
export function bertBody(root: Scope, config: BertConfig, pools: boolean): EncoderBody {
  const scope = root.child(config.base);
  if (config.normsFirst) return megatronModel(scope, config, pools);
  return config.base === 'electra' ? electraModel(scope, config) : bertModel(scope, config, pools);
}
