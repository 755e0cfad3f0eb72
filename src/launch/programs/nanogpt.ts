import { OUTPUTS_KEPT } from './steps.js';
import { overAllRanks, plain } from '../../run/program-options.js';
import type { Json } from '../../workload/workload.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount, asText } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

const OF = { of: 'nanoGPT' };

/** Values of the configurations that ship with nanoGPT (config/). */
const CONFIGS: Readonly<Record<string, Readonly<Record<string, number | string>>>> = {
  'train_gpt2.py': { batch_size: 12, block_size: 1024, gradient_accumulation_steps: 40 },
  'train_shakespeare_char.py': {
    batch_size: 64,
    block_size: 256,
    n_layer: 6,
    n_head: 6,
    n_embd: 384,
    dropout: 0.2,
    gradient_accumulation_steps: 1,
  },
  'finetune_shakespeare.py': { batch_size: 1, gradient_accumulation_steps: 32, init_from: 'gpt2-xl' },
};

/** Values of train.py itself. */
const DEFAULTS = {
  batch_size: 12,
  block_size: 1024,
  n_layer: 12,
  n_head: 12,
  n_embd: 768,
  gradient_accumulation_steps: 40,
};

/** nanoGPT's train.py: `--key=value` words and a configuration file of its own. */
export const nanogpt: TrainingProgram = {
  id: 'nanogpt',
  name: 'nanoGPT',
  step: OUTPUTS_KEPT,
  builtOn: [],
  options: {
    source: 'karpathy/nanoGPT: train.py, configurator.py',
    writers: {
      microBatchSize: plain('--batch_size', 'joined'),
      // train.py divides the steps by the processes, and the block is the number of positions.
      gradientAccumulationSteps: overAllRanks('--gradient_accumulation_steps', 'joined'),
      sequenceLength: plain('--block_size', 'joined'),
    },
    follows: (field, value, { model }) =>
      field === 'sequenceLength' && model.value !== null
        ? [{ field: 'model', value: { ...model.value, config: { ...model.value.config, n_positions: Number(value) } } }]
        : [],
  },
  recognise({ kind, name, args, written }: Invocation): Recognition | null {
    if (kind !== 'script' || name !== 'train.py') return null;
    const { options, positionals } = readCommandLine(args, {});
    const hasConfig = positionals.some(({ text }) => text.startsWith('config/') && text.endsWith('.py'));
    return hasConfig || options.has('n_embd') || written.text.includes('nanoGPT') ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const { options, positionals } = readCommandLine(invocation.args, {});
    const reader = new OptionReader(options, draft);
    const config = configOf(positionals.map(({ text }) => text));
    nameProgram(context, { name: 'nanoGPT train.py', package: 'torch' });
    draft.derive('task', 'causal-lm', ['program'], 'nanoGPT trains language models');
    readModel(reader, context, config);
    readSizes(reader, context, config);
    readHow(reader, context);
  },
};

type Config = Readonly<Record<string, number | string>>;

function configOf(positionals: readonly string[]): Config {
  const name = positionals
    .map((text) => text.slice(text.lastIndexOf('/') + 1))
    .find((text) => Object.hasOwn(CONFIGS, text));
  return { ...DEFAULTS, ...(name ? CONFIGS[name] : {}) };
}

function readModel(reader: OptionReader, { draft }: ProgramContext, config: Config): void {
  const option = reader.options.find('init_from');
  const from = asText(option) ?? String(config['init_from'] ?? 'scratch');
  if (from.startsWith('gpt2')) {
    const model = { name: from, catalogId: null, config: null };
    if (option) draft.read('model', model, option.place);
    else draft.default('model', model, OF);
    return;
  }
  const size = (name: string): number => asCount(reader.options.find(name)) ?? Number(config[name]);
  const dimensions: Record<string, Json> = {
    model_type: 'gpt2',
    n_layer: size('n_layer'),
    n_head: size('n_head'),
    n_embd: size('n_embd'),
    n_positions: size('block_size'),
    vocab_size: 50304,
    activation_function: 'gelu',
  };
  const place = reader.options.find('n_embd', 'n_layer')?.place;
  const model = { name: 'nanoGPT by its dimensions', catalogId: null, config: dimensions };
  if (place) draft.read('model', model, place);
  else draft.default('model', model, OF);
}

function readSizes(reader: OptionReader, { draft }: ProgramContext, config: Config): void {
  reader.count('microBatchSize', 'batch_size');
  draft.default('microBatchSize', config['batch_size'], OF);
  reader.count('sequenceLength', 'block_size');
  draft.default('sequenceLength', config['block_size'], OF);
  readSteps(reader, draft, Number(config['gradient_accumulation_steps']));
}

/** Steps count those of all processes together (train.py divides them by WORLD_SIZE): they say how large a batch is. */
function readSteps({ options }: OptionReader, draft: RunDraft, usual: number): void {
  const option = options.find('gradient_accumulation_steps');
  const rows = Number(draft.value('microBatchSize')) || 1;
  const from = ['gradient_accumulation_steps', 'microBatchSize'];
  const evidence = { kind: 'derived' as const, from, rule: 'steps of all processes × rows of one' };
  const place = option?.place;
  draft.set('globalBatchSize', {
    value: (asCount(option) ?? usual) * rows,
    evidence: place ? { ...evidence, place } : evidence,
  });
}

function readHow(reader: OptionReader, { draft }: ProgramContext): void {
  reader.choice('precision', { bfloat16: 'amp-bf16', float16: 'amp-fp16', float32: 'tf32' } as const, 'dtype');
  draft.default('precision', 'amp-bf16', { ...OF, note: 'bfloat16 where the GPU has it' });
  const compile = reader.truth('compile', 'compile');
  if (compile) draft.read('compile', compile.value ? 'default' : 'none', compile.place);
  draft.default('compile', 'default', OF);
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('optimizer.implementation', 'fused', OF);
  draft.default('optimizer.weightDecay', 0.1, OF);
  draft.default('gradientClipping', true, OF);
  reader.number('dropout', 'dropout');
  draft.default('dropout', 0, OF);
}
