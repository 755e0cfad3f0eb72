import type { OptionReader } from '../options/option-reader.js';
import { asBoolean, asNumber, asText } from '../options/option.js';
import { isAtLeast } from '../versions.js';
import {
  evaluates,
  generates,
  pairsAnswers,
  readEngine,
  readOtherModel,
  readerBeside,
  scoresTokens,
  trainedAlike,
  withoutAdapter,
} from './beside.js';
import type { ProgramContext } from './program.js';

const OF = { of: 'trl' };

/** What each of TRL's trainers holds beside the model that it trains (trl/trainer/*_trainer.py). */
const OTHERS: Readonly<Record<string, (reader: OptionReader, context: ProgramContext) => void>> = {
  dpo: (reader) => readReference(reader, 2),
  ipo: (reader) => readReference(reader, 2),
  orpo: ({ draft }) => pairsAnswers(draft),
  cpo: ({ draft }) => pairsAnswers(draft),
  simpo: ({ draft }) => pairsAnswers(draft),
  reward: ({ draft }) => pairsAnswers(draft),
  rm: ({ draft }) => pairsAnswers(draft),
  kto: (reader) => readReference(reader, 1),
  online_dpo: (reader) => {
    readReference(reader, 2);
    readReward(reader);
    readOwnAnswers(reader);
  },
  grpo: (reader, context) => readGroup(reader, context, isBefore019(context) ? 0.04 : 0),
  rloo: (reader, context) => readGroup(reader, context, 0.05),
  ppo: readPpo,
  gkd: readTeacher,
};

/** Further runs on the device of what `trl VERB` trains. */
export function readTrlOthers(reader: OptionReader, context: ProgramContext, verb: string): void {
  if (Object.hasOwn(OTHERS, verb)) OTHERS[verb]?.(reader, context);
}

const isBefore019 = ({ versions }: ProgramContext): boolean =>
  versions.get('trl') !== null && !isAtLeast(versions.get('trl'), '0.19.0');

/**
 * The reference of DPO and its kin: a second copy, frozen, which answers between forward and backward of the policy;
 * with adapters the policy itself. None where its log-probabilities were worked out before.
 */
function readReference(main: OptionReader, rows: 1 | 2): void {
  const { draft, options } = main;
  draft.role = 'policy';
  if (rows === 2) pairsAnswers(draft);
  if (asBoolean(options.find('precompute_ref_log_probs')) || asBoolean(options.find('reference_free'))) return;
  const reference = readerBeside(options, draft, 'reference').draft;
  evaluates(reference, 'causal-lm', { ...OF, note: 'a frozen copy of the policy' });
  if (draft.value('peft.method') !== undefined && draft.value('peft.method') !== 'none')
    withoutAdapter(reference, 'trl');
  reference.default('sharing.turn', 'within-step', { ...OF, note: 'between forward and backward of the policy' });
}

/** GRPO and RLOO: answers are generated first, their log-probabilities taken, then trained on. */
function readGroup(main: OptionReader, context: ProgramContext, usualBeta: number): void {
  const { draft, options } = main;
  draft.role = 'policy';
  const beta = asNumber(options.find('beta')) ?? usualBeta;
  if (beta !== 0) {
    const reference = readerBeside(options, draft, 'reference').draft;
    evaluates(reference, 'causal-lm', { ...OF, note: `beta is ${beta}` });
    if (draft.value('peft.method') !== undefined && draft.value('peft.method') !== 'none')
      withoutAdapter(reference, 'trl');
  }
  if (asBoolean(options.find('use_vllm'))) readVllm(main, context);
  else readOwnAnswers(main);
}

/** vLLM in the training's own processes, or a server elsewhere, which was the default before 1.0. */
function readVllm(main: OptionReader, { versions }: ProgramContext): void {
  const { draft, options } = main;
  const version = versions.get('trl');
  const mode =
    asText(options.find('vllm_mode')) ?? (version !== null && !isAtLeast(version, '1.0.0') ? 'server' : 'colocate');
  if (mode === 'server') {
    draft.note('vLLM generates on devices of its own (vllm_mode server)');
    return;
  }
  const reader = readerBeside(options, draft, 'rollout');
  generates(reader.draft, { ...OF, note: 'vLLM in the processes that train' });
  const names = { share: ['vllm_gpu_memory_utilization'], tensor: ['vllm_tensor_parallel_size'] };
  readEngine(reader, names, { share: 0.3, tensor: 1, of: 'trl' });
  const sleep = options.find('vllm_enable_sleep_mode');
  if (asBoolean(sleep)) reader.draft.read('sharing.keepsParameters', false, sleep?.place ?? null);
  reader.draft.default('microBatchSize', 1, { ...OF, note: 'one sequence at the least' });
}

/** The policy writes the answers itself; sharded weights are gathered for it. */
function readOwnAnswers({ draft, options }: OptionReader): void {
  const itself = readerBeside(options, draft, 'generation').draft;
  generates(itself, { ...OF, note: 'the policy generates by itself' });
  const sharding = draft.value('parallelism.sharding');
  const isSharded = typeof sharding === 'string' && /^(?:zero3|fsdp)/.test(sharding);
  itself.default('sharing.borrowsWeights', !isSharded, {
    ...OF,
    note: isSharded ? 'gathered whole' : 'the policy itself',
  });
  itself.default('sharing.keepsParameters', false, { ...OF, note: 'nothing stays once it is written' });
}

/** PPO: policy and value are trained, reference and reward are held; what is generated is scored in batches of its own. */
function readPpo(main: OptionReader): void {
  const { draft, options } = main;
  draft.role = 'policy';
  const reference = readerBeside(options, draft, 'reference');
  evaluates(reference.draft, 'causal-lm', { ...OF, note: 'a frozen copy of the policy' });
  if (draft.value('peft.method') !== undefined && draft.value('peft.method') !== 'none')
    withoutAdapter(reference.draft, 'trl');
  readScoredRows(reference);
  readReward(main);
  const value = readerBeside(options, draft, 'value');
  scoresTokens(value.draft, { ...OF, note: 'the value model is trained with the policy' });
  readOtherModel(value, 'reward_model_path', 'reward_model');
  trainedAlike(value.draft, draft, OF.of);
  value.draft.default('sharing.turn', 'within-step', { ...OF, note: 'policy and value step together' });
  readOwnAnswers(main);
}

function readReward(main: OptionReader): void {
  const reader = readerBeside(main.options, main.draft, 'reward');
  evaluates(reader.draft, 'sequence-classification', { ...OF, note: 'a frozen reward model' });
  readOtherModel(reader, 'reward_model_path', 'reward_model');
  readScoredRows(reader);
}

function readScoredRows(reader: OptionReader): void {
  reader.count('microBatchSize', 'local_rollout_forward_batch_size');
  reader.draft.default('microBatchSize', 64, { ...OF, note: 'local_rollout_forward_batch_size' });
}

/** On-policy distillation: the teacher answers within the step, and the student writes some of the answers. */
function readTeacher(main: OptionReader): void {
  const { draft, options } = main;
  draft.role = 'student';
  const teacher = readerBeside(options, draft, 'teacher');
  evaluates(teacher.draft, 'causal-lm', { ...OF, note: 'the frozen teacher' });
  readOtherModel(teacher, 'teacher_model_name_or_path', 'teacher_model');
  if (!teacher.draft.has('model'))
    teacher.draft.leaveOpen('model', 'nothing says which model teaches', 'model: Qwen/Qwen2.5-7B');
  teacher.draft.default('sharing.turn', 'within-step', { ...OF, note: 'between forward and backward of the student' });
  readOwnAnswers(main);
}
