import { plain } from '../../run/program-options.js';
import { OptionReader } from '../options/option-reader.js';
import { asBoolean } from '../options/option.js';
import { hfOptions } from './hf/command-line.js';
import { readModelName } from './hf/model.js';
import { HF_OPTIMIZERS } from './hf/optimizers.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { assumeUnslothLoss, UNSLOTH_TARGETS } from './python-unsloth.js';
import { TRAINER_STEP } from './steps.js';

const OF = { of: 'unsloth' };

/** `unsloth-cli.py` and `unsloth train`: QLoRA with a checkpoint of Unsloth's own and 8-bit AdamW by default. */
export const unslothCli: TrainingProgram = {
  id: 'unsloth-cli',
  name: 'unsloth-cli.py',
  step: TRAINER_STEP,
  builtOn: ['transformers', 'trl', 'peft', 'bitsandbytes', 'unsloth'],
  options: {
    source: 'unsloth: unsloth-cli.py',
    writers: {
      microBatchSize: plain('--per_device_train_batch_size'),
      gradientAccumulationSteps: plain('--gradient_accumulation_steps'),
      sequenceLength: plain('--max_seq_length'),
      'peft.rank': plain('--r'),
    },
  },
  recognise({ kind, name, args }: Invocation): Recognition | null {
    if (kind === 'script') return name === 'unsloth-cli.py' ? 'name' : null;
    return kind === 'console' && name === 'unsloth' && args[0]?.text === 'train' ? 'name' : null;
  },
  read(context: ProgramContext): void {
    const { draft } = context;
    const reader = new OptionReader(hfOptions(context), draft);
    nameProgram(context, { name: 'Unsloth', package: 'unsloth' });
    readModelName(reader, draft, 'model_name', 'model');
    draft.derive('task', 'causal-lm', ['program'], 'unsloth-cli tunes language models');
    reader.count('microBatchSize', 'per_device_train_batch_size', 'batch_size');
    draft.default('microBatchSize', 2, OF);
    reader.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
    draft.default('gradientAccumulationSteps', 4, OF);
    reader.count('sequenceLength', 'max_seq_length');
    draft.default('sequenceLength', 2048, OF);
    readAdapter(reader, context);
    readHow(reader, context);
  },
};

function readAdapter(reader: OptionReader, { draft }: ProgramContext): void {
  draft.derive('peft.method', 'lora', ['program'], 'unsloth-cli trains adapters');
  reader.count('peft.rank', 'r', 'lora_r');
  draft.default('peft.rank', 16, OF);
  reader.number('peft.dropout', 'lora_dropout');
  draft.default('peft.targetModules', UNSLOTH_TARGETS, OF);
  const four = reader.options.find('load_in_4bit');
  if (asBoolean(four) === false) draft.read('quantization', 'none', four?.place ?? null);
  if (four) draft.read('quantization', 'nf4-double', four.place);
  draft.default('quantization', 'nf4-double', { ...OF, note: 'load_in_4bit of from_pretrained' });
}

function readHow(reader: OptionReader, { draft }: ProgramContext): void {
  const optimizer = reader.word('optimizer.name', HF_OPTIMIZERS, 'optim');
  if (optimizer) draft.read('optimizer.name', optimizer.value[0], optimizer.place);
  if (optimizer) draft.read('optimizer.implementation', optimizer.value[1], optimizer.place);
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('optimizer.implementation', '8bit', { ...OF, note: 'adamw_8bit' });
  draft.default('precision', 'bf16', { ...OF, note: 'bf16 where the device has it' });
  const checkpointing = reader.options.find('use_gradient_checkpointing');
  if (asBoolean(checkpointing) === false) draft.read('activationCheckpointing', 'none', checkpointing?.place ?? null);
  draft.default('activationCheckpointing', 'full', { ...OF, note: 'unsloth' });
  draft.default('offload.activations', true, { ...OF, note: "checkpoints of 'unsloth' go to the CPU" });
  assumeUnslothLoss(draft);
  draft.default('kernels', ['unsloth'], OF);
  draft.default('gradientClipping', true, { of: 'transformers', note: 'max_grad_norm is 1.0' });
}
