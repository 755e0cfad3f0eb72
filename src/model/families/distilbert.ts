import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { bool, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { findNothingMasked } from '../modules/additive-masks.js';
import type { EncoderAttention } from '../modules/encoder-attention.js';
import { encoderAttention } from '../modules/encoder-attention.js';
import type { EncoderBody, Head as EncoderHead } from '../modules/encoder-heads.js';
import { answerHead, encoderHead, tokenHead } from '../modules/encoder-heads.js';
import { classificationInputs, tokenInputs } from '../modules/text-inputs.js';
import type { Block, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface DistilBertConfig {
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  vocabulary: number;
  positions: number;
  labels: number;
  dropout: number;
  attentionDropout: number;
  classifierDropout: number;
  answerDropout: number;
  act: Activation;
}

function read(model: ResolvedModel): DistilBertConfig {
  const config = new ConfigReader(model);
  return {
    layers: config.size(['n_layers', 'num_hidden_layers'], 6),
    hidden: config.size(['dim', 'hidden_size'], 768),
    heads: config.size(['n_heads', 'num_attention_heads'], 12),
    intermediate: config.size(['hidden_dim', 'intermediate_size'], 3072),
    vocabulary: config.size('vocab_size', 30522),
    positions: config.size(['max_position_embeddings', 'learned_positions'], 512),
    labels: config.size(['num_labels', 'num_classes'], 2),
    dropout: config.number('dropout', 0.1),
    attentionDropout: config.number('attention_dropout', 0.1),
    classifierDropout: config.number('seq_classif_dropout', 0.2),
    answerDropout: config.number('qa_dropout', 0.1),
    act: activation(config.text(['activation', 'hidden_act'], 'gelu')),
  };
}

function embeddings(scope: Scope, config: DistilBertConfig) {
  const words = scope.embedding('word_embeddings', config.vocabulary, config.hidden);
  const positions = scope.embedding('position_embeddings', config.positions, config.hidden);
  const norm = scope.layerNorm('LayerNorm', config.hidden);
  const positionIds = scope.buffer('position_ids', [1, config.positions], int64);
  const run = module((ops, ids: Tensor): Tensor => {
    const wordRows = ops.keep(ops.embedding(ids, words));
    const rows = ops.keep(ops.slice(ops.buffer(positionIds), 1, 0, ids.shape[1]!));
    const positionRows = ops.keep(ops.embedding(rows, positions));
    let h = ops.keep(ops.add(wordRows, positionRows));
    h = ops.rebind(h, ops.layerNorm(h, norm));
    return ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
  });
  return { words, run };
}

function selfAttention(scope: Scope, config: DistilBertConfig) {
  const size = { hidden: config.hidden, heads: config.heads, dropout: config.attentionDropout };
  const layers = encoderAttention(scope, ['q_lin', 'k_lin', 'v_lin'], size);
  const output = scope.linear('out_lin', config.hidden, config.hidden);
  return module((ops, x: Tensor, mask: Tensor): Tensor => {
    const [batch, length] = x.shape as readonly [number, number];
    const heads = projectHeads(ops, x, layers);
    let context = ops.keep(attend(ops, heads, { mask, dropout: ops.dropoutOf(config.attentionDropout) }));
    const together = ops.contiguous(ops.transpose(context, 1, 2));
    context = ops.rebind(context, ops.view(together, [batch, length, -1]));
    return ops.rebind(context, ops.linear(context, output));
  });
}

type Heads = readonly [query: Tensor, key: Tensor, value: Tensor];

function projectHeads(ops: Operations, x: Tensor, { query, key, value, heads }: EncoderAttention): Heads {
  const [batch, , hidden] = x.shape as readonly [number, number, number];
  return [query, key, value].map((layer) =>
    ops.keep(ops.transpose(ops.view(ops.linear(x, layer), [batch, -1, heads, hidden / heads]), 1, 2)),
  ) as unknown as Heads;
}

/** SDPA without a mask, or scores filled where the mask is zero, in the caller's frame. */
function attend(
  ops: Operations,
  [query, key, value]: Heads,
  { mask, dropout }: { mask: Tensor; dropout: number },
): Tensor {
  if (ops.attention !== 'eager') return ops.scaledDotProductAttention(query, key, value, { causal: false, dropout });
  const scaled = ops.rebind(query, ops.mulScalar(query));
  let scores = ops.keep(ops.matmul(scaled, ops.transpose(key, 2, 3)));
  const masked = ops.derive('eq', [], [mask.shape[0]!, 1, 1, mask.shape[1]!], bool);
  const everywhere = ops.keep(ops.expand(masked, scores.shape));
  scores = ops.rebind(scores, ops.maskedFill(scores, everywhere));
  let weights = ops.keep(ops.softmax(scores));
  weights = ops.rebind(weights, ops.dropout(weights, dropout));
  return ops.matmul(weights, value);
}

function feedForward(scope: Scope, config: DistilBertConfig) {
  const expand = scope.linear('lin1', config.hidden, config.intermediate);
  const project = scope.linear('lin2', config.intermediate, config.hidden);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, expand));
    h = ops.rebind(h, config.act(ops, h));
    h = ops.rebind(h, ops.linear(h, project));
    return ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
  });
}

