import { assumeTaskByName } from '../task-by-name.js';
import type { CommandLine } from '../options/command-line.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { Options } from '../options/option.js';
import type { Invocation } from './invocation.js';
import { PEFT_LORA, readAdapterRank, readLora, readModelName, readQuantization } from './hf/model.js';
import { readAccelerateSharding } from './hf/sharding.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

/** Names that programs of all kinds give to one and the same thing. */
export const COMMON_NAMES = {
  model: [
    'model_name_or_path',
    'model_name',
    'model_id',
    'base_model',
    'model',
    'arch',
    'student_model',
    'backbone',
    'pretrained_model_name_or_path',
  ],
  batch: [
    'per_device_train_batch_size',
    'micro_batch_size',
    'train_batch_size',
    'batch_size',
    'batch_size_per_gpu',
    'batch_size_training',
    'bs',
  ],
  accumulation: ['gradient_accumulation_steps', 'grad_accum_steps', 'accumulation_steps', 'accum_iter'],
  sequence: [
    'max_seq_length',
    'max_seq_len',
    'sequence_length',
    'seq_length',
    'seq_len',
    'max_length',
    'context_length',
    'block_size',
    'model_max_length',
  ],
  image: ['image_size', 'img_size', 'imgsz', 'crop_size', 'resolution', 'input_size'],
  classes: ['num_classes', 'nb_classes', 'num_labels'],
} as const;

const OPTIMIZERS = {
  adam: 'adam',
  adamw: 'adamw',
  sgd: 'sgd',
  rmsprop: 'rmsprop',
  lamb: 'lamb',
  lion: 'lion',
  adafactor: 'adafactor',
  Adam: 'adam',
  AdamW: 'adamw',
  SGD: 'sgd',
} as const;
const PRECISIONS = {
  fp32: 'fp32',
  float32: 'fp32',
  no: 'fp32',
  '32': 'fp32',
  bf16: 'amp-bf16',
  bfloat16: 'amp-bf16',
  'bf16-mixed': 'amp-bf16',
  fp16: 'amp-fp16',
  float16: 'amp-fp16',
  '16-mixed': 'amp-fp16',
  '16': 'amp-fp16',
  fp8: 'fp8',
} as const;
const SHARDINGS = {
  full: 'fsdp-full',
  full_shard: 'fsdp-full',
  FULL_SHARD: 'fsdp-full',
  hybrid: 'hsdp',
  HYBRID_SHARD: 'hsdp',
  shard_grad_op: 'fsdp-grad-op',
  SHARD_GRAD_OP: 'fsdp-grad-op',
  fsdp: 'fsdp-full',
  ddp: 'ddp',
  no_shard: 'ddp',
} as const;

/**
 * A script of somebody's own whose flags have the names that everybody uses. What they mean is taken at their word; the
 * rest of the program is not known, which a note says.
 */
export const generic: TrainingProgram = {
  id: 'generic',
  name: 'script with common flags',
  step: null,
  builtOn: [],
  options: null,
  recognise(invocation: Invocation): Recognition | null {
    if (invocation.kind !== 'script') return null;
    const { options } = commandLine(invocation);
    return options.has(...COMMON_NAMES.model) && options.has(...COMMON_NAMES.batch) ? 'guess' : null;
  },
  read(context: ProgramContext): void {
    const { invocation, draft } = context;
    const guess = `${invocation.name} is not known: its flags are taken to mean what their names say, the rest is PyTorch's default`;
    nameProgram(context, { name: invocation.name, package: 'torch', guess });
    draft.note(guess);
    readCommonOptions(commandLine(invocation).options, context);
    assumeRest(context);
  },
};

const commandLine = ({ args }: Invocation): CommandLine => readCommandLine(args, {});

/** Reads options by the names that everybody uses, from flags or variables. */
export function readCommonOptions(options: Options, context: ProgramContext): void {
  const { draft } = context;
  const reader = new OptionReader(options, draft);
  readModelName(reader, draft, ...COMMON_NAMES.model);
  reader.count('microBatchSize', ...COMMON_NAMES.batch);
  reader.count('gradientAccumulationSteps', ...COMMON_NAMES.accumulation);
  reader.count('sequenceLength', ...COMMON_NAMES.sequence);
  reader.count('numClasses', ...COMMON_NAMES.classes);
  assumeTaskByName(draft);
  readImages(reader, context);
  readAdapterRank(options, draft);
  readLora(reader, draft, PEFT_LORA);
  readQuantization(reader, draft, 'nf4');
  readHow(reader, context);
}

/** What an unknown program does beside its flags may be one thing or another. */
export function assumeRest({ draft }: ProgramContext): void {
  const reason = 'the program is not known, and its flags do not say';
  draft.assume('precision', 'amp-bf16', reason, { low: 'bf16', high: 'fp32' });
  draft.assume('optimizer.name', 'adamw', reason);
  draft.assume('activationCheckpointing', 'none', reason, { low: 'full', high: 'none' });
  if (!draft.isOpen('parallelism.sharding'))
    draft.assume('parallelism.sharding', 'ddp', reason, { low: 'fsdp-full', high: 'ddp' });
}

function readImages(reader: OptionReader, { draft }: ProgramContext): void {
  const found = reader.options.find(...COMMON_NAMES.image);
  const size = Number(typeof found?.value === 'object' ? NaN : found?.value);
  if (found && Number.isSafeInteger(size) && size > 0) draft.read('imageSize', [size, size], found.place);
  const looksLikeImages = reader.options.has('arch', ...COMMON_NAMES.image) && !draft.has('sequenceLength');
  if (looksLikeImages) draft.assume('task', 'image-classification', 'its flags speak of images');
}

function readHow(reader: OptionReader, context: ProgramContext): void {
  const { draft } = context;
  reader.choice('parallelism.sharding', SHARDINGS, 'sharding_strategy', 'parallel_strategy', 'distributed_strategy');
  readAccelerateSharding(context);
  reader.choice('precision', PRECISIONS, 'precision', 'mixed_precision', 'dtype');
  const bf16 = reader.truth('precision', 'bf16', 'use_bf16');
  if (bf16?.value) draft.read('precision', 'amp-bf16', bf16.place);
  const amp = reader.truth('precision', 'fp16', 'amp', 'use_amp', 'use_fp16');
  if (amp?.value) draft.read('precision', 'amp-fp16', amp.place);
  reader.choice('optimizer.name', OPTIMIZERS, 'optimizer', 'opt', 'optim');
  reader.number('optimizer.momentum', 'momentum');
  reader.number('optimizer.weightDecay', 'weight_decay', 'wd');
  const checkpointing = reader.truth('activationCheckpointing', 'gradient_checkpointing', 'activation_checkpointing');
  if (checkpointing) draft.read('activationCheckpointing', checkpointing.value ? 'full' : 'none', checkpointing.place);
}
