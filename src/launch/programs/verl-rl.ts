import { plain, worded } from '../../run/program-options.js';
import { readOverrides } from '../options/hydra.js';
import { OptionReader } from '../options/option-reader.js';
import type { Options } from '../options/option.js';
import { asBoolean, asCount, asText } from '../options/option.js';
import { mergeSays } from '../launchers/peel.js';
import { saidCount } from '../launchers/launcher.js';
import type { RunDraft } from '../run-draft.js';
import {
  evaluates,
  generates,
  readEngine,
  readOtherModel,
  readerBeside,
  scoresTokens,
  withoutAdapter,
} from './beside.js';
import { readModelName } from './hf/model.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_DROPPED } from './steps.js';
import { readVerlLora, VERL_CHECKPOINTING } from './verl.js';

const OF = { of: 'verl' };
const MODULES: ReadonlySet<string> = new Set([
  'verl.trainer.main_ppo',
  'verl.trainer.main_ppo_v0',
  'recipe.dapo.main_dapo',
]);
const ACTOR = 'actor_rollout_ref.actor';
const ROLLOUT = 'actor_rollout_ref.rollout';
const REFERENCE = 'actor_rollout_ref.ref';
const STRATEGIES = { fsdp: 1, fsdp2: 2 } as const;
const WEIGHTS = { bf16: 'bf16', bfloat16: 'bf16' } as const;

/** verl's reinforcement learning: Hydra overrides on `verl.trainer.main_ppo`; all models share the devices. */
export const verlRl: TrainingProgram = {
  id: 'verl-rl',
  name: 'verl RL',
  step: OUTPUTS_DROPPED,
  builtOn: ['transformers'],
  options: {
    source: 'verl 0.9: trainer/config/_generated_ppo_trainer.yaml',
    writers: {
      microBatchSize: plain(`${ACTOR}.ppo_micro_batch_size_per_gpu`, 'override'),
      activationCheckpointing: worded(
        'actor_rollout_ref.model.enable_gradient_checkpointing',
        { full: 'True' },
        'override',
      ),
      'peft.rank': plain('actor_rollout_ref.model.lora_rank', 'override'),
    },
  },
  recognise({ kind, name }: Invocation): Recognition | null {
    if (kind === 'module') return MODULES.has(name) ? 'name' : null;
    return kind === 'script' && (name === 'main_ppo.py' || name === 'main_dapo.py') ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const options = readOverrides(invocation.args);
    nameProgram(context, { name: 'verl RL', package: 'verl' });
    draft.role = 'actor';
    readProcesses(options, context);
    readActor(new OptionReader(options, draft));
    readLogProbabilities(options, draft);
    readReference(options, draft);
    readCritic(options, draft);
    readReward(options, draft);
    readRollout(options, draft);
  },
};

function readProcesses(options: Options, context: ProgramContext): void {
  context.says = mergeSays(context.says, {
    processesPerNode: saidCount(options.find('trainer.n_gpus_per_node')) ?? { value: 8, place: null },
    nodes: saidCount(options.find('trainer.nnodes')) ?? { value: 1, place: null },
  });
}

function readActor(reader: OptionReader): void {
  const { draft, options } = reader;
  readModelName(reader, draft, 'actor_rollout_ref.model.path');
  draft.derive('task', 'rl', ['program'], 'verl trains a policy');
  readRows(reader, ACTOR, 'ppo_micro_batch_size_per_gpu', 'ppo_max_token_len_per_gpu');
  readLength(reader);
  readUpdate(reader);
  reader.choice('activationCheckpointing', VERL_CHECKPOINTING, 'actor_rollout_ref.model.enable_gradient_checkpointing');
  reader.choice('precision', WEIGHTS, `${ACTOR}.fsdp_config.model_dtype`);
  reader.flag('offload.activations', 'actor_rollout_ref.model.enable_activation_offload');
  readVerlLora(reader, 'actor_rollout_ref.model.lora_rank');
  readSharding(reader, ACTOR);
  readStay(reader, `${ACTOR}.fsdp_config`);
  reader.on('kernels', ['liger'], 'actor_rollout_ref.model.use_liger');
  if (asBoolean(options.find('actor_rollout_ref.model.use_fused_kernels')))
    draft.read('loss', 'fused-linear', reader.placeOf('actor_rollout_ref.model.use_fused_kernels'));
  defaults(draft);
}

