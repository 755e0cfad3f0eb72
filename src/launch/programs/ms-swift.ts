import { ON, plain, worded } from '../../run/program-options.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount, asText } from '../options/option.js';
import { mergeSays } from '../launchers/peel.js';
import { environmentOption, saidCount } from '../launchers/launcher.js';
import { hfOptions } from './hf/command-line.js';
import { readLoraShape, readModelName } from './hf/model.js';
import { ATTENTION, readTrainingArguments } from './hf/training-arguments.js';
import { TRAINER_OPTIONS } from './hf/trainer-options.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { TRAINER_STEP } from './steps.js';
import { readTrlOthers } from './trl-others.js';

const OF = { of: 'ms-swift' };
const VERBS: ReadonlySet<string> = new Set(['sft', 'pt', 'rlhf']);
const RLHF = {
  dpo: 'preference',
  orpo: 'preference',
  simpo: 'preference',
  kto: 'preference',
  cpo: 'preference',
  rm: 'sequence-classification',
  ppo: 'rl',
  grpo: 'rl',
  gkd: 'distillation',
} as const;
const ZERO = {
  zero0: 'ddp',
  zero1: 'zero1',
  zero2: 'zero2',
  zero2_offload: 'zero2',
  zero3: 'zero3',
  zero3_offload: 'zero3',
} as const;
/** Samples of a step that are aimed at where no accumulation is given (swift/trainers/arguments.py). */
const AIM = 16;

/** ms-swift: `swift sft|pt|rlhf`, the Trainer's arguments with LoRA as the default. */
export const msSwift: TrainingProgram = {
  id: 'ms-swift',
  name: 'ms-swift',
  step: TRAINER_STEP,
  builtOn: ['transformers', 'peft', 'trl'],
  options: {
    source: 'ms-swift 4: arguments',
    writers: {
      ...TRAINER_OPTIONS.writers,
      'peft.rank': plain('--lora_rank'),
      quantization: worded('--quant_bits', { 'nf4-double': '4' }),
      attention: worded('--attn_impl', { sdpa: 'sdpa', 'flash-attention-2': 'flash_attn' }),
      sequenceLength: plain('--max_length'),
      loss: worded('--use_liger_kernel', ON),
    },
  },
  recognise: (invocation: Invocation): Recognition | null => (verbOf(invocation) === null ? null : 'name'),
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const verb = verbOf(invocation) ?? 'sft';
    const reader = new OptionReader(hfOptions(context), draft);
    nameProgram(context, { name: `ms-swift ${verb}`, package: 'ms-swift' });
    startProcesses(context);
    readModelName(reader, draft, 'model', 'model_id_or_path', 'model_type');
    if (verb === 'rlhf') reader.choice('task', RLHF, 'rlhf_type');
    draft.default('task', verb === 'rlhf' ? 'preference' : 'causal-lm', OF);
    readAdapter(reader, context);
    readSizes(reader, context);
    readTrainingArguments(reader, context, { of: 'ms-swift', checkpointing: true, bf16: true });
    if (verb === 'rlhf') readTrlOthers(reader, context, asText(reader.options.find('rlhf_type')) ?? 'dpo');
  },
};

function verbOf({ kind, name, args }: Invocation): string | null {
  const said = kind === 'console' && name === 'swift' ? args[0]?.text : undefined;
  if (said !== undefined) return VERBS.has(said) ? said : null;
  const last = name.split('.').at(-1) ?? '';
  return kind === 'module' && name.startsWith('swift.cli.') && VERBS.has(last) ? last : null;
}

/** NPROC_PER_NODE and NNODES start torchrun; without them it is one process. */
function startProcesses(context: ProgramContext): void {
  const { env } = context.invocation;
  if (context.launchers.length > 0) return;
  const processesPerNode = saidCount(environmentOption(env, 'NPROC_PER_NODE')) ?? { value: 1, place: null };
  context.says = mergeSays(context.says, { processesPerNode, nodes: saidCount(environmentOption(env, 'NNODES')) });
}

function readAdapter(reader: OptionReader, { draft }: ProgramContext): void {
  const METHODS = { lora: 'lora', full: 'none', ia3: 'ia3' } as const;
  reader.choice('peft.method', METHODS, 'tuner_type', 'train_type', 'sft_type');
  draft.default('peft.method', 'lora', OF);
  const isAdapted = draft.value('peft.method') === 'lora';
  if (isAdapted && !reader.options.has('target_modules')) draft.default('peft.targetModules', 'all-linear', OF);
  readLoraShape(reader, draft, { ...OF, rank: 8, dropout: 0.05 });
  reader.choice('quantization', { '4': 'nf4-double', '8': 'int8' } as const, 'quant_bits', 'quantization_bit');
}

function readSizes(reader: OptionReader, { draft }: ProgramContext): void {
  const batch = asCount(reader.options.find('per_device_train_batch_size', 'batch_size'));
  reader.count('microBatchSize', 'batch_size');
  if (batch === undefined) draft.default('microBatchSize', 1, OF);
  reader.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
  draft.default('gradientAccumulationSteps', Math.max(1, Math.ceil(AIM / (batch ?? 1))), {
    ...OF,
    note: `about ${AIM} samples a step`,
  });
  reader.count('sequenceLength', 'max_length');
  if (!reader.options.has('max_length'))
    draft.leaveOpen(
      'sequenceLength',
      'without --max_length texts are cut at what the model takes',
      'sequenceLength: 4096',
    );
  reader.flag('packing', 'packing', 'padding_free');
  reader.choice('attention', { ...ATTENTION, flash_attn: 'flash-attention-2' }, 'attn_impl');
  const named = asText(reader.options.find('deepspeed'));
  if (named === undefined || !Object.hasOwn(ZERO, named)) return;
  const place = reader.options.find('deepspeed')?.place ?? null;
  draft.read('parallelism.sharding', ZERO[named as keyof typeof ZERO], place);
  if (named.endsWith('offload')) draft.read('offload.optimizer', true, place);
  if (named === 'zero3_offload') draft.read('offload.parameters', true, place);
}
