import { plain, worded } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount } from '../options/option.js';
import { ATTENTION } from './hf/training-arguments.js';
import { readModelName } from './hf/model.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_KEPT } from './steps.js';

const OF = { of: 'openrlhf' };
const MODULE = 'openrlhf.cli.train_';

/** Commands: task, rows and length where nothing is said (openrlhf/cli/train_*.py; dotted flags from 0.10). */
const COMMANDS = {
  sft: { task: 'causal-lm', batch: 8, length: 2048 },
  dpo: { task: 'preference', batch: 8, length: 512 },
  kto: { task: 'preference', batch: 8, length: 512 },
  rm: { task: 'sequence-classification', batch: 8, length: 512 },
  ppo: { task: 'rl', batch: 1, length: 2048 },
  ppo_ray: { task: 'rl', batch: 1, length: 2048 },
} as const;

type Command = keyof typeof COMMANDS;
const isCommand = (name: string): name is Command => Object.hasOwn(COMMANDS, name);

const SWITCHES: ReadonlySet<string> = new Set([
  'bf16',
  'flash_attn',
  'gradient_checkpointing',
  'model.gradient_checkpointing_enable',
  'actor.gradient_checkpointing_enable',
  'adam_offload',
  'ds.adam_offload',
  'load_in_4bit',
  'ds.load_in_4bit',
  'packing_samples',
  'ds.packing_samples',
  'use_liger_kernel',
  'ds.use_liger_kernel',
  'enable_ema',
  'train.enable_ema',
  'apply_chat_template',
  'colocate_all_models',
  'train.colocate_all',
  'colocate_actor_ref',
  'train.colocate_actor_ref',
  'ref_offload',
  'vllm_enable_sleep',
  'vllm.enable_sleep',
]);

/** OpenRLHF: `deepspeed --module openrlhf.cli.train_sft …`; PPO holds further models beside the one that is read. */
export const openrlhf: TrainingProgram = {
  id: 'openrlhf',
  name: 'OpenRLHF',
  step: OUTPUTS_KEPT,
  builtOn: ['transformers', 'deepspeed'],
  options: {
    source: 'openrlhf 0.9: cli/train_sft.py, train_dpo.py',
    writers: {
      microBatchSize: plain('--micro_train_batch_size'),
      sequenceLength: plain('--max_len'),
      activationCheckpointing: worded('--gradient_checkpointing', { full: '' }),
      'peft.rank': plain('--lora_rank'),
      quantization: worded('--load_in_4bit', { nf4: '' }),
      'parallelism.sharding': worded('--zero_stage', { zero2: '2', zero3: '3' }),
      'offload.optimizer': worded('--adam_offload', { true: '' }),
    },
  },
  recognise: (invocation: Invocation): Recognition | null => {
    if (commandOf(invocation) === null) return null;
    return invocation.kind === 'module' ? 'name' : 'script';
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const command = commandOf(invocation) ?? 'sft';
    const { options } = readCommandLine(invocation.args, { switches: SWITCHES });
    const reader = new OptionReader(options, draft);
    nameProgram(context, { name: `OpenRLHF ${command}`, package: 'openrlhf' });
    readModelName(reader, draft, 'pretrain', 'model.model_name_or_path', 'actor.model_name_or_path');
    draft.derive('task', COMMANDS[command].task, ['program'], `what train_${command} trains`);
    if (COMMANDS[command].task === 'rl') noteRoles(reader, context);
    readSizes(reader, context, command);
    readSharding(reader, context);
    readHow(reader, context);
  },
};

function commandOf({ kind, name }: Invocation): Command | null {
  const text =
    kind === 'module' && name.startsWith(MODULE)
      ? name.slice(MODULE.length)
      : kind === 'script' && name.startsWith('train_') && name.endsWith('.py')
        ? name.slice('train_'.length, -'.py'.length)
        : '';
  return isCommand(text) ? text : null;
}

