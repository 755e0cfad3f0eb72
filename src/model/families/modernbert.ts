import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { bool, float32, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { expandedMask } from '../modules/additive-masks.js';
import { keepRotaryTable } from '../modules/decoder-start.js';
import type { EncoderBody, Head } from '../modules/encoder-heads.js';
import { answerHead, encoderHead, tokenHead } from '../modules/encoder-heads.js';
import { maskedLanguageModelLoss } from '../modules/language-model-loss.js';
import { applyRotary } from '../modules/rotary.js';
import type { Step } from '../modules/sequential.js';
import { classificationInputs, tokenInputs } from '../modules/text-inputs.js';
import type { Block } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface ModernBertConfig {
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  vocabulary: number;
  /** Every n-th layer, from the first, sees everything; the others a window. */
  globalEvery: number;
  normBias: boolean;
  attentionBias: boolean;
  feedBias: boolean;
  headBias: boolean;
  decoderBias: boolean;
  tied: boolean;
  attentionDropout: number;
  embeddingDropout: number;
  feedDropout: number;
  classifierDropout: number;
  pooling: 'cls' | 'mean';
  labels: number;
  act: Activation;
  headAct: Activation;
}

function read(model: ResolvedModel): ModernBertConfig {
  const config = new ConfigReader(model);
  return {
    layers: config.size('num_hidden_layers', 22),
    hidden: config.size('hidden_size', 768),
    heads: config.size('num_attention_heads', 12),
    intermediate: config.size('intermediate_size', 1152),
    vocabulary: config.size('vocab_size', 50368),
    globalEvery: config.size('global_attn_every_n_layers', 3),
    normBias: config.flag('norm_bias', false),
    attentionBias: config.flag(['attention_bias', 'qkv_bias'], false),
    feedBias: config.flag('mlp_bias', false),
    headBias: config.flag('classifier_bias', false),
    decoderBias: config.flag('decoder_bias', true),
    tied: config.flag('tie_word_embeddings', true),
    attentionDropout: config.number('attention_dropout', 0),
    embeddingDropout: config.number('embedding_dropout', 0),
    feedDropout: config.number('mlp_dropout', 0),
    classifierDropout: config.number('classifier_dropout', 0),
    pooling: config.text('classifier_pooling', 'cls') === 'mean' ? 'mean' : 'cls',
    labels: config.size(['num_labels', 'num_classes'], 2),
    act: activation(config.text(['hidden_activation', 'hidden_act'], 'gelu')),
    headAct: activation(config.text('classifier_activation', 'gelu')),
  };
}

/** Scores and probabilities in the model's own Python. */
function eager(
  ops: Operations,
  [query, key, value]: readonly [Tensor, Tensor, Tensor],
  mask: Argument,
  dropout: number,
) {
  let weights = ops.keep(ops.mulScalar(ops.matmul(query, ops.transpose(key, 2, 3))));
  weights = ops.rebind(weights, ops.add(weights, mask!));
  weights = ops.rebind(weights, ops.to(ops.softmax(weights, float32), query.dtype));
  weights = ops.rebind(weights, ops.dropout(weights, dropout));
  const attended = ops.keep(ops.matmul(weights, value));
  return ops.rebind(attended, ops.contiguous(ops.transpose(attended, 1, 2)));
}

function attention(scope: Scope, config: ModernBertConfig) {
  const { hidden, heads, attentionBias: bias } = config;
  const size = hidden / heads;
  const project = scope.linear('Wqkv', hidden, 3 * hidden, { bias });
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [size / 2], float32);
  const output = scope.linear('Wo', hidden, hidden, { bias });

  const attend = (ops: Operations, fused: Tensor, mask: Argument, positionIds: Tensor): Tensor => {
    ops.enter([fused, mask, positionIds]);
    const [batch, length] = fused.shape as readonly [number, number];
    const [cos, sin] = keepRotaryTable(ops, [fused, positionIds], frequencies);
    const parts = ops.unbind(ops.transpose(fused, 3, 1), 2).map((part) => ops.keep(part));
    const [q, k, value] = parts as [Tensor, Tensor, Tensor];
    const turned = applyRotary(ops, [q, k], [cos, sin]);
    const [query, key] = [ops.rebind(q, turned[0]), ops.rebind(k, turned[1])];
    const dropout = ops.dropoutOf(config.attentionDropout);
    if (ops.attention === 'eager') {
      return ops.leave(ops.view(eager(ops, [query, key, value], mask, dropout), [batch, length, hidden]));
    }
    const attended = ops.scaledDotProductAttention(query, key, value, { mask, causal: false, dropout });
    return ops.leave(ops.view(ops.contiguous(ops.transpose(attended, 1, 2)), [batch, length, hidden]));
  };

  return module((ops, x: Tensor, mask: Argument, positionIds: Tensor): Tensor => {
    const [batch, length] = x.shape as readonly [number, number];
    const fused = ops.keep(ops.linear(x, project));
    const shaped = ops.rebind(fused, ops.view(fused, [batch, length, 3, heads, size]));
    const attended = ops.keep(attend(ops, shaped, mask, positionIds));
    return ops.rebind(attended, ops.dropout(ops.linear(attended, output), ops.dropoutOf(config.attentionDropout)));
  });
}

