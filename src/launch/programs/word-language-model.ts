import { plain } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { asCount, asText } from '../options/option.js';
import { OptionReader } from '../options/option-reader.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_KEPT } from './steps.js';

const OF = { of: 'pytorch/examples word_language_model' };

const SYNTAX = { switches: new Set(['cuda', 'accel', 'mps', 'tied', 'dry_run', 'use_optimizer']) };

/** Words of WikiText-2 with its marks, the data set that the example comes with. */
const WIKITEXT2_WORDS = 33_278;

/** Values of main.py itself. */
const DEFAULTS = { emsize: 200, nhid: 200, nlayers: 2, batch_size: 20, bptt: 35, dropout: 0.2 };

/** Cells that have a formula; the example's plain RNNs and its transformer have none. */
const CELLS: Readonly<Record<string, string>> = { LSTM: 'lstm', GRU: 'gru' };

/** PyTorch's word_language_model example: recurrent language models by truncated back-propagation. */
export const wordLanguageModel: TrainingProgram = {
  id: 'word-language-model',
  name: 'PyTorch word language model example',
  step: OUTPUTS_KEPT,
  builtOn: [],
  options: {
    source: 'pytorch/examples: word_language_model/main.py',
    writers: {
      microBatchSize: plain('--batch_size'),
      sequenceLength: plain('--bptt'),
    },
  },
  recognise({ kind, name, args, written }: Invocation): Recognition | null {
    if (kind !== 'script' || name !== 'main.py') return null;
    if (written.text.includes('word_language_model')) return 'name';
    const { options } = readCommandLine(args, SYNTAX);
    return options.has('emsize', 'nhid', 'nlayers', 'bptt') ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(readCommandLine(invocation.args, SYNTAX).options, draft);
    nameProgram(context, { name: 'PyTorch word language model example', package: 'torch' });
    draft.derive('task', 'causal-lm', ['program'], 'the example trains language models');
    readModel(reader, context);
    reader.count('microBatchSize', 'batch_size');
    if (!draft.isOpen('microBatchSize')) draft.default('microBatchSize', DEFAULTS.batch_size, OF);
    reader.count('sequenceLength', 'bptt');
    if (!draft.isOpen('sequenceLength')) draft.default('sequenceLength', DEFAULTS.bptt, OF);
    draft.default('precision', 'fp32', { ...OF, note: 'the example has no mixed precision' });
    readStep(context);
  },
};

function readModel(reader: OptionReader, { draft }: ProgramContext): void {
  const option = reader.options.find('model');
  const named = asText(option) ?? 'LSTM';
  const cell = CELLS[named];
  if (cell === undefined) {
    draft.leaveOpen(
      'model',
      `of the example's models ${named.slice(0, 40)} is not covered, only LSTM and GRU`,
      undefined,
    );
    return;
  }
  const size = (name: 'emsize' | 'nhid' | 'nlayers'): number => asCount(reader.options.find(name)) ?? DEFAULTS[name];
  const config = {
    model_type: 'rnn',
    cell,
    vocab: WIKITEXT2_WORDS,
    embedding: size('emsize'),
    hidden: size('nhid'),
    layers: size('nlayers'),
    dropout: dropoutOf(reader),
    tied: reader.options.has('tied'),
  };
  const model = { name: `${named} of the word language model example`, catalogId: null, config };
  if (option) draft.read('model', model, option.place);
  else draft.default('model', model, { ...OF, note: 'an LSTM by its dimensions' });
  const data = asText(reader.options.find('data'));
  if (data !== null && data !== undefined && !/wikitext-2/i.test(data))
    draft.note(`the words of the data set are taken to be the ${WIKITEXT2_WORDS} of WikiText-2`);
}

function dropoutOf(reader: OptionReader): number {
  const written = Number(asText(reader.options.find('dropout')));
  return written > 0 && written < 1 ? written : DEFAULTS.dropout;
}

/** Gradients are clipped to a norm; the step subtracts them from the weights in place. */
function readStep({ draft }: ProgramContext): void {
  draft.default('optimizer.name', 'sgd', { ...OF, note: 'weights less the scaled gradients, in place' });
  draft.default('optimizer.implementation', 'for-loop', OF);
  draft.default('optimizer.momentum', 0, OF);
  draft.default('gradientClipping', true, { ...OF, note: '--clip' });
}
