import { ConfigReader } from '../config-reader.js';
import type { Architecture, BatchSizes, InputSpec } from '../definition.js';
import { completeArchitecture, input } from '../definition.js';
import { int64 } from '../dtype.js';
import { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface RecurrentConfig {
  cell: 'lstm' | 'gru';
  vocabulary: number;
  embedding: number;
  hidden: number;
  layers: number;
  bidirectional: boolean;
  /** Between the recurrent layers. */
  dropout: number;
  /** On the embedded tokens and on what the layers give. */
  dropoutOutside: number;
  tied: boolean;
  /** Classes of a row, told by its last step; 0: each step tells the next token. */
  classes: number;
}

/** Defaults of PyTorch's word_language_model example on WikiText-2. */
function read(model: ResolvedModel): RecurrentConfig {
  const config = new ConfigReader(model);
  const cell = config.text('cell', 'lstm').toLowerCase();
  if (cell !== 'lstm' && cell !== 'gru') throw config.unsupported(`a recurrent cell ${cell} is not covered`);
  const dropout = config.number('dropout', 0.2);
  return {
    cell,
    vocabulary: config.size(['vocab', 'vocab_size'], 33278),
    embedding: config.size(['embedding', 'embedding_size'], 200),
    hidden: config.size(['hidden', 'hidden_size'], 200),
    layers: config.size(['layers', 'num_layers'], 2),
    bidirectional: config.flag('bidirectional', false),
    dropout,
    dropoutOutside: config.number('dropout_outside', dropout),
    tied: config.flag('tied', false),
    classes: config.size(['classes', 'num_classes'], 0),
  };
}

/** Tokens, and the tokens that follow them (`sequence` steps of truncated back-propagation) or a class for each row. */
const inputs =
  ({ classes }: RecurrentConfig) =>
  ({ batch, sequence }: BatchSizes): InputSpec[] => [
    { name: 'input_ids', shape: [sequence, batch], dtype: int64, madeBy: 'contiguous' },
    { name: 'labels', shape: [classes > 0 ? batch : sequence * batch], dtype: int64, madeBy: 'contiguous' },
  ];

/** An LSTM or GRU over embedded tokens, as a language model or as a classifier of rows, with dropout between. */
export function recurrentModel(model: ResolvedModel): Architecture {
  const config = read(model);
  const { vocabulary, hidden } = config;
  const root = Scope.root();
  const table = root.embedding('encoder', vocabulary, config.embedding);
  const directions = config.bidirectional ? 2 : 1;
  const layer = root.recurrent('rnn', {
    cell: config.cell,
    inFeatures: config.embedding,
    hidden,
    layers: config.layers,
    directions,
    dropout: config.dropout,
  });
  const width = config.classes > 0 ? config.classes : vocabulary;
  const decoder = root.linear('decoder', directions * hidden, width, config.tied ? { tiedTo: table } : {});
  const forward = module((ops, ids: Tensor, labels: Tensor): [Tensor, Tensor] => {
    const dropout = ops.dropoutOf(config.dropoutOutside);
    const embedded = ops.keep(ops.dropout(ops.embedding(ids, table), dropout));
    let out = ops.keep(ops.recurrent(embedded, layer));
    out = ops.rebind(out, ops.dropout(out, dropout));
    const told = config.classes > 0 ? ops.select(out, 0) : out;
    const logits = ops.keep(ops.view(ops.linear(told, decoder), [-1, width]));
    return [ops.crossEntropy(logits, labels), logits];
  });
  return completeArchitecture({
    name: model.name,
    task: config.classes > 0 ? 'sequence-classification' : 'causal-lm',
    root,
    inputTable: table,
    inputs: inputs(config),
    forward: (ops, batch) => {
      const [loss, logits] = forward(ops, input(batch, 'input_ids'), input(batch, 'labels'));
      return { loss, outputs: [logits] };
    },
  });
}
