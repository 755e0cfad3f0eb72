import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { bool, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { DisentangledInputs, DisentangledSizes } from '../modules/disentangled-attention.js';
import { disentangledAttention, logarithmicPositions } from '../modules/disentangled-attention.js';
import { firstDisentangledAttention, plainDistances } from '../modules/first-disentangled-attention.js';
import type { NormLayer } from '../modules/norm-layers.js';
import { plainNormLayer, pythonNormLayer } from '../modules/norm-layers.js';
import type { EncoderBody, Head } from '../modules/encoder-heads.js';
import { answerHead, encoderHead, tokenHead } from '../modules/encoder-heads.js';
import { classificationInputs, tokenInputs } from '../modules/text-inputs.js';
import type { Block, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface DebertaConfig extends DisentangledSizes {
  layers: number;
  intermediate: number;
  vocabulary: number;
  embedding: number;
  positions: number;
  types: number;
  /** Positions are added to the embeddings as well. */
  positionsAdded: boolean;
  /** The table of relative positions is normalised. */
  normalisesTable: boolean;
  /** Width of a convolution beside the first layer; 0: none. */
  convolution: number;
  convolutionAct: Activation;
  labels: number;
  poolerDropout: number;
  classifierDropout: number;
  act: Activation;
  norm: NormLayer;
  attention: (scope: Scope, config: DebertaConfig) => (ops: Operations, inputs: DisentangledInputs) => Tensor;
  /** Distances of all pairs of positions. */
  distances: (ops: Operations, length: number) => Tensor;
  /** The head's bias is added by itself to a product with the table (v1's newer head). */
  legacy: boolean;
}

/** What the first release of DeBERTa does otherwise. */
const FIRST = {
  norm: pythonNormLayer,
  attention: firstDisentangledAttention,
  distances: plainDistances,
  normalisesTable: false,
} satisfies Partial<DebertaConfig>;

const SECOND = { norm: plainNormLayer, attention: disentangledAttention, distances: logarithmicPositions };

function read(model: ResolvedModel): DebertaConfig {
  const config = new ConfigReader(model);
  const hidden = config.size('hidden_size', 1536);
  const first = model.modelType === 'deberta';
  const positions = config.size(['max_position_embeddings', 'learned_positions'], 512);
  const longest = config.number('max_relative_positions', -1);
  const buckets = first ? 0 : config.number('position_buckets', 256);
  const kinds = config.texts('pos_att_type');
  const dropout = config.number('hidden_dropout_prob', 0.1);
  const heads = config.size('num_attention_heads', 24);
  if (!config.flag('relative_attention', true)) throw config.unsupported('DeBERTa without relative attention');
  return {
    layers: config.size('num_hidden_layers', 24),
    hidden,
    heads,
    headSize: config.size('attention_head_size', hidden / heads),
    intermediate: config.size('intermediate_size', 6144),
    vocabulary: config.size('vocab_size', 128100),
    embedding: config.size('embedding_size', hidden),
    positions,
    types: config.size('type_vocab_size', 0),
    positionsAdded: config.flag('position_biased_input', false),
    normalisesTable: config.text('norm_rel_ebd', 'layer_norm').includes('layer_norm'),
    convolution: config.size('conv_kernel_size', 0),
    convolutionAct: activation(config.text('conv_act', 'tanh')),
    span: buckets > 0 ? buckets : longest > 0 ? longest : positions,
    sharesKeys: config.flag('share_att_key', true),
    contentToPosition: kinds.length === 0 || kinds.includes('c2p'),
    positionToContent: kinds.length === 0 || kinds.includes('p2c'),
    labels: config.size(['num_labels', 'num_classes'], 2),
    dropout,
    attentionDropout: config.number('attention_probs_dropout_prob', 0.1),
    poolerDropout: config.number('pooler_dropout', 0),
    classifierDropout: config.number('cls_dropout', dropout),
    act: activation(config.text('hidden_act', 'gelu')),
    legacy: config.flag('legacy', true),
    ...(first ? FIRST : SECOND),
  };
}

function embeddings(scope: Scope, config: DebertaConfig) {
  const words = scope.embedding('word_embeddings', config.vocabulary, config.embedding);
  const places = config.positionsAdded
    ? scope.embedding('position_embeddings', config.positions, config.embedding)
    : null;
  const types = config.types > 0 ? scope.embedding('token_type_embeddings', config.types, config.embedding) : null;
  const projects = config.embedding !== config.hidden;
  const project = projects ? scope.linear('embed_proj', config.embedding, config.hidden, { bias: false }) : null;
  const norm = config.norm(scope, 'LayerNorm', [config.hidden]);
  const positionIds = scope.buffer('position_ids', [1, config.positions], int64);
  const run = module((ops, ids: Tensor, typeIds: Tensor, mask: Tensor): Tensor => {
    const wordRows = ops.keep(ops.embedding(ids, words));
    const rows = ops.slice(ops.buffer(positionIds), 1, 0, ids.shape[1]!);
    const positions =
      places === null ? ops.create('zeros_like', wordRows.shape, wordRows.dtype) : ops.embedding(rows, places);
    ops.keep(positions);
    let h = ops.keep(wordRows);
    if (places !== null) h = ops.rebind(h, ops.add(h, positions));
    if (types !== null) h = ops.rebind(h, ops.add(h, ops.keep(ops.embedding(typeIds, types))));
    if (project !== null) h = ops.rebind(h, ops.linear(h, project));
    h = ops.rebind(h, norm(ops, h));
    const real = ops.keep(ops.to(ops.unsqueeze(mask, 2), h.dtype));
    h = ops.rebind(h, ops.mul(h, real));
    return ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
  });
  return { words, run };
}

/** `LayerNorm(dropout(dense(x)) + residual)` */
function residualOutput(scope: Scope, inFeatures: number, config: DebertaConfig) {
  const dense = scope.linear('dense', inFeatures, config.hidden);
  const norm = config.norm(scope, 'LayerNorm', [config.hidden]);
  return module((ops, x: Tensor, residual: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, dense));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
    return ops.rebind(h, norm(ops, ops.add(h, residual)));
  });
}

