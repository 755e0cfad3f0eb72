import { TRAINER_STEP } from './steps.js';
import { TRAINER_OPTIONS } from './hf/trainer-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { Invocation } from './invocation.js';
import { hfOptions } from './hf/command-line.js';
import { PEFT_LORA, readAdapterRank, readLora, readModelName, readQuantization } from './hf/model.js';
import { readTrainingArguments } from './hf/training-arguments.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

/** Flags that only TrainingArguments has (transformers/training_args.py). */
const OWN_FLAGS = [
  'per_device_train_batch_size',
  'per_gpu_train_batch_size',
  'per_device_eval_batch_size',
  'gradient_accumulation_steps',
  'lr_scheduler_type',
  'save_total_limit',
  'evaluation_strategy',
  'num_train_epochs',
];

/** Names that scripts of their own give to the length and the model; none of them is the Trainer's. */
const LENGTHS = [
  'max_seq_length',
  'model_max_length',
  'max_length',
  'block_size',
  'cutoff_len',
  'max_seq_len',
  'seq_length',
  'sequence_length',
  'max_source_length',
];
const MODELS = [
  'model_name_or_path',
  'model_name',
  'model_id',
  'base_model',
  'model_path',
  'model',
  'pretrained_model',
];

/** Any script that takes the Trainer's arguments on its command line. */
export const hfTrainer: TrainingProgram = {
  id: 'hf-trainer',
  name: 'script with Hugging Face TrainingArguments',
  step: TRAINER_STEP,
  builtOn: ['transformers'],
  options: { ...TRAINER_OPTIONS, isOwnScript: true },
  recognise({ kind, args }: Invocation): Recognition | null {
    if (kind !== 'script' && kind !== 'module') return null;
    const { options } = readCommandLine(args, { values: 'all' });
    return OWN_FLAGS.filter((flag) => options.has(flag)).length >= 2 || options.has(OWN_FLAGS[0] as string)
      ? 'flags'
      : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(hfOptions(context), draft);
    const guess = `${invocation.name} is not known, only that it takes the Trainer's arguments: what else it does to the model is not seen`;
    nameProgram(context, { name: `${invocation.name} (Hugging Face Trainer)`, package: 'transformers', guess });
    readModelName(reader, draft, ...MODELS);
    readAdapterRank(reader.options, draft);
    readLora(reader, draft, PEFT_LORA);
    readQuantization(reader, draft, 'fp4');
    reader.count('sequenceLength', ...LENGTHS);
    reader.flag('packing', 'packing');
    readTrainingArguments(reader, context, { of: 'transformers' });
  },
};