/** `Wo(drop(act(input) * gate))` of the two halves of one product. */
function feedForward(scope: Scope, config: ModernBertConfig): Step {
  const { hidden, intermediate, feedBias: bias } = config;
  const expand = scope.linear('Wi', hidden, 2 * intermediate, { bias });
  const contract = scope.linear('Wo', intermediate, hidden, { bias });
  return module((ops, x: Tensor): Tensor => {
    const halves = ops.split(ops.linear(x, expand), [intermediate, intermediate], x.shape.length - 1);
    const [input, gate] = halves.map((half) => ops.keep(half)) as [Tensor, Tensor];
    const gated = ops.mul(config.act(ops, input), gate);
    return ops.linear(ops.dropout(gated, ops.dropoutOf(config.feedDropout)), contract);
  });
}

type Layer = (ops: Operations, args: readonly Argument[]) => Tensor;

/** The first layer has no norm before its attention. */
function layer(block: Block, index: number, config: ModernBertConfig): Layer {
  const { scope } = block;
  const options = { bias: config.normBias };
  const attentionNorm = index === 0 ? null : scope.layerNorm('attn_norm', config.hidden, options);
  const attend = attention(scope.child('attn'), config);
  const feedNorm = scope.layerNorm('mlp_norm', config.hidden, options);
  const feed = feedForward(scope.child('mlp'), config);
  return (ops, args) =>
    ops.block(block, args, ([x, global, local, positionIds]) => {
      const mask = index % config.globalEvery === 0 ? global : local;
      let h = ops.keep(x!);
      const input = attentionNorm === null ? h : ops.layerNorm(h, attentionNorm);
      const attended = ops.keep(attend(ops, input, mask!, positionIds!));
      h = ops.rebind(h, ops.add(h, attended));
      const fed = ops.keep(feed(ops, ops.layerNorm(h, feedNorm)));
      return ops.rebind(h, ops.add(h, fed));
    });
}

/** Masks for layers that see everything and for those that see a window; kept in the caller's frame. */
function masksOf(ops: Operations, attentionMask: Tensor, like: Tensor): { global: Argument; local: Argument } {
  if (ops.attention === 'flash') return { global: null, local: null };
  const length = attentionMask.shape[1]!;
  const global = ops.keep(expandedMask(ops, attentionMask, length, like.dtype));
  const square = [1, 1, length, length];
  ops.enter([]);
  ops.keep(ops.create('to_copy', square, bool));
  const far = ops.derive('logical_not', [], square, bool);
  return { global, local: ops.keep(ops.leave(ops.derive('masked_fill', [far], global.shape, like.dtype))) };
}

