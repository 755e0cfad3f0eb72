import { TRAINER_STEP } from './steps.js';
import { ADAMW_WORDS, ATTENTION_WORDS } from './hf/trainer-options.js';
import { ON, plain, worded } from '../../run/program-options.js';
import { accelerateSays } from '../launchers/accelerate.js';
import { mergeSays } from '../launchers/peel.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { RunField } from '../../run/training-run.js';
import type { Option, Options } from '../options/option.js';
import { asBoolean, asText, asTexts } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import type { Invocation } from './invocation.js';
import { configFile } from './hf/command-line.js';
import { readLoraShape, readModelName } from './hf/model.js';
import { HF_OPTIMIZERS } from './hf/optimizers.js';
import { readTrainerSharding } from './hf/sharding.js';
import { ATTENTION } from './hf/training-arguments.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { readTrlOthers } from './trl-others.js';
import { nameProgram } from './program.js';

const MODULES: ReadonlySet<string> = new Set(['axolotl.cli.train', 'axolotl.cli.main', 'scripts.finetune']);
const OF = { of: 'axolotl' };

/** axolotl: `axolotl train CONFIG`, `accelerate launch -m axolotl.cli.train CONFIG`; any key can be a flag too. */
export const axolotl: TrainingProgram = {
  id: 'axolotl',
  name: 'axolotl',
  step: TRAINER_STEP,
  builtOn: ['transformers', 'axolotl'],
  options: {
    source: 'axolotl: utils/schemas/config.py, training.py, model.py, peft.py',
    writers: {
      microBatchSize: plain('micro_batch_size', 'key'),
      gradientAccumulationSteps: plain('gradient_accumulation_steps', 'key'),
      activationCheckpointing: worded('gradient_checkpointing', ON, 'key'),
      'optimizer.implementation': worded('optimizer', ADAMW_WORDS, 'key'),
      // Its keys count only where the plugin is loaded (src/axolotl/integrations/liger).
      loss: worded('liger_fused_linear_cross_entropy', ON, 'key'),
      kernels: worded('plugins', { liger: '[axolotl.integrations.liger.LigerPlugin]' }, 'key'),
      'peft.method': (_value, _run, others) => ({
        option: 'adapter',
        value: others.quantization === undefined ? 'lora' : 'qlora',
        style: 'key',
      }),
      'peft.rank': plain('lora_r', 'key'),
      'peft.targetModules': worded('lora_target_linear', { 'all-linear': 'true' }, 'key'),
      // Weights of 4 bits belong to another adapter: where one is named already, it would have to change with them.
      quantization: (value, _run, others) =>
        value === 'nf4-double' && others['peft.method'] !== undefined
          ? { option: 'load_in_4bit', value: 'true', style: 'key' }
          : null,
      attention: worded('attn_implementation', ATTENTION_WORDS, 'key'),
      sequenceLength: plain('sequence_len', 'key'),
    },
  },
  recognise: ({ kind, name, args }: Invocation): Recognition | null => {
    if (kind === 'module') return MODULES.has(name) ? 'name' : null;
    return kind === 'console' && name === 'axolotl' && args[0]?.text === 'train' ? 'name' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation, files } = context;
    const line = readCommandLine(invocation.args, {});
    const path = line.positionals.find((word) => word.text !== 'train');
    const config = path?.isResolved ? configFile(path.text, context) : undefined;
    const options = config ? line.options.over(config) : line.options;
    nameProgram(context, { name: 'axolotl', package: 'axolotl' });
    if (invocation.kind === 'console')
      context.says = mergeSays(context.says, accelerateSays(line.options, files, invocation.cwd));
    if (path && !options.has('base_model'))
      draft.leaveOpen(
        'model',
        `${draft.notes.at(-1) ?? `${path.text} does not name a base_model`}`,
        'model: google/gemma-3-4b-pt',
      );
    readConfig(new OptionReader(options, draft), context);
  },
};

/** Keys of the configuration (axolotl/utils/schemas/config.py, defaults of 0.19). */
function readConfig(reader: OptionReader, context: ProgramContext): void {
  const { draft } = context;
  readModelName(reader, draft, 'base_model');
  reader.choice(
    'task',
    {
      dpo: 'preference',
      ipo: 'preference',
      orpo: 'preference',
      kto: 'preference',
      simpo: 'preference',
      grpo: 'rl',
    } as const,
    'rl',
  );
  draft.default('task', 'causal-lm', OF);
  reader.count('microBatchSize', 'micro_batch_size');
  readBatchFallbacks(reader.options, context);
  reader.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
  reader.count('sequenceLength', 'sequence_len');
  if (reader.options.names().length > 0 && !draft.isOpen('sequenceLength')) draft.default('sequenceLength', 512, OF);
  reader.flag('packing', 'sample_packing');
  readAdapter(reader, context);
  readPrecision(reader, context);
  readTraining(reader, context);
  readKernels(reader.options, context);
  const rl = asText(reader.options.find('rl'));
  if (rl !== undefined) readTrlOthers(reader, context, rl);
}