function layer(block: Block, config: DistilBertConfig) {
  const { scope } = block;
  const attention = selfAttention(scope.child('attention'), config);
  const attentionNorm = scope.layerNorm('sa_layer_norm', config.hidden);
  const feed = feedForward(scope.child('ffn'), config);
  const outputNorm = scope.layerNorm('output_layer_norm', config.hidden);
  return (ops: Operations, args: readonly Argument[]): Tensor =>
    ops.block(block, args, ([x, mask]) => {
      let attended = ops.keep(attention(ops, x!, mask!));
      attended = ops.rebind(attended, ops.layerNorm(ops.add(attended, x!), attentionNorm));
      const fed = ops.keep(feed(ops, attended));
      return ops.rebind(fed, ops.layerNorm(ops.add(fed, attended), outputNorm));
    });
}

interface Body {
  words: Parameter;
  run: (ops: Operations, ids: Tensor, mask: Tensor) => Tensor;
}

function body(scope: Scope, config: DistilBertConfig): Body {
  const embed = embeddings(scope.child('embeddings'), config);
  const layers = scope.child('transformer').child('layer');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const encode = module((ops, x: Tensor, mask: Tensor): Tensor => {
    let h = ops.keep(x);
    for (const block of blocks) h = ops.rebind(h, block(ops, [h, mask]));
    return h;
  });
  const run = module((ops, ids: Tensor, mask: Tensor): Tensor => {
    const embedded = ops.keep(embed.run(ops, ids));
    if (ops.attention === 'sdpa') findNothingMasked(ops, mask);
    return encode(ops, embedded, mask);
  });
  return { words: embed.words, run };
}

type Head = (ops: Operations, ids: Tensor, mask: Tensor, labels: Tensor) => readonly [Tensor, Tensor];

function classifier(root: Scope, config: DistilBertConfig): Head {
  const { run } = body(root.child('distilbert'), config);
  const dense = root.linear('pre_classifier', config.hidden, config.hidden);
  const output = root.linear('classifier', config.hidden, config.labels);
  return (ops, ids, mask, labels) => {
    const hidden = ops.keep(run(ops, ids, mask));
    let pooled = ops.keep(ops.select(hidden, 1));
    pooled = ops.rebind(pooled, ops.linear(pooled, dense));
    pooled = ops.rebind(pooled, ops.relu(pooled));
    pooled = ops.rebind(pooled, ops.dropout(pooled, ops.dropoutOf(config.classifierDropout)));
    const logits = ops.keep(ops.linear(pooled, output));
    return [ops.loss(() => ops.crossEntropy(logits, labels)), logits];
  };
}

function maskedLanguageModel(root: Scope, config: DistilBertConfig): Head {
  const { words, run } = body(root.child('distilbert'), config);
  const transform = root.linear('vocab_transform', config.hidden, config.hidden);
  const norm = root.layerNorm('vocab_layer_norm', config.hidden);
  const projector = root.linear('vocab_projector', config.hidden, config.vocabulary, { tiedTo: words });
  return (ops, ids, mask, labels) => {
    const hidden = ops.keep(run(ops, ids, mask));
    let h = ops.keep(ops.linear(hidden, transform));
    h = ops.rebind(h, config.act(ops, h));
    h = ops.rebind(h, ops.layerNorm(h, norm));
    h = ops.rebind(h, ops.linear(h, projector));
    const scores = h;
    const loss = ops.loss(() => ops.crossEntropy(ops.view(scores, [-1, config.vocabulary]), ops.view(labels, [-1])));
    return [loss, scores];
  };
}

/** The head of a task. */
function headOf(root: Scope, config: DistilBertConfig, task: Task): EncoderHead {
  if (task === 'masked-lm') return encoderHead(tokenInputs, maskedLanguageModel(root, config));
  if (task === 'sequence-classification') return encoderHead(classificationInputs, classifier(root, config));
  const { words, run } = body(root.child('distilbert'), config);
  const whole: EncoderBody = { words, run: (ops, ids, mask) => [run(ops, ids, mask), null] };
  const { hidden, labels } = config;
  if (task === 'question-answering') return answerHead({ root, body: whole, hidden, dropout: config.answerDropout });
  return tokenHead({ root, body: whole, hidden, labels, dropout: config.dropout });
}

/** DistilBERT for each of its tasks (transformers' DistilBertFor*). */
export function distilBert(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  return completeArchitecture({ name: model.name, task, root, ...headOf(root, config, task) });
}