function modernBertBody(scope: Scope, config: ModernBertConfig): EncoderBody {
  const { hidden } = config;
  const options = { bias: config.normBias };
  const embeddings = scope.child('embeddings');
  const words = embeddings.embedding('tok_embeddings', config.vocabulary, hidden);
  const norm = embeddings.layerNorm('norm', hidden, options);
  const parent = scope.child('layers');
  const layers = Array.from({ length: config.layers }, (_, i) => layer(parent.block(String(i)), i, config));
  const finalNorm = scope.layerNorm('final_norm', hidden, options);
  const run = module((ops, ids: Tensor, attentionMask: Tensor) => {
    const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
    const positionIds = ops.keep(ops.unsqueeze(positions, 0));
    const { global, local } = masksOf(ops, attentionMask, ops.parameter(words));
    let h = ops.keep(ops.layerNorm(ops.embedding(ids, words), norm));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.embeddingDropout)));
    for (const next of layers) h = ops.rebind(h, next(ops, [h, global, local, positionIds]));
    return [ops.rebind(h, ops.layerNorm(h, finalNorm)), null] as const;
  });
  return { words, run };
}

/** `ModernBertPredictionHead`: `norm(act(dense(x)))`. */
function predictionHead(scope: Scope, config: ModernBertConfig): Step {
  const dense = scope.linear('dense', config.hidden, config.hidden, { bias: config.headBias });
  const norm = scope.layerNorm('norm', config.hidden, { bias: config.normBias });
  return module((ops, x: Tensor): Tensor => ops.layerNorm(config.headAct(ops, ops.linear(x, dense)), norm));
}

function pooled(ops: Operations, hidden: Tensor, mask: Tensor, { pooling }: ModernBertConfig): Tensor {
  if (pooling === 'cls') return ops.select(hidden, 1);
  const sum = ops.sum(ops.mul(hidden, ops.unsqueeze(mask, 2)), [1], false);
  return ops.div(sum, ops.derive('sum', [], [mask.shape[0]!, 1], mask.dtype));
}

function classifier(root: Scope, config: ModernBertConfig): Head {
  const body = modernBertBody(root.child('model'), config);
  const transform = predictionHead(root.child('head'), config);
  const head = root.linear('classifier', config.hidden, config.labels);
  return encoderHead(classificationInputs, (ops, ids, mask, labels) => {
    const [hidden] = body.run(ops, ids, mask);
    const states = ops.keep(hidden);
    const first = ops.rebind(states, pooled(ops, states, mask, config));
    const own = ops.keep(transform(ops, first));
    const dropped = ops.rebind(own, ops.dropout(own, ops.dropoutOf(config.classifierDropout)));
    const logits = ops.keep(ops.linear(dropped, head));
    return [ops.loss(() => ops.crossEntropy(logits, labels)), logits];
  });
}

function maskedLanguageModel(root: Scope, config: ModernBertConfig): Head {
  const body = modernBertBody(root.child('model'), config);
  const transform = predictionHead(root.child('head'), config);
  const tiedTo = config.tied ? body.words : undefined;
  const decoder = root.linear('decoder', config.hidden, config.vocabulary, { bias: config.decoderBias, tiedTo });
  return encoderHead(tokenInputs, (ops, ids, mask, labels) => {
    const [hidden] = body.run(ops, ids, mask);
    const logits = ops.keep(ops.linear(transform(ops, ops.keep(hidden)), decoder));
    return [ops.loss(() => maskedLanguageModelLoss(ops, logits, labels)), logits];
  });
}

/** The encoder with its prediction head over every token, as heads for tokens and answers read it. */
function bodyWithHead(root: Scope, config: ModernBertConfig): EncoderBody {
  const body = modernBertBody(root.child('model'), config);
  const transform = predictionHead(root.child('head'), config);
  const run: EncoderBody['run'] = (ops, ids, mask) => {
    const [hidden] = body.run(ops, ids, mask);
    return [transform(ops, ops.keep(hidden)), null];
  };
  return { words: body.words, run };
}

function headOf(root: Scope, config: ModernBertConfig, task: Task): Head {
  if (task === 'masked-lm') return maskedLanguageModel(root, config);
  if (task === 'sequence-classification') return classifier(root, config);
  const { hidden, labels, classifierDropout: dropout } = config;
  const body = bodyWithHead(root, config);
  if (task === 'question-answering') return answerHead({ root, body, hidden, dropout });
  return tokenHead({ root, body, hidden, labels, dropout });
}

/** ModernBERT (transformers' ModernBertFor*), its parts not compiled (`reference_compile=False`). */
export function modernBert(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  return completeArchitecture({ name: model.name, task, root, ...headOf(root, config, task) });
}
