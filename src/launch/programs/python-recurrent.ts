import { optionsOfCall } from '../python/calls.js';
import type { PythonScope } from '../python/evaluate.js';
import type { PythonCall } from '../python/source.js';
import type { Options } from '../options/option.js';
import { asBoolean, asCount, asNumber } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';

/** Recurrent modules of torch.nn that have a formula. */
const CELLS: Readonly<Record<string, string>> = { LSTM: 'lstm', GRU: 'gru' };

interface Layers {
  embedding: Options;
  recurrent: Options;
  decoder: Options;
  cell: PythonCall;
}

/**
 * Reads a recurrent network that the source writes itself: `nn.Embedding`, one `nn.LSTM` or `nn.GRU`, and a last
 * `nn.Linear`, which gives each token's successor where it is as wide as the vocabulary and one class a row where not.
 */
export function readRecurrentModel(scope: PythonScope, draft: RunDraft): void {
  if (draft.has('model') || draft.isOpen('model')) return;
  const layers = layersOf(scope);
  if (layers === null) return;
  const sizes = sizesOf(layers);
  if (sizes === null) {
    draft.leaveOpen('model', `the sizes of nn.${layers.cell.last} are worked out by the program`);
    return;
  }
  const { vocab, outFeatures, ...dimensions } = sizes;
  const isLanguageModel = outFeatures === vocab;
  const config = {
    model_type: 'rnn',
    cell: CELLS[layers.cell.last]!,
    vocab,
    ...dimensions,
    ...howOf(layers.recurrent, calls(scope, 'Dropout').length > 0),
    ...(isLanguageModel ? {} : { classes: outFeatures }),
  };
  const rule = `the source builds ${layers.cell.name} between nn.Embedding and nn.Linear`;
  draft.derive(
    'model',
    { name: `${layers.cell.last} of the source`, catalogId: null, config },
    [layers.cell.name],
    rule,
  );
  draft.derive('task', isLanguageModel ? 'causal-lm' : 'sequence-classification', [layers.cell.name], rule);
}

const calls = ({ source }: PythonScope, name: string): readonly PythonCall[] =>
  source.calls.filter((call) => call.last === name && isOfTorch(call, source.imports));

const isOfTorch = ({ name, last }: PythonCall, imports: ReadonlyMap<string, string>): boolean =>
  name.endsWith(`nn.${last}`) || (imports.get(name) ?? '').startsWith('torch.nn.');

/** null where there is not one recurrent module between an embedding and a linear layer. */
function layersOf(scope: PythonScope): Layers | null {
  const cells = Object.keys(CELLS).flatMap((name) => calls(scope, name));
  const [cell] = cells;
  const [embedding] = calls(scope, 'Embedding');
  const decoder = calls(scope, 'Linear').at(-1);
  if (cells.length !== 1 || cell === undefined || embedding === undefined || decoder === undefined) return null;
  return {
    embedding: optionsOfCall(embedding, scope),
    recurrent: optionsOfCall(cell, scope),
    decoder: optionsOfCall(decoder, scope),
    cell,
  };
}

interface Sizes {
  vocab: number;
  embedding: number;
  hidden: number;
  outFeatures: number;
}

function sizesOf({ embedding, recurrent, decoder }: Layers): Sizes | null {
  const vocab = asCount(embedding.find('num_embeddings', '0'));
  const width = asCount(embedding.find('embedding_dim', '1'));
  const hidden = asCount(recurrent.find('hidden_size', '1'));
  const outFeatures = asCount(decoder.find('out_features', '1'));
  if (vocab === undefined || width === undefined || hidden === undefined || outFeatures === undefined) return null;
  return { vocab, embedding: width, hidden, outFeatures };
}

/** Signature of torch.nn.RNNBase: input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional. */
function howOf(recurrent: Options, dropsOutside: boolean): Readonly<Record<string, number | boolean>> {
  const dropout = asNumber(recurrent.find('dropout', '5')) ?? 0;
  return {
    layers: asCount(recurrent.find('num_layers', '2')) ?? 1,
    bidirectional: asBoolean(recurrent.find('bidirectional', '6')) ?? false,
    dropout,
    dropout_outside: dropsOutside ? dropout : 0,
  };
}
