import { plain, worded } from '../../run/program-options.js';
import { OptionReader } from '../options/option-reader.js';
import { asBoolean } from '../options/option.js';
import { configFile, hfOptions } from './hf/command-line.js';
import { readLoraShape, readModelName } from './hf/model.js';
import { readTrainingArguments } from './hf/training-arguments.js';
import { TRAINER_OPTIONS } from './hf/trainer-options.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { TRAINER_STEP } from './steps.js';

const OF = { of: 'fms-hf-tuning' };
const SCRIPTS: ReadonlySet<string> = new Set(['sft_trainer.py', 'accelerate_launch.py']);
const CONFIG_VARIABLES = ['SFT_TRAINER_CONFIG_JSON_PATH', 'SFT_TRAINER_CONFIG_JSON_ENV_VAR'] as const;

/** IBM's fms-hf-tuning: `tuning/sft_trainer.py`, or a JSON file named by a variable. */
export const fmsHfTuning: TrainingProgram = {
  id: 'fms-hf-tuning',
  name: 'fms-hf-tuning',
  step: TRAINER_STEP,
  builtOn: ['transformers', 'peft', 'trl'],
  options: {
    source: 'fms-hf-tuning: tuning/config/configs.py, peft_config.py',
    adapters: { dropout: 0.05, targetModules: null },
    writers: {
      ...TRAINER_OPTIONS.writers,
      'peft.method': worded('--peft_method', { lora: 'lora' }),
      'peft.rank': plain('--r'),
      sequenceLength: plain('--max_seq_length'),
    },
  },
  recognise({ kind, name, env }: Invocation): Recognition | null {
    if (kind === 'module') return name === 'tuning.sft_trainer' ? 'name' : null;
    if (kind === 'script' && SCRIPTS.has(name)) return 'script';
    return CONFIG_VARIABLES.some((variable) => env.has(variable)) ? 'name' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const path = invocation.env.get(CONFIG_VARIABLES[0]);
    const options = path?.isResolved ? hfOptions(context).over(configFile(path.text, context)) : hfOptions(context);
    const reader = new OptionReader(options, draft);
    nameProgram(context, { name: 'fms-hf-tuning', package: 'fms-hf-tuning' });
    if (invocation.env.has(CONFIG_VARIABLES[1]))
      draft.leaveOpen('model', `${CONFIG_VARIABLES[1]} holds the configuration in base64, which is not decoded`);
    readModelName(reader, draft, 'model_name_or_path');
    draft.derive('task', 'causal-lm', ['program'], 'fms-hf-tuning tunes language models');
    readAdapter(reader, context);
    reader.count('sequenceLength', 'max_seq_length');
    draft.default('sequenceLength', 4096, OF);
    reader.flag('packing', 'packing');
    readAttention(reader, context);
    if (!options.has('torch_dtype')) draft.default('precision', 'bf16', { ...OF, note: 'torch_dtype is bfloat16' });
    readTrainingArguments(reader, context, { of: 'fms-hf-tuning' });
  },
};

function readAdapter(reader: OptionReader, { draft }: ProgramContext): void {
  const METHODS = { lora: 'lora', alora: 'lora', pt: 'prompt', none: 'none' } as const;
  reader.choice('peft.method', METHODS, 'peft_method');
  readLoraShape(reader, draft, { ...OF, rank: 8, dropout: 0.05 });
  const fourBit = reader.options.find('bitsandbytes');
  if (fourBit) draft.read('quantization', 'nf4', fourBit.place);
}

function readAttention({ options }: OptionReader, { draft }: ProgramContext): void {
  const flash = options.find('use_flash_attn');
  if (asBoolean(flash) === false) draft.read('attention', 'sdpa', flash?.place ?? null);
  draft.default('attention', 'flash-attention-2', { ...OF, note: 'use_flash_attn is on' });
}
