import { plain, worded } from '../../run/program-options.js';
import { readOverrides } from '../options/hydra.js';
import { OptionReader } from '../options/option-reader.js';
import { asBoolean, asCount, asText } from '../options/option.js';
import { mergeSays } from '../launchers/peel.js';
import { saidCount } from '../launchers/launcher.js';
import { readModelName } from './hf/model.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_DROPPED } from './steps.js';

const OF = { of: 'verl' };
const RL: ReadonlySet<string> = new Set(['verl.trainer.main_ppo', 'recipe.dapo.main_dapo']);
const SFT: ReadonlySet<string> = new Set([
  'verl.trainer.sft_trainer',
  'verl.trainer.fsdp_sft_trainer',
  'verl.trainer.sft_trainer_ray',
]);
const ACTOR = 'actor_rollout_ref.actor';
const CHECKPOINTING = { true: 'full', True: 'full', false: 'none', False: 'none' } as const;

/** verl: Hydra overrides on `verl.trainer.main_ppo` (actor, reference, critic, rollout) or the SFT trainer. */
export const verl: TrainingProgram = {
  id: 'verl',
  name: 'verl',
  step: OUTPUTS_DROPPED,
  builtOn: ['transformers'],
  options: {
    source: 'verl 0.9: trainer/config/*.yaml',
    writers: {
      microBatchSize: plain('data.micro_batch_size_per_gpu', 'override'),
      sequenceLength: plain('data.max_length', 'override'),
      activationCheckpointing: worded('model.enable_gradient_checkpointing', { full: 'True' }, 'override'),
      'peft.rank': plain('model.lora_rank', 'override'),
    },
  },
  recognise: ({ kind, name }: Invocation): Recognition | null =>
    kind === 'module' && (RL.has(name) || SFT.has(name)) ? 'name' : null,
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(readOverrides(invocation.args), draft);
    const isRl = RL.has(invocation.name);
    nameProgram(context, { name: isRl ? 'verl RL' : 'verl SFT', package: 'verl' });
    if (isRl) readActor(reader, context);
    else readSft(reader, context);
    draft.default('parallelism.sharding', 'fsdp-full', OF);
    draft.default('precision', 'amp-bf16', { ...OF, note: 'fp32 shards, computed in bf16' });
    draft.default('activationCheckpointing', 'full', OF);
    draft.default('attention', 'flash-attention-2', OF);
    draft.default('optimizer.name', 'adamw', OF);
    draft.default('gradientClipping', true, { ...OF, note: 'grad_clip is 1.0' });
  },
};

function readSft(reader: OptionReader, { draft }: ProgramContext): void {
  readModelName(reader, draft, 'model.path', 'model.partial_pretrain');
  draft.derive('task', 'causal-lm', ['program'], 'the SFT trainer trains language models');
  reader.count('globalBatchSize', 'data.train_batch_size');
  draft.default('globalBatchSize', 256, OF);
  reader.count('microBatchSize', 'data.micro_batch_size_per_gpu');
  draft.default('microBatchSize', 4, OF);
  reader.count('sequenceLength', 'data.max_length');
  draft.default('sequenceLength', 1024, OF);
  reader.choice('activationCheckpointing', CHECKPOINTING, 'model.enable_gradient_checkpointing');
  const names = ['model.fsdp_config.cpu_offload', 'model.fsdp_config.offload_params', 'engine.param_offload'];
  reader.flag('offload.parameters', ...names);
  readLora(reader, 'model.lora_rank');
}

/** The actor as a run of its own; what else is on the device is said, and that it is not worked out. */
function readActor(reader: OptionReader, context: ProgramContext): void {
  const { draft } = context;
  const { options } = reader;
  readModelName(reader, draft, 'actor_rollout_ref.model.path');
  draft.derive('task', 'rl', ['program'], 'verl trains a policy');
  context.says = mergeSays(context.says, {
    processesPerNode: saidCount(options.find('trainer.n_gpus_per_node')) ?? { value: 8, place: null },
    nodes: saidCount(options.find('trainer.nnodes')) ?? { value: 1, place: null },
  });
  reader.count('microBatchSize', `${ACTOR}.ppo_micro_batch_size_per_gpu`);
  const length = ['data.max_prompt_length', 'data.max_response_length'].map((name) => options.find(name));
  const tokens = length.reduce((sum, option) => sum + (asCount(option) ?? 512), 0);
  const open = length.find((option) => option?.unresolved)?.unresolved;
  if (open) draft.leaveOpen('sequenceLength', open);
  else
    draft.derive('sequenceLength', tokens, ['data.max_prompt_length', 'data.max_response_length'], 'prompt and answer');
  reader.choice('activationCheckpointing', CHECKPOINTING, 'actor_rollout_ref.model.enable_gradient_checkpointing');
  reader.choice('precision', { bf16: 'bf16', bfloat16: 'bf16' } as const, `${ACTOR}.fsdp_config.model_dtype`);
  readLora(reader, 'actor_rollout_ref.model.lora_rank');
  draft.leaveOpen('program', `verl: ${rolesOf(reader)}; only the actor is read, so its memory is not worked out`);
}

function rolesOf({ options }: OptionReader): string {
  const isOn = (name: string): boolean => asBoolean(options.find(name)) === true;
  const hasReference = isOn(`${ACTOR}.use_kl_loss`) || isOn('algorithm.use_kl_in_reward');
  const hasCritic = (asText(options.find('algorithm.adv_estimator')) ?? 'gae') === 'gae';
  const share = asText(options.find('actor_rollout_ref.rollout.gpu_memory_utilization')) ?? '0.5';
  const engine = asText(options.find('actor_rollout_ref.rollout.name')) ?? 'vLLM';
  const held = [...(hasCritic ? ['a critic'] : []), ...(hasReference ? ['a reference model'] : [])];
  return `actor${held.map((role) => `, ${role}`).join('')} and ${engine} with ${share} of each device share the devices`;
}

function readLora(reader: OptionReader, name: string): void {
  const rank = reader.options.find(name);
  if (asCount(rank) === undefined) return;
  const { draft } = reader;
  draft.read('peft.method', 'lora', rank?.place ?? null);
  reader.count('peft.rank', name);
  draft.default('peft.targetModules', 'all-linear', OF);
}