/** What all models that verl trains have in common. */
function defaults(draft: RunDraft): void {
  draft.default('parallelism.sharding', 'fsdp-full', OF);
  draft.default('parallelism.fsdpVersion', 1, OF);
  draft.default('precision', 'amp-bf16', { ...OF, note: 'fp32 shards, computed in bf16' });
  draft.default('activationCheckpointing', 'full', OF);
  draft.default('attention', 'flash-attention-2', OF);
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('gradientClipping', true, { ...OF, note: 'grad_clip is 1.0' });
  draft.default('sharing.emptiesCache', true, { ...OF, note: 'the cache is emptied between phases' });
}

function readLength({ draft, options }: OptionReader): void {
  const names = ['data.max_prompt_length', 'data.max_response_length'];
  const parts = names.map((name) => options.find(name));
  const open = parts.find((option) => option?.unresolved)?.unresolved;
  const tokens = parts.reduce((sum, option) => sum + (asCount(option) ?? 512), 0);
  if (open) draft.leaveOpen('sequenceLength', open);
  else draft.derive('sequenceLength', tokens, names, 'prompt and answer');
}

/** Rows of a pass; with `use_dynamic_bsz` as many tokens as given, packed into one row. */
function readRows(reader: OptionReader, group: string, rows: string, tokens: string): void {
  const { draft, options } = reader;
  const isDynamic =
    asBoolean(options.find(`${group}.use_dynamic_bsz`)) ?? asBoolean(options.find(`${ACTOR}.use_dynamic_bsz`));
  if (!isDynamic) {
    reader.count('microBatchSize', `${group}.${rows}`);
    readAllRows(reader, `${group}.${rows.replace('_per_gpu', '')}`);
    return;
  }
  reader.count('sequenceLength', `${group}.${tokens}`, `${ACTOR}.ppo_max_token_len_per_gpu`);
  draft.default('sequenceLength', MOST_TOKENS, { ...OF, note: 'ppo_max_token_len_per_gpu' });
  draft.derive('microBatchSize', 1, [`${group}.use_dynamic_bsz`], 'sequences packed up to a number of tokens');
  draft.derive('packing', true, [`${group}.use_dynamic_bsz`], 'sequences packed up to a number of tokens');
}

const MOST_TOKENS = 16384;

/** The older option counts the rows of all devices together. */
function readAllRows({ draft, options }: OptionReader, name: string): void {
  const option = options.find(name);
  const [all, perNode, nodes] = [option, options.find('trainer.n_gpus_per_node'), options.find('trainer.nnodes')].map(
    asCount,
  );
  if (all === undefined) return;
  const devices = (perNode ?? 8) * (nodes ?? 1);
  draft.derive('microBatchSize', Math.max(1, Math.floor(all / devices)), [name], 'rows of all devices ÷ devices');
}

/** Answers of an update: prompts times answers to each. */
function readUpdate({ draft, options }: OptionReader): void {
  const [prompts, answers] = [`${ACTOR}.ppo_mini_batch_size`, `${ROLLOUT}.n`].map((name) =>
    asCount(options.find(name)),
  );
  if (prompts !== undefined)
    draft.derive(
      'globalBatchSize',
      prompts * (answers ?? 1),
      [`${ACTOR}.ppo_mini_batch_size`, `${ROLLOUT}.n`],
      'prompts × answers to each',
    );
}

function readSharding(reader: OptionReader, group: string): void {
  const { draft, options } = reader;
  reader.choice('parallelism.fsdpVersion', STRATEGIES, `${group}.strategy`);
  const size = options.find(`${group}.fsdp_config.fsdp_size`);
  if (asCount(size) !== undefined) {
    draft.read('parallelism.sharding', 'hsdp', size?.place ?? null);
    draft.read('parallelism.shardSize', asCount(size), size?.place ?? null);
  }
  if (asText(options.find(`${group}.strategy`)) === 'megatron')
    draft.leaveOpen('parallelism.sharding', 'the Megatron workers of verl are not read', 'parallelism: {tensor: 2}');
  reader.count('parallelism.context', `${group}.ulysses_sequence_parallel_size`);
}

/** `param_offload` and `optimizer_offload` bring to the host what waits for its turn. */
function readStay(reader: OptionReader, config: string): void {
  const { draft, options } = reader;
  for (const [field, name] of [
    ['sharing.keepsParameters', 'param_offload'],
    ['sharing.keepsOptimizerStates', 'optimizer_offload'],
  ] as const) {
    const option = options.find(`${config}.${name}`);
    const leaves = asBoolean(option);
    if (leaves !== undefined) draft.read(field, !leaves, option?.place ?? null);
    else if (option?.unresolved) draft.leaveOpen(field, option.unresolved);
  }
}

