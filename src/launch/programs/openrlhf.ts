import { plain, worded } from '../../run/program-options.js';
import { saidCount } from '../launchers/launcher.js';
import { mergeSays } from '../launchers/peel.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import { asBoolean, asCount, asNumber, asText } from '../options/option.js';
import {
  evaluates,
  generates,
  pairsAnswers,
  readEngine,
  readOtherModel,
  readerBeside,
  scoresTokens,
  trainedAlike,
} from './beside.js';
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
  kd: { task: 'distillation', batch: 8, length: 2048 },
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
  'deepspeed_enable_sleep',
  'ds.enable_sleep',
  'ref.offload',
  'teacher_offload',
]);

/** OpenRLHF: `deepspeed --module openrlhf.cli.train_sft …`; further models (a reference, a critic, a teacher) are runs beside it. */
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
    readSizes(reader, context, command);
    readSharding(reader, context);
    readHow(reader, context);
    if (command === 'ppo_ray') startActors(reader, context);
    readOthers(reader, command);
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

/** The further models of each command, as far as they share the devices of the trained one. */
function readOthers(reader: OptionReader, command: Command): void {
  if (command === 'dpo' || command === 'kto')
    readFrozen(reader, 'reference', ['ref_pretrain', 'ref.model_name_or_path'], 2);
  if (command === 'kd') readFrozen(reader, 'teacher', ['teacher_model', 'teacher.model_name_or_path'], 1);
  if (command === 'ppo' || command === 'ppo_ray') readPpo(reader, command);
}

/** A frozen model that works in the middle of the step (openrlhf/trainer/dpo_trainer.py, kd_trainer.py). */
function readFrozen(reader: OptionReader, role: string, names: readonly string[], rows: 1 | 2): void {
  const { draft, options } = reader;
  draft.role = role === 'teacher' ? 'student' : 'policy';
  const other = readerBeside(options, draft, role);
  evaluates(other.draft, 'causal-lm', { ...OF, note: 'frozen' });
  readOtherModel(other, ...names);
  if (rows === 2) pairsAnswers(draft);
  other.draft.default('sharing.turn', 'within-step', {
    ...OF,
    note: 'between forward and backward of the trained model',
  });
  const offload = options.find('ref_offload', 'ref.offload', 'teacher_offload');
  if (asBoolean(offload)) other.draft.read('offload.parameters', true, offload?.place ?? null);
}

/**
 * PPO: with Ray each model is a process of its own, on devices of its own unless they are put together; without it all
 * are in one process (openrlhf/cli/train_ppo_ray.py, train_ppo.py).
 */
function readPpo(reader: OptionReader, command: 'ppo' | 'ppo_ray'): void {
  const { draft, options } = reader;
  const isOn = (...names: readonly string[]): boolean => asBoolean(options.find(...names)) === true;
  const all = command === 'ppo' || isOn('colocate_all_models', 'train.colocate_all');
  draft.role = 'actor';
  draft.default('sharing.emptiesCache', true, { ...OF, note: 'the cache is emptied between phases' });
  if (isOn('deepspeed_enable_sleep', 'ds.enable_sleep'))
    draft.read('sharing.keepsOptimizerStates', false, reader.placeOf('deepspeed_enable_sleep', 'ds.enable_sleep'));
  const process = command === 'ppo' ? 'common' : 'own';
  if (all || isOn('colocate_actor_ref', 'train.colocate_actor_ref')) readReference(reader, process);
  if (all) {
    readCritic(reader, process);
    readReward(reader, process);
    if (command === 'ppo_ray') readVllm(reader);
  } else draft.note("OpenRLHF: the models that are not put together are on devices of their own; the actor's are read");
}

