import { TRAINER_STEP } from './steps.js';
import { ATTENTION_WORDS, TRAINER_OPTIONS } from './hf/trainer-options.js';
import { ON, plain, worded } from '../../run/program-options.js';
import type { Task } from '../../run/training-run.js';
import { accelerateSays } from '../launchers/accelerate.js';
import { mergeSays } from '../launchers/peel.js';
import { OptionReader } from '../options/option-reader.js';
import { asBoolean, asText } from '../options/option.js';
import type { Options } from '../options/option.js';
import type { Invocation } from './invocation.js';
import { hfOptions } from './hf/command-line.js';
import { readLora, readModelName, readQuantization, TRL_LORA } from './hf/model.js';
import { readTrainingArguments } from './hf/training-arguments.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { pairsAnswers } from './beside.js';
import { trainerDefaults } from './trl-defaults.js';
import { readAnswerLength } from './trl-lengths.js';
import { readTrlLoss } from './trl-loss.js';
import { readTrlOthers } from './trl-others.js';
import { nameProgram } from './program.js';

interface Trainer {
  task: Task;
  /** Rows of one forward pass for each row of the batch: chosen and rejected answers run together. */
  rows: 1 | 2;
  lengths: readonly string[];
}

const PREFERENCE: Trainer = { task: 'preference', rows: 2, lengths: ['max_length'] };

/** The trainers of TRL, by the name of their script and command (trl/scripts, trl/trainer). */
const TRAINERS: Readonly<Record<string, Trainer>> = {
  sft: { task: 'causal-lm', rows: 1, lengths: ['max_length', 'max_seq_length'] },
  dpo: PREFERENCE,
  orpo: PREFERENCE,
  cpo: PREFERENCE,
  kto: { task: 'preference', rows: 1, lengths: ['max_length'] },
  reward: { task: 'sequence-classification', rows: 2, lengths: ['max_length'] },
  grpo: { task: 'rl', rows: 1, lengths: [] },
  rloo: { task: 'rl', rows: 1, lengths: [] },
  ppo: { task: 'rl', rows: 1, lengths: [] },
  gkd: { task: 'distillation', rows: 1, lengths: ['max_length', 'max_seq_length'] },
  online_dpo: { task: 'preference', rows: 2, lengths: ['max_length'] },
};

const MODULE = 'trl.scripts.';

/** TRL's `trl` command and its scripts. */
export const trl: TrainingProgram = {
  id: 'trl',
  name: 'TRL',
  step: TRAINER_STEP,
  builtOn: ['transformers', 'trl'],
  options: {
    source: 'trl 1.15: scripts, trainer/*_config.py, trainer/model_config.py',
    adapters: { dropout: TRL_LORA.dropout, targetModules: null },
    writers: {
      ...TRAINER_OPTIONS.writers,
      'peft.method': worded('--use_peft', ON),
      'peft.rank': plain('--lora_r'),
      'peft.targetModules': worded('--lora_target_modules', { 'all-linear': 'all-linear' }),
      quantization: worded('--load_in_4bit', ON),
      attention: worded('--attn_implementation', ATTENTION_WORDS),
      // What is generated is as long as prompt and answer are allowed to be, which are two options of their own.
      sequenceLength: (value, run, others) =>
        run.task.value === 'rl' ? null : plain('--max_length')(value, run, others),
    },
  },
  recognise(invocation: Invocation): Recognition | null {
    const verb = verbOf(invocation);
    if (verb === null || !Object.hasOwn(TRAINERS, verb)) return null;
    return invocation.kind === 'script' ? 'script' : 'name';
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const verb = verbOf(invocation) ?? 'sft';
    const options = hfOptions(context);
    if (invocation.kind !== 'script') launchItself(options, context);
    const reader = new OptionReader(options, draft);
    nameProgram(context, { name: `TRL ${verb}`, package: 'trl' });
    readModelName(reader, draft, 'model_name_or_path', 'model');
    readTrainer(reader, context, verb);
    readLora(reader, draft, TRL_LORA);
    readQuantization(reader, draft, 'nf4');
    readTrainingArguments(reader, context, trainerDefaults(context));
    readTrlOthers(reader, context, verb);
  },
};

function verbOf({ kind, name, args }: Invocation): string | null {
  if (kind === 'console' && name === 'trl') return args[0]?.text ?? null;
  if (kind === 'module') return name.startsWith(MODULE) ? name.slice(MODULE.length) : null;
  return kind === 'script' && name.endsWith('.py') ? name.slice(0, -3) : null;
}

/** `trl sft` starts accelerate; named configurations ship in trl/accelerate_configs. */
function launchItself(options: Options, context: ProgramContext): void {
  const { files, invocation, draft } = context;
  context.says = mergeSays(context.says, accelerateSays(options, files, invocation.cwd));
  const named = options.find('accelerate_config');
  const sharding = NAMED_CONFIGS[asText(named) ?? ''];
  if (named && sharding) draft.read('parallelism.sharding', sharding, named.place);
}

const NAMED_CONFIGS: Readonly<Record<string, string>> = {
  single_gpu: 'none',
  multi_gpu: 'ddp',
  fsdp1: 'fsdp-full',
  fsdp2: 'fsdp-full',
  zero1: 'zero1',
  zero2: 'zero2',
  zero3: 'zero3',
};

function readTrainer(reader: OptionReader, context: ProgramContext, verb: string): void {
  const { draft } = context;
  const trainer = TRAINERS[verb];
  if (!trainer) return;
  draft.derive('task', trainer.task, ['program'], `trl ${verb} trains for ${trainer.task}`);
  if (trainer.lengths.length === 0) readAnswerLength(reader, context, verb);
  reader.count('sequenceLength', ...trainer.lengths);
  if (!draft.isOpen('sequenceLength'))
    draft.default('sequenceLength', 1024, { of: 'trl', version: context.versions.get('trl') });
  if (trainer.rows === 2) pairsAnswers(draft);
  const packing = reader.options.find('packing');
  if (asBoolean(packing) !== undefined) draft.read('packing', asBoolean(packing), packing?.place ?? null);
  reader.flag('offload.activations', 'activation_offloading');
  readTrlLoss(reader, context, verb);
}