/** Without its configuration nothing of the batch is known. */
function readBatchFallbacks(options: Options, { draft }: ProgramContext): void {
  if (options.has('base_model') && !draft.isOpen('microBatchSize')) draft.default('microBatchSize', 1, OF);
}

function readAdapter(reader: OptionReader, { draft }: ProgramContext): void {
  const adapter = reader.word('peft.method', { lora: 'lora', qlora: 'qlora' } as const, 'adapter');
  if (adapter) draft.read('peft.method', 'lora', adapter.place);
  const linear = reader.truth('peft.targetModules', 'lora_target_linear');
  if (linear?.value) draft.read('peft.targetModules', 'all-linear', linear.place);
  readLoraShape(reader, draft, { of: 'axolotl', rank: 8, dropout: 0 });
  const four = reader.truth('quantization', 'load_in_4bit');
  const eight = reader.truth('quantization', 'load_in_8bit');
  if (four?.value) draft.read('quantization', 'nf4-double', four.place);
  if (eight?.value) draft.read('quantization', 'int8', eight.place);
  if (adapter?.value === 'qlora') draft.read('quantization', 'nf4-double', adapter.place);
}

/** `bf16` is also the type that weights are loaded and trained in, unless FSDP or DeepSpeed hold fp32. */
function readPrecision(reader: OptionReader, context: ProgramContext): void {
  const { draft } = context;
  const { engine, precision } = readTrainerSharding(reader, context);
  if (precision) draft.read('precision', precision.value, precision.place);
  const on = { auto: 'bf16', true: 'bf16', full: 'bf16', false: 'fp32' } as const;
  const bf16 = reader.word('precision', on, 'bf16') ?? reader.word('precision', on, 'bfloat16');
  const fp16 = reader.truth('precision', 'fp16', 'float16');
  if (fp16?.value) draft.read('precision', 'amp-fp16', fp16.place);
  const upcast = engine === 'fsdp' && bf16?.value === 'bf16';
  if (bf16) draft.read('precision', upcast ? 'amp-bf16' : bf16.value, bf16.place);
  draft.default('precision', 'bf16', { ...OF, note: 'bf16 is auto' });
}

function readTraining(reader: OptionReader, { draft, versions }: ProgramContext): void {
  const optimizer = reader.word('optimizer.name', HF_OPTIMIZERS, 'optimizer');
  const [name, implementation] = optimizer?.value ?? ['adamw', 'fused'];
  if (optimizer) {
    draft.read('optimizer.name', name, optimizer.place);
    draft.read('optimizer.implementation', implementation, optimizer.place);
  }
  draft.default('optimizer.name', name, OF);
  draft.default('optimizer.implementation', implementation, { ...OF, version: versions.get('axolotl') });
  reader.number('optimizer.weightDecay', 'weight_decay');
  draft.default('gradientClipping', true, { of: 'transformers', note: 'max_grad_norm is 1.0' });
  const checkpointing = reader.word(
    'activationCheckpointing',
    { true: 'full', false: 'none', offload: 'full', offload_disk: 'full', unsloth: 'full' } as const,
    'gradient_checkpointing',
  );
  if (checkpointing) draft.read('activationCheckpointing', checkpointing.value, checkpointing.place);
  reader.flag('offload.activations', 'activation_offloading');
}

/** Switches of the attention, each by a key of its own. */
const ATTENTION_KEYS: readonly (readonly [string, string])[] = [
  ['flash_attention', 'flash-attention-2'],
  ['xformers_attention', 'xformers'],
  ['flex_attention', 'flex'],
  ['sdp_attention', 'sdpa'],
  ['eager_attention', 'eager'],
];

function readKernels(options: Options, context: ProgramContext): void {
  const { draft } = context;
  for (const [key, attention] of ATTENTION_KEYS) readSwitch(options.find(key), draft, ['attention', attention]);
  new OptionReader(options, draft).choice('attention', ATTENTION, 'attn_implementation');
  draft.default('attention', 'sdpa', { of: 'transformers' });
  readSwitch(options.find('liger_fused_linear_cross_entropy'), draft, ['loss', 'fused-linear']);
  readPlugins(options.find('plugins'), context);
  if (options.has('fsdp_config')) draft.default('parallelism.sharding', 'fsdp-full', OF);
}

function readSwitch(option: Option | undefined, draft: RunDraft, [field, value]: readonly [RunField, string]): void {
  if (asBoolean(option)) draft.read(field, value, option?.place ?? null);
}

function readPlugins(plugins: Option | undefined, { draft }: ProgramContext): void {
  const names = asTexts(plugins) ?? [];
  const place = plugins?.place ?? null;
  if (names.some((name) => name.includes('LigerPlugin'))) draft.read('kernels', ['liger'], place);
  if (names.some((name) => name.includes('CutCrossEntropy'))) draft.read('loss', 'fused-linear', place);
}