type Layer = (ops: Operations, args: readonly Argument[]) => Tensor;

function layer(block: Block, config: DebertaConfig): Layer {
  const { scope } = block;
  const attention = scope.child('attention');
  const attend = config.attention(attention.child('self'), config);
  const attended = residualOutput(attention.child('output'), config.heads * config.headSize, config);
  const expand = scope.child('intermediate').linear('dense', config.hidden, config.intermediate);
  const output = residualOutput(scope.child('output'), config.intermediate, config);
  const widen = module((ops, x: Tensor): Tensor => {
    const h = ops.keep(ops.linear(x, expand));
    return ops.rebind(h, config.act(ops, h));
  });
  const around = (ops: Operations, inputs: DisentangledInputs): Tensor => {
    ops.enter([inputs.x, inputs.mask, inputs.relative, inputs.table]);
    const own = ops.keep(attend(ops, inputs));
    return ops.leave(ops.keep(attended(ops, own, inputs.x)));
  };
  return (ops, args) =>
    ops.block(block, args, ([x, mask, relative, table]) => {
      const own = ops.keep(around(ops, { x: x!, mask: mask!, relative: relative!, table: table! }));
      const wide = ops.keep(widen(ops, own));
      return ops.keep(output(ops, wide, own));
    });
}

/** `ConvLayer`: a convolution over the embeddings, added to the first layer's output. */
function convolutionLayer(scope: Scope, config: DebertaConfig) {
  const { hidden, convolution: width } = config;
  const options = { kernel: [1, width], padding: [0, (width - 1) / 2] } as const;
  const conv = scope.conv2d('conv', hidden, hidden, options);
  const norm = scope.layerNorm('LayerNorm', hidden);
  return module((ops, x: Tensor, residual: Tensor, mask: Tensor): Tensor => {
    const [batch, length] = x.shape as readonly [number, number];
    const across = ops.contiguous(ops.permute(x, [0, 2, 1]));
    const rows = ops.conv2d(ops.unsqueeze(across, 2), conv);
    let out = ops.keep(ops.contiguous(ops.permute(ops.view(rows, [batch, hidden, length]), [0, 2, 1])));
    const absent = ops.keep(
      ops.derive('to_copy', [ops.derive('rsub', [], mask.shape, int64)], [batch, length, 1], bool),
    );
    out = ops.rebind(out, ops.maskedFillInPlace(out, absent));
    out = ops.rebind(out, config.convolutionAct(ops, ops.dropout(out, ops.dropoutOf(config.dropout))));
    const sum = ops.keep(ops.add(residual, out));
    const normed = ops.keep(ops.layerNorm(sum, norm));
    return ops.keep(ops.mul(normed, ops.keep(ops.to(ops.unsqueeze(mask, 2), normed.dtype))));
  });
}