/** Which models share the devices decides the memory; the contract describes one model that is trained. */
function noteRoles({ options }: OptionReader, { draft }: ProgramContext): void {
  const colocated = options.has('colocate_all_models', 'train.colocate_all');
  const engine = options.has('vllm_num_engines', 'vllm.num_engines') ? ', vLLM engines that generate' : '';
  const where = colocated ? 'on the same devices' : 'on devices of their own unless colocated';
  const roles = `actor and critic are trained, reference and reward model are held${engine}: ${where}`;
  draft.leaveOpen('program', `OpenRLHF PPO: ${roles}; only the actor is read, so its memory is not worked out`);
}

function readSizes(reader: OptionReader, { draft }: ProgramContext, command: Command): void {
  const { batch, length } = COMMANDS[command];
  reader.count('microBatchSize', 'micro_train_batch_size', 'train.micro_batch_size');
  draft.default('microBatchSize', batch, OF);
  reader.count('globalBatchSize', 'train_batch_size', 'train.batch_size');
  draft.default('globalBatchSize', 128, OF);
  reader.count('sequenceLength', 'max_len', 'data.max_len');
  const [prompt, answer] = ['prompt_max_len', 'generate_max_len'].map((name) => asCount(reader.options.find(name)));
  if (prompt !== undefined && answer !== undefined)
    draft.derive(
      'sequenceLength',
      prompt + answer,
      ['prompt_max_len', 'generate_max_len'],
      'prompt and answer together',
    );
  draft.default('sequenceLength', length, OF);
  reader.flag('packing', 'packing_samples', 'ds.packing_samples');
}

function readSharding(reader: OptionReader, { draft }: ProgramContext): void {
  const STAGES = { '0': 'ddp', '1': 'zero1', '2': 'zero2', '3': 'zero3' } as const;
  reader.choice('parallelism.sharding', STAGES, 'zero_stage', 'ds.zero_stage');
  draft.default('parallelism.sharding', 'zero2', OF);
  reader.flag('offload.optimizer', 'adam_offload', 'ds.adam_offload');
  reader.count('parallelism.context', 'ring_attn_size', 'ds.ring_attn_size');
  reader.count('parallelism.tensor', 'ds_tensor_parallel_size', 'ds.tensor_parallel_size');
}

/** DeepSpeed's engine: weights of 16 bits, fp32 main weights in the partition. */
function readHow(reader: OptionReader, { draft }: ProgramContext): void {
  const TYPES = { bf16: 'bf16', fp16: 'fp16' } as const;
  reader.choice('precision', TYPES, 'param_dtype', 'ds.param_dtype');
  draft.default('precision', 'bf16', OF);
  const names = [
    'gradient_checkpointing',
    'model.gradient_checkpointing_enable',
    'actor.gradient_checkpointing_enable',
  ];
  reader.on('activationCheckpointing', 'full', ...names);
  reader.choice('attention', ATTENTION, 'attn_implementation', 'ds.attn_implementation');
  reader.on('attention', 'flash-attention-2', 'flash_attn');
  draft.default('attention', 'flash-attention-2', OF);
  readLora(reader);
  reader.on('kernels', ['liger'], 'use_liger_kernel', 'ds.use_liger_kernel');
  reader.flag('ema', 'enable_ema', 'train.enable_ema');
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('optimizer.implementation', 'fused', { ...OF, note: "DeepSpeed's FusedAdam" });
  draft.default('gradientClipping', true, { ...OF, note: 'max_norm is 1.0' });
}

function readLora(reader: OptionReader): void {
  const { draft } = reader;
  const rank = reader.options.find('lora_rank', 'ds.lora.rank');
  if (asCount(rank) !== undefined) {
    draft.read('peft.method', 'lora', rank?.place ?? null);
    reader.count('peft.rank', 'lora_rank', 'ds.lora.rank');
    draft.default('peft.targetModules', 'all-linear', OF);
  }
  reader.on('quantization', 'nf4-double', 'load_in_4bit', 'ds.load_in_4bit');
}
