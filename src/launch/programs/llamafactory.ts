import { TRAINER_STEP } from './steps.js';
import { ADAMW_WORDS } from './hf/trainer-options.js';
import { ON, plain, worded } from '../../run/program-options.js';
import { mergeSays } from '../launchers/peel.js';
import { environmentOption, saidCount } from '../launchers/launcher.js';
import { OptionReader } from '../options/option-reader.js';
import type { Option } from '../options/option.js';
import { Options, textOption, asText } from '../options/option.js';
import { defaultOf } from '../versions.js';
import type { Invocation } from './invocation.js';
import { configFile, hfOptions } from './hf/command-line.js';
import { readLoraShape, readModelName } from './hf/model.js';
import { readTrainingArguments } from './hf/training-arguments.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { readTrlOthers } from './trl-others.js';
import { nameProgram, versionedDefault } from './program.js';

const OF = { of: 'llamafactory' };

/** Names of the command line, as a console script and as a module. */
const CLI: ReadonlySet<string> = new Set(['llamafactory-cli', 'lmf', 'llamafactory.cli']);

/** LLaMA-Factory: `llamafactory-cli train FILE [key=value …]`, or its flags. */
export const llamafactory: TrainingProgram = {
  id: 'llamafactory',
  name: 'LLaMA-Factory',
  step: TRAINER_STEP,
  builtOn: ['transformers'],
  options: {
    source: 'LLaMA-Factory 0.9: hparams/finetuning_args.py, model_args.py, data_args.py',
    writers: {
      microBatchSize: plain('per_device_train_batch_size', 'key'),
      gradientAccumulationSteps: plain('gradient_accumulation_steps', 'key'),
      activationCheckpointing: worded('disable_gradient_checkpointing', { full: 'false' }, 'key'),
      'optimizer.implementation': worded('optim', ADAMW_WORDS, 'key'),
      loss: worded('enable_liger_kernel', ON, 'key'),
      'peft.method': worded('finetuning_type', { lora: 'lora' }, 'key'),
      'peft.rank': plain('lora_rank', 'key'),
      quantization: worded('quantization_bit', { 'nf4-double': '4' }, 'key'),
      attention: worded('flash_attn', { sdpa: 'sdpa', 'flash-attention-2': 'fa2' }, 'key'),
      sequenceLength: plain('cutoff_len', 'key'),
    },
  },
  recognise(invocation: Invocation): Recognition | null {
    const { kind, name, args, written } = invocation;
    if (kind === 'script') return name === 'train_bash.py' || written.text.includes('LLaMA-Factory') ? 'script' : null;
    return CLI.has(name) && args[0]?.text === 'train' ? 'name' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(optionsOf(context), draft);
    nameProgram(context, { name: 'LLaMA-Factory', package: 'llamafactory' });
    if (invocation.kind !== 'script') startTorchrun(context);
    readModelName(reader, draft, 'model_name_or_path');
    reader.choice(
      'task',
      {
        pt: 'causal-lm',
        sft: 'causal-lm',
        rm: 'sequence-classification',
        dpo: 'preference',
        kto: 'preference',
        ppo: 'rl',
      } as const,
      'stage',
    );
    draft.default('task', 'causal-lm', OF);
    readLength(reader, context);
    readTuning(reader, context);
    readAttention(reader);
    readCheckpointing(reader, context);
    readTrainingArguments(reader, context, OF);
    const stage = asText(reader.options.find('stage'));
    if (stage !== undefined) readTrlOthers(reader, context, stage);
  },
};

/** The file that the first word names, with `key=value` words over it; without a file flags. */
function optionsOf(context: ProgramContext): Options {
  const words = context.invocation.args.filter((word) => word.text !== 'train');
  const [file, ...overrides] = words;
  if (!file || file.text.startsWith('-'))
    return hfOptions({ ...context, invocation: { ...context.invocation, args: words } });
  const options: Option[] = overrides.flatMap((word) => {
    const equals = word.text.indexOf('=');
    return equals > 0 ? [textOption(word.text.slice(0, equals), word.slice(equals + 1))] : [];
  });
  return new Options(options).over(configFile(file.text, context));
}

/** The CLI starts torchrun itself on all GPUs where there are several, by NNODES and NPROC_PER_NODE. */
function startTorchrun(context: ProgramContext): void {
  const { env } = context.invocation;
  const nodes = saidCount(environmentOption(env, 'NNODES'));
  const processes = saidCount(environmentOption(env, 'NPROC_PER_NODE'));
  context.says = mergeSays(context.says, {
    processesPerNode: processes ?? { value: 'gpu', place: null },
    ...(nodes ? { nodes } : {}),
  });
}

function readLength(reader: OptionReader, context: ProgramContext): void {
  reader.count('sequenceLength', 'cutoff_len');
  const length = defaultOf(
    [
      ['0', 1024],
      ['0.9.2', 2048],
    ] as const,
    context.versions.get('llamafactory'),
  );
  if (!context.draft.isOpen('sequenceLength'))
    versionedDefault<number>(context, 'sequenceLength', { ...length, ...OF });
  reader.flag('packing', 'packing');
}

/** LoRA on every linear layer unless `finetuning_type` says otherwise; 4 bit is nf4 with double quantization. */
function readTuning(reader: OptionReader, { draft }: ProgramContext): void {
  reader.choice('peft.method', { lora: 'lora', full: 'none', freeze: 'frozen-backbone' } as const, 'finetuning_type');
  draft.default('peft.method', 'lora', OF);
  if (draft.value('peft.method') === 'lora' && !reader.options.has('lora_target'))
    draft.default('peft.targetModules', 'all-linear', OF);
  readLoraShape(reader, draft, { of: 'llamafactory', rank: 8, dropout: 0 });
  reader.choice('quantization', { '4': 'nf4-double', '8': 'int8' } as const, 'quantization_bit');
  const pure = reader.truth('precision', 'pure_bf16');
  if (pure?.value) draft.read('precision', 'bf16', pure.place);
}

function readAttention(reader: OptionReader): void {
  reader.choice(
    'attention',
    { disabled: 'eager', sdpa: 'sdpa', fa2: 'flash-attention-2', fa3: 'flash-attention-3' } as const,
    'flash_attn',
  );
}

/** Checkpointing is on unless it is disabled. */
function readCheckpointing(reader: OptionReader, { draft }: ProgramContext): void {
  const off = reader.truth('activationCheckpointing', 'disable_gradient_checkpointing');
  if (off) draft.read('activationCheckpointing', off.value ? 'none' : 'full', off.place);
  draft.default('activationCheckpointing', 'full', OF);
  const liger = reader.truth('kernels', 'enable_liger_kernel');
  if (liger?.value) {
    draft.read('kernels', ['liger'], liger.place);
    draft.read('loss', 'fused-linear', liger.place);
  }
}
