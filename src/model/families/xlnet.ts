import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import type { DType } from '../dtype.js';
import { bool, float32, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { EncoderBody, Head } from '../modules/encoder-heads.js';
import { answerHead, encoderHead, tokenHead } from '../modules/encoder-heads.js';
import type { RelativeAttention } from '../modules/relative-attention.js';
import { relativeAttention } from '../modules/relative-attention.js';
import type { Step } from '../modules/sequential.js';
import { classificationInputs } from '../modules/text-inputs.js';
import type { Block } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface XlnetConfig extends RelativeAttention {
  layers: number;
  intermediate: number;
  vocabulary: number;
  labels: number;
  /** Whether the head's projection is there, and what comes after it. */
  projects: boolean;
  summaryDropout: number;
  act: Activation;
}

function read(model: ResolvedModel): XlnetConfig {
  const config = new ConfigReader(model);
  const hidden = config.size(['d_model', 'hidden_size'], 1024);
  const heads = config.size(['n_head', 'num_attention_heads'], 16);
  const kind = config.text('attn_type', 'bi');
  if (kind !== 'bi') throw config.unsupported(`XLNet with attn_type ${kind} is not covered`);
  return {
    layers: config.size(['n_layer', 'num_hidden_layers'], 24),
    hidden,
    heads,
    headSize: config.size('d_head', hidden / heads),
    intermediate: config.size(['d_inner', 'intermediate_size'], 4 * hidden),
    vocabulary: config.size('vocab_size', 32000),
    dropout: config.number('dropout', 0.1),
    labels: config.size(['num_labels', 'num_classes'], 2),
    projects: config.flag('summary_use_proj', true),
    summaryDropout: config.number('summary_last_dropout', 0.1),
    act: activation(config.text(['ff_activation', 'hidden_act'], 'gelu')),
  };
}

function feedForward(scope: Scope, { hidden, intermediate, dropout, act }: XlnetConfig): Step {
  const norm = scope.layerNorm('layer_norm', hidden);
  const expand = scope.linear('layer_1', hidden, intermediate);
  const contract = scope.linear('layer_2', intermediate, hidden);
  return module((ops, x: Tensor): Tensor => {
    let out = ops.keep(ops.linear(x, expand));
    out = ops.rebind(out, act(ops, out));
    out = ops.rebind(out, ops.dropout(out, ops.dropoutOf(dropout)));
    out = ops.rebind(out, ops.linear(out, contract));
    out = ops.rebind(out, ops.dropout(out, ops.dropoutOf(dropout)));
    return ops.rebind(out, ops.layerNorm(ops.add(out, x), norm));
  });
}

type Layer = (ops: Operations, args: readonly Argument[]) => Tensor;

function layer(block: Block, config: XlnetConfig): Layer {
  const { scope } = block;
  const attend = relativeAttention(scope.child('rel_attn'), config);
  const feed = feedForward(scope.child('ff'), config);
  return (ops, args) =>
    ops.block(block, args, ([x, mask, distances]) => {
      const attended = ops.keep(attend(ops, x!, mask!, distances!));
      return feed(ops, attended);
    });
}

/** `non_tgt_mask`: what is padding, though nobody is hidden from itself: [length, length, batch, 1]. */
function ownMask(ops: Operations, { shape: rows }: Tensor, dtype: DType): Tensor {
  const [length, batch] = rows as readonly [number, number];
  ops.keep(ops.derive('rsub', [], [length, batch], float32));
  ops.keep(ops.derive('to_copy', [ops.derive('gt', [], [length, batch], bool)], [length, batch], dtype));
  const eye = ops.create('to_copy', [length, length], dtype);
  const others = ops.keep(ops.derive('neg', [eye], [length, length], dtype));
  const shape = [length, length, batch, 1];
  const masked = ops.derive('gt', [ops.derive('add', [], shape, dtype)], shape, bool);
  return ops.rebind(others, ops.derive('to_copy', [masked], shape, dtype));
}

function xlnetBody(scope: Scope, config: XlnetConfig): EncoderBody {
  const { hidden, dropout } = config;
  scope.parameter('mask_emb', [1, 1, hidden]);
  const words = scope.embedding('word_embedding', config.vocabulary, hidden);
  const parent = scope.child('layer');
  const layers = Array.from({ length: config.layers }, (_, i) => layer(parent.block(String(i)), config));
  const run = module((ops, ids: Tensor) => {
    const [batch, length] = ids.shape as readonly [number, number];
    const turned = ops.keep(ops.create('clone', [length, batch], int64));
    const turnedMask = ops.keep(ops.create('clone', [length, batch], int64));
    const mask = ownMask(ops, turnedMask, ops.parameter(words).dtype);
    const embedded = ops.keep(ops.embedding(turned, words));
    let h = ops.keep(ops.dropout(embedded, ops.dropoutOf(dropout)));
    let distances = ops.keep(ops.create('to_copy', [2 * length, batch, hidden], float32));
    distances = ops.rebind(distances, ops.dropout(distances, ops.dropoutOf(dropout)));
    for (const next of layers) h = ops.rebind(h, next(ops, [h, mask, distances]));
    const out = ops.keep(ops.dropout(h, ops.dropoutOf(dropout)));
    return [ops.rebind(out, ops.contiguous(ops.permute(out, [1, 0, 2]))), null] as const;
  });
  return { words, run };
}

/** The last token, a projection with tanh and dropout, and a linear layer. */
function classifier(root: Scope, config: XlnetConfig): Head {
  const { hidden, labels, projects, summaryDropout } = config;
  const body = xlnetBody(root.child('transformer'), config);
  const summary = root.child('sequence_summary');
  const project = projects ? summary.linear('summary', hidden, hidden) : null;
  const head = root.linear('logits_proj', hidden, labels);
  const summarise = module((ops, states: Tensor): Tensor => {
    let out = ops.keep(ops.select(states, 1));
    if (project !== null) out = ops.rebind(out, ops.linear(out, project));
    out = ops.rebind(out, ops.tanh(out));
    return ops.rebind(out, ops.dropout(out, ops.dropoutOf(summaryDropout)));
  });
  return encoderHead(classificationInputs, (ops, ids, mask, wanted) => {
    const [states] = body.run(ops, ids, mask);
    const summed = ops.keep(summarise(ops, ops.keep(states)));
    const logits = ops.keep(ops.linear(summed, head));
    return [ops.loss(() => ops.crossEntropy(logits, wanted)), logits];
  });
}

function headOf(root: Scope, config: XlnetConfig, task: Task): Head {
  if (task === 'sequence-classification') return classifier(root, config);
  const body = xlnetBody(root.child('transformer'), config);
  const { hidden, labels } = config;
  if (task === 'question-answering') return answerHead({ root, body, hidden, dropout: 0 });
  return tokenHead({ root, body, hidden, labels, dropout: 0 });
}

/** XLNet (transformers' XLNetFor*), for batches without token types. Its attention is in Python whatever is asked for. */
export function xlnet(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  return completeArchitecture({ name: model.name, task, root, ...headOf(root, config, task) });
}
