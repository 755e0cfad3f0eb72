import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { encoderAttention, encoderSelfAttention } from '../modules/encoder-attention.js';
import type { EncoderBody, Head } from '../modules/encoder-heads.js';
import { answerHead, encoderHead, tokenHead } from '../modules/encoder-heads.js';
import { encoderMask } from '../modules/encoder-masks.js';
import { classificationInputs, tokenInputs } from '../modules/text-inputs.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface AlbertConfig {
  layers: number;
  /** Groups of layers that share their weights. */
  groups: number;
  /** Layers in a group. */
  inner: number;
  hidden: number;
  embedding: number;
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

function read(model: ResolvedModel): AlbertConfig {
  const config = new ConfigReader(model);
  return {
    layers: config.size('num_hidden_layers', 12),
    groups: config.size('num_hidden_groups', 1),
    inner: config.size('inner_group_num', 1),
    hidden: config.size('hidden_size', 4096),
    embedding: config.size('embedding_size', 128),
    heads: config.size('num_attention_heads', 64),
    intermediate: config.size('intermediate_size', 16384),
    vocabulary: config.size('vocab_size', 30000),
    positions: config.size(['max_position_embeddings', 'learned_positions'], 512),
    types: config.size('type_vocab_size', 2),
    labels: config.size(['num_labels', 'num_classes'], 2),
    dropout: config.number('hidden_dropout_prob', 0),
    attentionDropout: config.number('attention_probs_dropout_prob', 0),
    classifierDropout: config.number('classifier_dropout_prob', 0.1),
    act: activation(config.text('hidden_act', 'gelu_new')),
  };
}

function embeddings(scope: Scope, config: AlbertConfig) {
  const { embedding } = config;
  const words = scope.embedding('word_embeddings', config.vocabulary, embedding);
  const positions = scope.embedding('position_embeddings', config.positions, embedding);
  const types = scope.embedding('token_type_embeddings', config.types, embedding);
  const norm = scope.layerNorm('LayerNorm', embedding);
  const positionIds = scope.buffer('position_ids', [1, config.positions], int64);
  const typeIds = scope.buffer('token_type_ids', [1, config.positions], int64);
  const run = module((ops, ids: Tensor): Tensor => {
    const [batch, length] = ids.shape as readonly [number, number];
    const rows = ops.keep(ops.slice(ops.buffer(positionIds), 1, 0, length));
    const typeRows = ops.keep(ops.expand(ops.slice(ops.buffer(typeIds), 1, 0, length), [batch, length]));
    const wordRows = ops.keep(ops.embedding(ids, words));
    const typeEmbeds = ops.keep(ops.embedding(typeRows, types));
    let h = ops.keep(ops.add(wordRows, typeEmbeds));
    h = ops.rebind(h, ops.addInPlace(h, ops.keep(ops.embedding(rows, positions))));
    h = ops.rebind(h, ops.layerNorm(h, norm));
    return ops.dropout(h, ops.dropoutOf(config.dropout));
  });
  return { words, run };
}

type Layer = (ops: Operations, x: Tensor, mask: Argument) => Tensor;

/** `LayerNorm(x + dropout(dense(attention(x))))` */
function attention(scope: Scope, config: AlbertConfig): Layer {
  const { hidden, heads } = config;
  const size = { hidden, heads, dropout: config.attentionDropout };
  const self = encoderAttention(scope, ['query', 'key', 'value'], size);
  const dense = scope.linear('dense', hidden, hidden);
  const norm = scope.layerNorm('LayerNorm', hidden);
  return module((ops, x: Tensor, mask: Argument): Tensor => {
    const [context, probabilities] = encoderSelfAttention(ops, x, mask, self);
    ops.keep(context);
    if (probabilities !== null) ops.keep(probabilities);
    const projected = ops.keep(ops.linear(context, dense));
    const dropped = ops.keep(ops.dropout(projected, ops.dropoutOf(config.dropout)));
    return ops.layerNorm(ops.add(x, dropped), norm);
  });
}

function layer(scope: Scope, config: AlbertConfig): Layer {
  const norm = scope.layerNorm('full_layer_layer_norm', config.hidden);
  const attend = attention(scope.child('attention'), config);
  const expand = scope.linear('ffn', config.hidden, config.intermediate);
  const contract = scope.linear('ffn_output', config.intermediate, config.hidden);
  const feed = module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, expand));
    h = ops.rebind(h, config.act(ops, h));
    return ops.rebind(h, ops.linear(h, contract));
  });
  return module((ops, x: Tensor, mask: Argument): Tensor => {
    const attended = ops.keep(attend(ops, x, mask));
    const fed = ops.keep(feed(ops, attended));
    return ops.layerNorm(ops.add(fed, attended), norm);
  });
}