/** The actor itself gives the log-probabilities of what was generated, without gradients and in batches of their own. */
function readLogProbabilities(options: Options, draft: RunDraft): void {
  const reader = readerBeside(options, draft, 'log-probabilities');
  readRows(reader, ROLLOUT, 'log_prob_micro_batch_size_per_gpu', 'log_prob_max_token_len_per_gpu');
  evaluates(reader.draft, 'causal-lm', { ...OF, note: 'the actor, forward only' });
  reader.draft.default('sharing.borrowsWeights', true, { ...OF, note: 'the actor itself' });
}

function readReference(options: Options, draft: RunDraft): void {
  const isOn = (name: string): boolean => asBoolean(options.find(name)) === true;
  if (!isOn(`${ACTOR}.use_kl_loss`) && !isOn('algorithm.use_kl_in_reward')) return;
  const reader = readerBeside(options, draft, 'reference');
  readRows(reader, REFERENCE, 'log_prob_micro_batch_size_per_gpu', 'log_prob_max_token_len_per_gpu');
  evaluates(reader.draft, 'causal-lm', { ...OF, note: 'use_kl_loss or use_kl_in_reward' });
  if (draft.value('peft.method') === 'lora') withoutAdapter(reader.draft, 'verl');
  else
    reader.draft.default('sharing.keepsParameters', false, { ...OF, note: "the reference waits in the host's memory" });
  reader.choice('precision', WEIGHTS, `${REFERENCE}.fsdp_config.model_dtype`);
}

/** With `gae` a critic is trained beside the actor (verl/trainer/ppo/ray_trainer.py). */
function readCritic(options: Options, draft: RunDraft): void {
  const estimator = asText(options.find('algorithm.adv_estimator')) ?? 'gae';
  if ((asBoolean(options.find('critic.enable')) ?? estimator === 'gae') === false) return;
  const reader = readerBeside(options, draft, 'critic');
  const critic = reader.draft;
  scoresTokens(critic, { ...OF, note: 'the critic of PPO is trained too' });
  readOtherModel(reader, 'critic.model.path');
  readRows(reader, 'critic', 'ppo_micro_batch_size_per_gpu', 'ppo_max_token_len_per_gpu');
  reader.choice('activationCheckpointing', VERL_CHECKPOINTING, 'critic.model.enable_gradient_checkpointing');
  readSharding(reader, 'critic');
  readStay(reader, 'critic.model.fsdp_config');
  readStay(reader, 'critic.fsdp');
  defaults(critic);
}

function readReward(options: Options, draft: RunDraft): void {
  if (asBoolean(options.find('reward_model.enable')) !== true) return;
  const reader = readerBeside(options, draft, 'reward');
  evaluates(reader.draft, 'sequence-classification', { ...OF, note: 'reward_model.enable' });
  readOtherModel(reader, 'reward_model.model.path');
  readRows(reader, 'reward_model', 'micro_batch_size_per_gpu', 'forward_max_token_len_per_gpu');
  readStay(reader, 'reward_model.model.fsdp_config');
}

function readRollout(options: Options, draft: RunDraft): void {
  if (asText(options.find(`${ROLLOUT}.name`)) === 'hf') {
    draft.note('answers are generated by transformers itself: their memory is not worked out');
    return;
  }
  const reader = readerBeside(options, draft, 'rollout');
  const engine = reader.draft;
  generates(engine, { ...OF, note: 'vLLM or SGLang on the same devices' });
  const names = { share: [`${ROLLOUT}.gpu_memory_utilization`], tensor: [`${ROLLOUT}.tensor_model_parallel_size`] };
  readEngine(reader, names, { share: 0.5, tensor: 2, of: 'verl' });
  reader.count('sequenceLength', `${ROLLOUT}.max_model_len`);
  engine.default('precision', 'bf16', { ...OF, note: 'rollout.dtype' });
  engine.default('microBatchSize', 1, { ...OF, note: 'one sequence at the least' });
  const frees = options.find(`${ROLLOUT}.free_cache_engine`);
  if (asBoolean(frees) !== undefined) engine.read('sharing.keepsParameters', !asBoolean(frees), frees?.place ?? null);
  engine.default('sharing.keepsParameters', false, { ...OF, note: 'free_cache_engine: it sleeps while others work' });
  engine.default('sharing.process', 'own', { ...OF, note: 'a server of its own' });
}