/** The encoder: all its layers' outputs, which the model asks for. */
function encoder(scope: Scope, config: DebertaConfig) {
  const parent = scope.child('layer');
  const layers = Array.from({ length: config.layers }, (_, i) => layer(parent.block(String(i)), config));
  const table = scope.embedding('rel_embeddings', 2 * config.span, config.hidden);
  const norm = config.normalisesTable ? scope.layerNorm('LayerNorm', config.hidden) : null;
  const conv = config.convolution > 0 ? convolutionLayer(scope.child('conv'), config) : null;
  const positionTable = (ops: Operations): Tensor =>
    norm === null ? ops.parameter(table) : ops.layerNorm(ops.parameter(table), norm);

  return module((ops, x: Tensor, mask: Tensor): readonly Tensor[] => {
    const [batch, length] = x.shape as readonly [number, number];
    const pairs = ops.keep(ops.derive('mul', [], [batch, 1, length, length], int64));
    const relative = ops.keep(config.distances(ops, length));
    const rows = ops.keep(positionTable(ops));
    const states: Tensor[] = [];
    layers.forEach((run, i) => {
      let h = ops.keep(run(ops, [states[i - 1] ?? x, pairs, relative, rows]));
      if (i === 0 && conv !== null) h = ops.rebind(h, conv(ops, x, h, mask));
      states.push(h);
    });
    return states;
  });
}

function debertaBody(scope: Scope, config: DebertaConfig): EncoderBody {
  const embed = embeddings(scope.child('embeddings'), config);
  const encode = encoder(scope.child('encoder'), config);
  const run = module((ops, ids: Tensor, mask: Tensor) => {
    const typeIds = ops.keep(ops.create('zeros', ids.shape, int64));
    const embedded = ops.keep(embed.run(ops, ids, typeIds, mask));
    const states = encode(ops, embedded, mask).map((state) => ops.keep(state));
    return [states[states.length - 1]!, null] as const;
  });
  return { words: embed.words, run };
}

/** `ContextPooler`, a dropout and a linear layer. */
function classifier(root: Scope, config: DebertaConfig): Head {
  const body = debertaBody(root.child('deberta'), config);
  const dense = root.child('pooler').linear('dense', config.hidden, config.hidden);
  const head = root.linear('classifier', config.hidden, config.labels);
  const pool = module((ops, hidden: Tensor): Tensor => {
    let token = ops.keep(ops.select(hidden, 1));
    const dropout = ops.dropoutOf(config.poolerDropout);
    if (dropout > 0) token = ops.rebind(token, ops.dropout(token, dropout));
    const pooled = ops.keep(ops.linear(token, dense));
    return ops.rebind(pooled, ops.gelu(pooled));
  });
  return encoderHead(classificationInputs, (ops, ids, mask, labels) => {
    const [states] = body.run(ops, ids, mask);
    let pooled = ops.keep(pool(ops, ops.keep(states)));
    pooled = ops.rebind(pooled, ops.dropout(pooled, ops.dropoutOf(config.classifierDropout)));
    const logits = ops.keep(ops.linear(pooled, head));
    return [ops.loss(() => ops.crossEntropy(logits, labels)), logits];
  });
}

function predictor(root: Scope, config: DebertaConfig, words: Parameter) {
  const scope = root.child('cls').child('predictions');
  const bias = scope.parameter('bias', [config.vocabulary]);
  const transform = scope.child('transform');
  const dense = transform.linear('dense', config.hidden, config.embedding);
  const norm = transform.layerNorm('LayerNorm', config.embedding);
  const tied = { tiedTo: words, biasTiedTo: bias };
  const decoder = scope.linear('decoder', config.embedding, config.vocabulary, tied);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, dense));
    h = ops.rebind(h, config.act(ops, h));
    h = ops.rebind(h, ops.layerNorm(h, norm));
    return ops.rebind(h, ops.linear(h, decoder));
  });
}

function maskedLanguageModel(root: Scope, config: DebertaConfig): Head {
  const body = debertaBody(root.child('deberta'), config);
  const predict = predictor(root, config, body.words);
  return encoderHead(tokenInputs, (ops, ids, mask, labels) => {
    const [states] = body.run(ops, ids, mask);
    const scores = ops.keep(predict(ops, ops.keep(states)));
    const loss = ops.loss(() => ops.crossEntropy(ops.view(scores, [-1, config.vocabulary]), ops.view(labels, [-1])));
    return [loss, scores];
  });
}

function headOf(root: Scope, config: DebertaConfig, task: Task): Head {
  if (task === 'masked-lm') return maskedLanguageModel(root, config);
  if (task === 'sequence-classification') return classifier(root, config);
  const { hidden, labels, dropout } = config;
  const body = debertaBody(root.child('deberta'), config);
  if (task === 'question-answering') return answerHead({ root, body, hidden, dropout: 0 });
  return tokenHead({ root, body, hidden, labels, dropout });
}

/** DeBERTa v1, v2 and v3 (transformers' DebertaFor*, DebertaV2For*), whose attention is in Python whatever is asked for. */
export function deberta(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  return completeArchitecture({ name: model.name, task, root, ...headOf(root, config, task) });
}