/** Layers that share their weights run again and again. They cannot be checkpointed (transformers 4.57). */
function encoder(scope: Scope, config: AlbertConfig): Layer {
  const mapping = scope.linear('embedding_hidden_mapping_in', config.embedding, config.hidden);
  const parent = scope.child('albert_layer_groups');
  const groups = Array.from({ length: config.groups }, (_, group) => {
    const layers = parent.child(String(group)).child('albert_layers');
    return Array.from({ length: config.inner }, (_unused, i) => layer(layers.child(String(i)), config));
  });
  const runGroup = (layers: readonly Layer[]): Layer =>
    module((ops, x: Tensor, mask: Argument): Tensor => {
      let h = ops.keep(x);
      for (const run of layers) h = ops.rebind(h, run(ops, h, mask));
      return h;
    });
  const runs = groups.map(runGroup);
  return module((ops, x: Tensor, mask: Argument): Tensor => {
    let h = ops.keep(ops.linear(x, mapping));
    for (let i = 0; i < config.layers; i++) {
      const group = Math.floor(i / (config.layers / config.groups));
      h = ops.rebind(h, runs[group]!(ops, h, mask));
    }
    return h;
  });
}

function albertBody(scope: Scope, config: AlbertConfig, pools: boolean): EncoderBody {
  const embed = embeddings(scope.child('embeddings'), config);
  const encode = encoder(scope.child('encoder'), config);
  const pooler = pools ? scope.linear('pooler', config.hidden, config.hidden) : null;
  const run = module((ops, ids: Tensor, attentionMask: Tensor) => {
    const embedded = ops.keep(embed.run(ops, ids));
    const mask = encoderMask(ops, attentionMask, ops.parameter(embed.words).dtype);
    if (mask !== null) ops.keep(mask);
    const hidden = ops.keep(encode(ops, embedded, mask));
    return [hidden, pooler === null ? null : ops.tanh(ops.linear(ops.select(hidden, 1), pooler))] as const;
  });
  return { words: embed.words, run };
}

function classifier(root: Scope, config: AlbertConfig): Head {
  const body = albertBody(root.child('albert'), config, true);
  const head = root.linear('classifier', config.hidden, config.labels);
  return encoderHead(classificationInputs, (ops, ids, mask, labels) => {
    const [hidden, pooled] = body.run(ops, ids, mask);
    ops.keep(hidden);
    const dropped = ops.keep(ops.dropout(ops.keep(pooled!), ops.dropoutOf(config.classifierDropout)));
    const logits = ops.keep(ops.linear(dropped, head));
    return [ops.loss(() => ops.crossEntropy(logits, labels)), logits];
  });
}

function maskedLanguageModel(root: Scope, config: AlbertConfig): Head {
  const body = albertBody(root.child('albert'), config, false);
  const scope = root.child('predictions');
  const norm = scope.layerNorm('LayerNorm', config.embedding);
  const bias = scope.parameter('bias', [config.vocabulary]);
  const dense = scope.linear('dense', config.hidden, config.embedding);
  const tied = { tiedTo: body.words, biasTiedTo: bias };
  const decoder = scope.linear('decoder', config.embedding, config.vocabulary, tied);
  const predict = module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, dense));
    h = ops.rebind(h, config.act(ops, h));
    h = ops.rebind(h, ops.layerNorm(h, norm));
    return ops.rebind(h, ops.linear(h, decoder));
  });
  return encoderHead(tokenInputs, (ops, ids, mask, labels) => {
    const [hidden] = body.run(ops, ids, mask);
    const scores = ops.keep(predict(ops, ops.keep(hidden)));
    const loss = ops.loss(() => ops.crossEntropy(ops.view(scores, [-1, config.vocabulary]), ops.view(labels, [-1])));
    return [loss, scores];
  });
}

function headOf(root: Scope, config: AlbertConfig, task: Task): Head {
  const { hidden, labels, classifierDropout: dropout } = config;
  if (task === 'masked-lm') return maskedLanguageModel(root, config);
  if (task === 'sequence-classification') return classifier(root, config);
  const body = albertBody(root.child('albert'), config, false);
  if (task === 'question-answering') return answerHead({ root, body, hidden, dropout: 0 });
  return tokenHead({ root, body, hidden, labels, dropout });
}

/** ALBERT (transformers' AlbertFor*): one layer's weights for all layers. */
export function albert(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  return completeArchitecture({ name: model.name, task, root, ...headOf(root, config, task) });
}
