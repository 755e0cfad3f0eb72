import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture, Batch } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { bool, int32, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { EncoderAttention } from '../modules/encoder-attention.js';
import { encoderAttention, encoderSelfAttention } from '../modules/encoder-attention.js';
import { encoderMask } from '../modules/encoder-masks.js';
import { classificationInputs, tokenBatch, tokenInputs } from '../modules/text-inputs.js';
import type { Block, Linear, Normalisation, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface BertConfig {
  /** RoBERTa's way: positions counted from the tokens, a head of its own, no pooler. */
  roberta: boolean;
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

function read(model: ResolvedModel): BertConfig {
  const config = new ConfigReader(model);
  const dropout = config.number('hidden_dropout_prob', 0.1);
  return {
    roberta: ROBERTAS.has(model.modelType),
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
  const { hidden } = config;
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

/** `LayerNorm(dropout(dense(x)) + residual)` */
function residualOutput(scope: Scope, inFeatures: number, config: BertConfig) {
  const dense = scope.linear('dense', inFeatures, config.hidden);
  const norm = scope.layerNorm('LayerNorm', config.hidden);
  return module((ops, x: Tensor, residual: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, dense));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
    return ops.layerNorm(ops.add(h, residual), norm);
  });
}

type Attend = (ops: Operations, x: Tensor, mask: Argument) => readonly [Tensor, Tensor | null];

function attentionModule(scope: Scope, config: BertConfig): Attend {
  const size = { hidden: config.hidden, heads: config.heads, dropout: config.attentionDropout };
  const self: EncoderAttention = encoderAttention(scope.child('self'), ['query', 'key', 'value'], size);
  const output = residualOutput(scope.child('output'), config.hidden, config);
  return module((ops, x: Tensor, mask: Argument) => {
    const [context, probabilities] = encoderSelfAttention(ops, x, mask, self);
    ops.keep(context);
    if (probabilities !== null) ops.keep(probabilities);
    return [output(ops, context, x), probabilities] as const;
  });
}

type Layer = (ops: Operations, x: Tensor, mask: Argument) => readonly [Tensor, Tensor | null];

function layer(block: Block, config: BertConfig): Layer {
  const { scope } = block;
  const attention = attentionModule(scope.child('attention'), config);
  const intermediate = scope.child('intermediate').linear('dense', config.hidden, config.intermediate);
  const output = residualOutput(scope.child('output'), config.intermediate, config);
  const expand = module((ops, x: Tensor): Tensor => {
    const h = ops.keep(ops.linear(x, intermediate));
    return config.act(ops, h);
  });
  return (ops, x, mask) =>
    ops.block(block, [x, mask], ([hidden, blockMask]) => {
      const [attended, probabilities] = attention(ops, hidden!, blockMask!);
      ops.keep(attended);
      if (probabilities !== null) ops.keep(probabilities);
      const expanded = ops.keep(expand(ops, attended));
      return [output(ops, expanded, attended), probabilities] as const;
    });
}

function encoder(scope: Scope, config: BertConfig) {
  const layers = scope.child('layer');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
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
    return h;
  });
}

interface Body {
  words: Parameter;
  /** The last hidden state and, with a pooler, the pooled first token. */
  run(ops: Operations, ids: Tensor, mask: Tensor): readonly [Tensor, Tensor | null];
}

function bertModel(scope: Scope, config: BertConfig, pools: boolean): Body {
  const embed = embeddings(scope.child('embeddings'), config);
  const encode = encoder(scope.child('encoder'), config);
  const dense = pools ? scope.child('pooler').linear('dense', config.hidden, config.hidden) : null;
  const pool = module((ops, x: Tensor): Tensor => {
    const first = ops.keep(ops.select(x, 1));
    const pooled = ops.keep(ops.linear(first, dense!));
    return ops.tanh(pooled);
  });
  const run = module((ops, ids: Tensor, attentionMask: Tensor) => {
    const embedded = ops.keep(embed.run(ops, ids));
    const mask = encoderMask(ops, attentionMask, ops.parameter(embed.words).dtype);
    if (mask !== null) ops.keep(mask);
    const hidden = ops.keep(encode(ops, embedded, mask));
    return [hidden, dense === null ? null : pool(ops, hidden)] as const;
  });
  return { words: embed.words, run };
}

type Head = (ops: Operations, batch: Batch) => { loss: Tensor; outputs: Tensor[] };

function classifier(root: Scope, config: BertConfig): Head {
  const body = bertModel(root.child('bert'), config, true);
  const head = root.linear('classifier', config.hidden, config.labels);
  const run = module((ops, ids: Tensor, mask: Tensor, labels: Tensor) => {
    const [hidden, pooled] = body.run(ops, ids, mask);
    ops.keep(hidden);
    const dropped = ops.keep(ops.dropout(ops.keep(pooled!), ops.dropoutOf(config.classifierDropout)));
    const logits = ops.keep(ops.linear(dropped, head));
    return [ops.crossEntropy(logits, labels), logits] as const;
  });
  return (ops, batch) => {
    const [loss, logits] = run(ops, ...tokenBatch(batch));
    return { loss, outputs: [logits] };
  };
}

/** RoBERTa's head: the first token through two linear layers. */
function robertaClassifier(root: Scope, config: BertConfig): Head {
  const body = bertModel(root.child('roberta'), config, false);
  const scope = root.child('classifier');
  const dense = scope.linear('dense', config.hidden, config.hidden);
  const output = scope.linear('out_proj', config.hidden, config.labels);
  const classify = module((ops, features: Tensor): Tensor => {
    const dropout = ops.dropoutOf(config.classifierDropout);
    let x = ops.keep(ops.select(features, 1));
    x = ops.rebind(x, ops.dropout(x, dropout));
    x = ops.rebind(x, ops.linear(x, dense));
    x = ops.rebind(x, ops.tanh(x));
    x = ops.rebind(x, ops.dropout(x, dropout));
    return ops.linear(x, output);
  });
  const run = module((ops, ids: Tensor, mask: Tensor, labels: Tensor) => {
    const [hidden] = body.run(ops, ids, mask);
    const logits = ops.keep(classify(ops, ops.keep(hidden)));
    return [ops.crossEntropy(logits, labels), logits] as const;
  });
  return (ops, batch) => {
    const [loss, logits] = run(ops, ...tokenBatch(batch));
    return { loss, outputs: [logits] };
  };
}

/** A class for each token. */
function tokenClassifier(root: Scope, config: BertConfig): Head {
  const body = bertModel(root.child(config.roberta ? 'roberta' : 'bert'), config, false);
  const head = root.linear('classifier', config.hidden, config.labels);
  const run = module((ops, ids: Tensor, mask: Tensor, labels: Tensor) => {
    const [hidden] = body.run(ops, ids, mask);
    const dropped = ops.keep(ops.dropout(ops.keep(hidden), ops.dropoutOf(config.classifierDropout)));
    const logits = ops.keep(ops.linear(dropped, head));
    const rows = ops.view(logits, [-1, config.labels]);
    return [ops.crossEntropy(rows, ops.view(labels, [-1])), logits] as const;
  });
  return (ops, batch) => {
    const [loss, logits] = run(ops, ...tokenBatch(batch));
    return { loss, outputs: [logits] };
  };
}

interface PredictionHead {
  dense: Linear;
  norm: Normalisation;
  decoder: Linear;
}

/** The language-model head: its own bias comes before its children, its decoder's weight is the word table's. */
function predictionHead(root: Scope, config: BertConfig, words: Parameter): PredictionHead {
  const scope = config.roberta ? root.child('lm_head') : root.child('cls').child('predictions');
  const bias = scope.parameter('bias', [config.vocabulary]);
  const transform = config.roberta ? scope : scope.child('transform');
  const dense = transform.linear('dense', config.hidden, config.hidden);
  const norm = transform.layerNorm(config.roberta ? 'layer_norm' : 'LayerNorm', config.hidden);
  const decoder = scope.linear('decoder', config.hidden, config.vocabulary, { tiedTo: words, biasTiedTo: bias });
  return { dense, norm, decoder };
}

function maskedLanguageModel(root: Scope, config: BertConfig): Head {
  const body = bertModel(root.child(config.roberta ? 'roberta' : 'bert'), config, false);
  const head = predictionHead(root, config, body.words);
  const predict = module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, head.dense));
    h = ops.rebind(h, config.act(ops, h));
    h = ops.rebind(h, ops.layerNorm(h, head.norm));
    return ops.linear(h, head.decoder);
  });
  const run = module((ops, ids: Tensor, mask: Tensor, labels: Tensor) => {
    const [hidden] = body.run(ops, ids, mask);
    const scores = ops.keep(predict(ops, ops.keep(hidden)));
    const rows = ops.view(scores, [-1, config.vocabulary]);
    return [ops.crossEntropy(rows, ops.view(labels, [-1])), scores] as const;
  });
  return (ops, batch) => {
    const [loss, scores] = run(ops, ...tokenBatch(batch));
    return { loss, outputs: [scores] };
  };
}

/** The head of a task. */
function headOf(root: Scope, config: BertConfig, task: Task): Head {
  if (task === 'masked-lm') return maskedLanguageModel(root, config);
  if (task === 'token-classification') return tokenClassifier(root, config);
  return (config.roberta ? robertaClassifier : classifier)(root, config);
}

/** BERT and RoBERTa for classification or masked-language modelling (transformers' BertFor*). */
export function bert(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  return completeArchitecture({
    name: model.name,
    task,
    root,
    inputs: task === 'sequence-classification' ? classificationInputs : tokenInputs,
    forward: headOf(root, config, task),
  });
}
