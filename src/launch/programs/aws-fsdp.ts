import { plain, worded } from '../../run/program-options.js';
import type { Json } from '../../workload/workload.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import { asBoolean, asCount } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

/** awslabs/awsome-distributed-training, 3.test_cases/pytorch/FSDP/src (train.py, model_utils/arguments.py, train_utils.py). */
const SOURCE = 'awsome-distributed-training FSDP train.py';

/** Flags that name an architecture without naming a model. */
const OWN_FLAGS = ['hidden_width', 'num_layers', 'num_heads', 'max_context_width'];

/** Dimension flags, the field of `config.json` that each is, and the script's default (null: none). */
const DIMENSIONS: readonly (readonly [string, string, number | null])[] = [
  ['vocab_size', 'vocab_size', 50432],
  ['hidden_width', 'hidden_size', 768],
  ['intermediate_size', 'intermediate_size', 11008],
  ['num_layers', 'num_hidden_layers', 12],
  ['num_heads', 'num_attention_heads', 12],
  ['num_key_value_heads', 'num_key_value_heads', null],
  ['max_context_width', 'max_position_embeddings', 2048],
];

/** `--model_type` to the `model_type` of the configuration that the script builds. */
const TYPES: Readonly<Record<string, string>> = {
  gpt_neox: 'gpt_neox',
  llama_v2: 'llama',
  llama_v3: 'llama',
  mistral: 'mistral',
  mixtral: 'mixtral',
};

/** The FSDP example of AWS: an architecture given by its dimensions, always fed rows of 4096 tokens. */
export const awsFsdp: TrainingProgram = {
  id: 'aws-fsdp',
  name: 'AWS FSDP example',
  step: null,
  builtOn: ['transformers'],
  options: {
    source: 'aws-samples/awsome-distributed-training: FSDP/src/model_utils/arguments.py',
    writers: {
      microBatchSize: plain('--train_batch_size', 'joined'),
      activationCheckpointing: worded('--activation_checkpointing', { full: '1' }, 'joined'),
      'parallelism.sharding': worded('--sharding_strategy', { 'fsdp-full': 'full' }, 'joined'),
    },
  },
  recognise({ kind, args }: Invocation): Recognition | null {
    if (kind !== 'script') return null;
    const { options } = readCommandLine(args, {});
    return OWN_FLAGS.every((flag) => options.has(flag)) ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft } = context;
    const { options } = readCommandLine(context.invocation.args, {});
    const reader = new OptionReader(options, draft);
    nameProgram(context, { name: 'AWS FSDP example', package: 'torch' });
    readArchitecture(reader, context);
    draft.derive('task', 'causal-lm', ['program'], 'the example trains language models');
    reader.count('microBatchSize', 'train_batch_size');
    if (!draft.isOpen('microBatchSize')) draft.default('microBatchSize', 2, { of: SOURCE });
    readLength(reader, context);
    readSharding(reader, context);
    readMemoryOptions(reader, context);
  },
};

function readArchitecture(reader: OptionReader, { draft }: ProgramContext): void {
  const type = reader.word('model', TYPES, 'model_type') ?? { value: 'gpt_neox', place: null };
  const config: Record<string, Json> = { model_type: type.value, tie_word_embeddings: false };
  for (const dimension of DIMENSIONS) readDimension(dimension, reader, config, draft);
  if (draft.isOpen('model')) return;
  const place = reader.options.find('hidden_width')?.place ?? type.place;
  draft.read('model', { name: `${type.value} by its dimensions`, catalogId: null, config }, place);
}

function readDimension(
  [flag, key, otherwise]: (typeof DIMENSIONS)[number],
  reader: OptionReader,
  config: Record<string, Json>,
  draft: RunDraft,
): void {
  const option = reader.options.find(flag);
  const value = option ? asCount(option) : (otherwise ?? undefined);
  if (value !== undefined) config[key] = value;
  else if (option) draft.leaveOpen('model', option.unresolved ?? `--${flag} is no whole number`);
}

/** The data loader is built with its own default: rows of 4096 tokens, whatever `--max_context_width` says. */
function readLength(reader: OptionReader, { draft }: ProgramContext): void {
  draft.default('sequenceLength', 4096, { of: SOURCE, note: 'the data loader does not take --max_context_width' });
  const width = asCount(reader.options.find('max_context_width'));
  if (width !== undefined && width !== 4096)
    draft.note(`--max_context_width=${width} sets the positions only: the data loader cuts rows of 4096 tokens`);
  draft.default('packing', true, { of: SOURCE, note: 'texts are joined to full rows' });
}

function readSharding(reader: OptionReader, { draft }: ProgramContext): void {
  reader.choice('parallelism.sharding', { full: 'fsdp-full', hybrid: 'hsdp' } as const, 'sharding_strategy');
  draft.default('parallelism.sharding', 'fsdp-full', { of: SOURCE });
  draft.default('parallelism.fsdpVersion', 2, { of: SOURCE, note: 'fully_shard on each layer and on the model' });
  const offload = reader.options.find('cpu_offload');
  if (asBoolean(offload) !== undefined) {
    draft.read('offload.parameters', asBoolean(offload), offload?.place ?? null);
    draft.read('offload.optimizer', asBoolean(offload), offload?.place ?? null);
  }
}

function readMemoryOptions(reader: OptionReader, { draft }: ProgramContext): void {
  const bf16 = reader.truth('precision', 'bf16');
  if (bf16) draft.read('precision', bf16.value ? 'amp-bf16' : 'fp32', bf16.place);
  draft.default('precision', 'amp-bf16', { of: SOURCE, note: 'bf16 parameters in use, fp32 shards' });
  const checkpointing = reader.truth('activationCheckpointing', 'activation_checkpointing');
  if (checkpointing) draft.read('activationCheckpointing', checkpointing.value ? 'full' : 'none', checkpointing.place);
  draft.default('activationCheckpointing', 'full', { of: SOURCE });
  reader.flag('offload.activations', 'offload_activations');
  draft.default('optimizer.name', 'adamw', { of: SOURCE });
  draft.default('optimizer.implementation', 'foreach', { of: 'torch' });
  reader.number('optimizer.weightDecay', 'weight_decay');
  draft.default('optimizer.weightDecay', 0.2, { of: SOURCE });
  draft.default('gradientClipping', true, { of: SOURCE });
  draft.default('gradientAccumulationSteps', 1, { of: SOURCE });
  draft.default('attention', 'sdpa', { of: 'transformers' });
}
