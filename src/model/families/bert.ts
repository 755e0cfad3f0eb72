import type { Task } from '../../run/training-run.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import type { EncoderBody, Head } from '../modules/encoder-heads.js';
import { answerHead, encoderHead, tokenHead } from '../modules/encoder-heads.js';
import { classificationInputs, tokenInputs } from '../modules/text-inputs.js';
import type { Linear, Normalisation, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';
import type { BertConfig } from './bert-body.js';
import { bertBody, readBert } from './bert-body.js';

/** BERT's head: the pooled first token through one layer. */
function pooledClassifier(root: Scope, config: BertConfig): Head {
  const body = bertBody(root, config, true);
  const head = root.linear('classifier', config.hidden, config.labels);
  return encoderHead(classificationInputs, (ops, ids, mask, labels) => {
    const [hidden, pooled] = body.run(ops, ids, mask);
    ops.keep(hidden);
    const dropped = ops.keep(ops.dropout(ops.keep(pooled!), ops.dropoutOf(config.classifierDropout)));
    const logits = ops.keep(ops.linear(dropped, head));
    return [ops.loss(() => ops.crossEntropy(logits, labels)), logits];
  });
}

/** RoBERTa's and ELECTRA's head: the first token through two linear layers. */
function firstTokenClassifier(root: Scope, config: BertConfig): Head {
  const body = bertBody(root, config, false);
  const scope = root.child('classifier');
  const dense = scope.linear('dense', config.hidden, config.hidden);
  const output = scope.linear('out_proj', config.hidden, config.labels);
  const act = (ops: Operations, x: Tensor): Tensor => (config.base === 'electra' ? ops.gelu(x) : ops.tanh(x));
  const classify = module((ops, features: Tensor): Tensor => {
    const dropout = ops.dropoutOf(config.classifierDropout);
    let x = ops.keep(ops.select(features, 1));
    x = ops.rebind(x, ops.dropout(x, dropout));
    x = ops.rebind(x, ops.linear(x, dense));
    x = ops.rebind(x, act(ops, x));
    x = ops.rebind(x, ops.dropout(x, dropout));
    return ops.linear(x, output);
  });
  return encoderHead(classificationInputs, (ops, ids, mask, labels) => {
    const [hidden] = body.run(ops, ids, mask);
    const logits = ops.keep(classify(ops, ops.keep(hidden)));
    return [ops.loss(() => ops.crossEntropy(logits, labels)), logits];
  });
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

/** ELECTRA's generator: down to the width of the embeddings, then the tied decoder with a bias of its own. */
function generatorHead(root: Scope, config: BertConfig, words: Parameter): PredictionHead {
  const scope = root.child('generator_predictions');
  const norm = scope.layerNorm('LayerNorm', config.embedding);
  const dense = scope.linear('dense', config.hidden, config.embedding);
  const decoder = root.linear('generator_lm_head', config.embedding, config.vocabulary, { tiedTo: words });
  return { dense, norm, decoder };
}

function maskedLanguageModel(root: Scope, config: BertConfig): Head {
  const body: EncoderBody = bertBody(root, config, false);
  const generates = config.base === 'electra';
  const head = (generates ? generatorHead : predictionHead)(root, config, body.words);
  const transform = (ops: Operations, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, head.dense));
    h = ops.rebind(h, generates ? ops.gelu(h) : config.act(ops, h));
    return ops.rebind(h, ops.layerNorm(h, head.norm));
  };
  const predict = module((ops, x: Tensor): Tensor => ops.linear(transform(ops, x), head.decoder));
  const generate = (ops: Operations, x: Tensor): Tensor => {
    const h = ops.keep(module(transform)(ops, x));
    return ops.rebind(h, ops.linear(h, head.decoder));
  };
  return encoderHead(tokenInputs, (ops, ids, mask, labels) => {
    const [hidden] = body.run(ops, ids, mask);
    const states = ops.keep(hidden);
    const scores = generates ? generate(ops, states) : ops.keep(predict(ops, states));
    const loss = ops.loss(() => ops.crossEntropy(ops.view(scores, [-1, config.vocabulary]), ops.view(labels, [-1])));
    return [loss, scores];
  });
}

/** The head of a task. */
function headOf(root: Scope, config: BertConfig, task: Task): Head {
  const { labels, hidden, classifierDropout: dropout } = config;
  if (task === 'masked-lm') return maskedLanguageModel(root, config);
  if (task === 'sequence-classification') {
    return (config.base === 'bert' ? pooledClassifier : firstTokenClassifier)(root, config);
  }
  const body = bertBody(root, config, false);
  if (task === 'question-answering') return answerHead({ root, body, hidden, dropout: 0 });
  return tokenHead({ root, body, hidden, labels, dropout });
}

/** BERT, RoBERTa and ELECTRA for each of their tasks (transformers' BertFor*). */
export function bert(model: ResolvedModel, task: Task): Architecture {
  const config = readBert(model);
  const root = Scope.root();
  return completeArchitecture({ name: model.name, task, root, ...headOf(root, config, task) });
}