/** One actor of Ray for each GPU that the actor model is given: 1 node of 8 by default (openrlhf/cli/train_ppo_ray.py). */
function startActors({ options }: OptionReader, context: ProgramContext): void {
  const perNode = options.find('actor_num_gpus_per_node', 'actor.num_gpus_per_node');
  const nodes = options.find('actor_num_nodes', 'actor.num_nodes');
  context.says = mergeSays(context.says, {
    processesPerNode: saidCount(perNode) ?? { value: 8, place: null },
    nodes: saidCount(nodes) ?? { value: 1, place: null },
  });
}

type Process = 'common' | 'own';

function inProcess({ draft }: OptionReader, process: Process): void {
  draft.default('sharing.process', process, {
    ...OF,
    note: process === 'own' ? 'an actor of Ray for each model' : 'one process',
  });
  draft.default('sharing.emptiesCache', true, { ...OF, note: 'the cache is emptied between phases' });
}

/** Rows of a pass over what was generated; 8 before 0.10. */
function readRolloutRows(reader: OptionReader): void {
  reader.count('microBatchSize', 'micro_rollout_batch_size', 'rollout.micro_batch_size');
  reader.draft.assume('microBatchSize', 8, 'micro_rollout_batch_size is 1 from openrlhf 0.10, 8 before', {
    low: 1,
    high: 8,
  });
}

function readReference(main: OptionReader, process: Process): void {
  if (asNumber(main.options.find('init_kl_coef', 'algo.kl.init_coef')) === 0) return;
  const reader = readerBeside(main.options, main.draft, 'reference');
  evaluates(reader.draft, 'causal-lm', { ...OF, note: 'held for the divergence from it' });
  readOtherModel(reader, 'ref.model_name_or_path');
  readRolloutRows(reader);
  inProcess(reader, process);
}

/** The advantage of GAE needs values, and so a critic that is trained. */
function readCritic(main: OptionReader, process: Process): void {
  const estimator = asText(main.options.find('advantage_estimator', 'algo.advantage.estimator')) ?? 'gae';
  if (estimator !== 'gae') return;
  const reader = readerBeside(main.options, main.draft, 'critic');
  const { draft } = reader;
  scoresTokens(draft, { ...OF, note: 'the critic of PPO is trained too' });
  readOtherModel(reader, 'critic_pretrain', 'critic.model_name_or_path', ...REWARD);
  trainedAlike(draft, main.draft, OF.of);
  if (main.draft.value('sharing.keepsOptimizerStates') === false)
    draft.default('sharing.keepsOptimizerStates', false, { ...OF, note: 'deepspeed_enable_sleep' });
  inProcess(reader, process);
}

const REWARD = ['reward_pretrain', 'reward.model_name_or_path'] as const;

function readReward(main: OptionReader, process: Process): void {
  if (!main.options.has(...REWARD)) return;
  const reader = readerBeside(main.options, main.draft, 'reward');
  evaluates(reader.draft, 'sequence-classification', { ...OF, note: 'reward_pretrain' });
  readOtherModel(reader, ...REWARD);
  readRolloutRows(reader);
  inProcess(reader, process);
}

function readVllm(main: OptionReader): void {
  const { options } = main;
  if (!options.has('vllm_num_engines', 'vllm.num_engines')) return;
  const reader = readerBeside(options, main.draft, 'rollout');
  generates(reader.draft, { ...OF, note: 'vLLM on the same devices' });
  const names = {
    share: ['vllm_gpu_memory_utilization', 'vllm.gpu_memory_utilization'],
    tensor: ['vllm_tensor_parallel_size', 'vllm.tensor_parallel_size'],
  };
  readEngine(reader, names, { share: 0.95, tensor: 1, of: 'openrlhf' });
  const sleep = options.find('vllm_enable_sleep', 'vllm.enable_sleep');
  if (asBoolean(sleep)) reader.draft.read('sharing.keepsParameters', false, sleep?.place ?? null);
  reader.draft.default('sharing.process', 'own', { ...OF, note: 'an engine of its own' });
  reader.draft.default('microBatchSize', 1, { ...OF, note: 'one sequence at the least' });
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
