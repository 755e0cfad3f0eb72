import { TRAINER_STEP } from './steps.js';
import { OptionReader } from '../options/option-reader.js';
import type { Option } from '../options/option.js';
import { asCount, Options } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import type { PythonScope } from '../python/evaluate.js';
import { optionsOfCall, scopeOf } from '../python/calls.js';
import type { PythonCall, PythonSource } from '../python/source.js';
import { mergeSays } from '../launchers/peel.js';
import { saidCount } from '../launchers/launcher.js';
import type { Invocation } from './invocation.js';
import { PEFT_LORA, readLoraShape, readModelName, readQuantization, readTargetModules } from './hf/model.js';
import { PEFT_CONFIGS, PEFT_SIZES } from './hf/peft-configs.js';
import { readAccelerateSharding } from './hf/sharding.js';
import { ATTENTION, readTrainingArguments } from './hf/training-arguments.js';
import { acceleratePrecision } from './hf/precision.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { readModelCall, readModelsBeside, roleOf } from './python-model.js';
import { readLightningTrainer } from './lightning-trainer.js';
import { readLoop, readNamed } from './python-loop.js';
import { readUnsloth } from './python-unsloth.js';
import { readUltralytics } from './ultralytics.js';
import { readRecurrentModel } from './python-recurrent.js';
import { readAnswerLength } from './trl-lengths.js';
import { trainerDefaults } from './trl-defaults.js';
import { readTrlLoss } from './trl-loss.js';
import { readTrlOthers } from './trl-others.js';
import type { Task } from '../../run/training-run.js';

/** Configurations of trainers, and the package whose defaults each has. */
const TRAINER_CONFIGS: Readonly<Record<string, 'transformers' | 'trl'>> = {
  TrainingArguments: 'transformers',
  Seq2SeqTrainingArguments: 'transformers',
  UnslothTrainingArguments: 'transformers',
  SentenceTransformerTrainingArguments: 'transformers',
  SFTConfig: 'trl',
  DPOConfig: 'trl',
  ORPOConfig: 'trl',
  KTOConfig: 'trl',
  CPOConfig: 'trl',
  RewardConfig: 'trl',
  GRPOConfig: 'trl',
  RLOOConfig: 'trl',
  PPOConfig: 'trl',
  GKDConfig: 'trl',
  OnlineDPOConfig: 'trl',
};

/** Tasks of TRL's configurations, and the commands of `trl` that train the same. */
const TRL_TASKS: Readonly<Record<string, { task: Task; verb: string }>> = {
  DPOConfig: { task: 'preference', verb: 'dpo' },
  ORPOConfig: { task: 'preference', verb: 'orpo' },
  KTOConfig: { task: 'preference', verb: 'kto' },
  CPOConfig: { task: 'preference', verb: 'cpo' },
  RewardConfig: { task: 'sequence-classification', verb: 'reward' },
  GRPOConfig: { task: 'rl', verb: 'grpo' },
  RLOOConfig: { task: 'rl', verb: 'rloo' },
  PPOConfig: { task: 'rl', verb: 'ppo' },
  GKDConfig: { task: 'distillation', verb: 'gkd' },
  OnlineDPOConfig: { task: 'preference', verb: 'online_dpo' },
};

/** Calls that show that a source trains. */
const TRAINING_CALLS: ReadonlySet<string> = new Set([
  ...Object.keys(TRAINER_CONFIGS),
  'backward',
  'SFTTrainer',
  'DPOTrainer',
  'TorchTrainer',
]);

/** Losses of sentence-transformers hold the embeddings of several rows against each other. */
const OF_PAIRS = 'sentence-transformers trains embeddings by losses over pairs of rows, which are not covered';

/** A Python source whose text is known: inline, in a heredoc, or in a ConfigMap. */
export const pythonSource: TrainingProgram = {
  id: 'python-source',
  name: 'Python source in the manifest',
  step: null,
  builtOn: [],
  options: null,
  recognise({ python }: Invocation): Recognition | null {
    if (!python || !trains(python)) return null;
    return python.calls.some(({ last }) => last === 'HfArgumentParser') ? 'guess' : 'script';
  },
  read(context: ProgramContext): void {
    const { invocation, draft } = context;
    const { python } = invocation;
    if (!python) return;
    const scope = scopeOf(python, invocation);
    const config = python.calls.find(({ last }) => Object.hasOwn(TRAINER_CONFIGS, last));
    const step = config ? { step: TRAINER_STEP } : {};
    nameProgram(context, { name: `Python source ${invocation.name}`, package: 'torch', ...step });
    readRayScaling(python, scope, context);
    readModelCall(python, scope, draft);
    if (python.calls.some(({ last }) => last === 'SentenceTransformer')) draft.leaveOpen('task', OF_PAIRS);
    readModelsBeside(python, scope, draft);
    readRecurrentModel(scope, draft);
    readUnsloth(scope, draft);
    readAdapter(python, scope, context);
    if (config) readTrainer(config, scope, context);
    else if (!readOtherTrainers(scope, context)) readOwnLoop(scope, context);
    readLength(scope, context);
  },
};

/** Whether anything in the source runs a backward pass or a trainer. */
export function trains(source: PythonSource): boolean {
  const { calls } = source;
  if (calls.some(({ last }) => TRAINING_CALLS.has(last))) return true;
  const makesTrainer = calls.some(({ last }) => last.endsWith('Trainer') || last === 'YOLO');
  return makesTrainer && calls.some(({ last }) => last === 'train' || last === 'fit');
}

/** Trainers that are told all in one call: Lightning's and that of Ultralytics; false where the source has neither. */
function readOtherTrainers(scope: PythonScope, context: ProgramContext): boolean {
  const { draft } = context;
  const find = (last: string): PythonCall | undefined => scope.source.calls.find((call) => call.last === last);
  const [yolo, train] = [find('YOLO'), find('train')];
  if (yolo && train) {
    const named = optionsOfCall(yolo, scope).find('model', '0');
    const options = optionsOfCall(train, scope).over(new Options(named ? [{ ...named, name: 'model' }] : []));
    readUltralytics(new OptionReader(options, draft), context);
    return true;
  }
  const trainer = find('fit') && find('Trainer');
  if (!trainer) return false;
  readLoop(scope, context);
  readLightningTrainer(new OptionReader(optionsOfCall(trainer, scope), draft), context, '');
  return true;
}

function readTrainer(config: PythonCall, scope: PythonScope, context: ProgramContext): void {
  const of = TRAINER_CONFIGS[config.last] ?? 'transformers';
  const reader = new OptionReader(optionsOfCall(config, scope).over(modelOptions(scope)), context.draft);
  const trl = trlTaskOf(config);
  if (trl) readTask(reader, context, { ...trl, config: config.last });
  if (of === 'trl') readTrlLoss(reader, context, trl?.verb ?? 'sft');
  readTrainerLength(reader, scope, context);
  reader.flag('packing', 'packing');
  readTrainingArguments(reader, context, of === 'trl' ? trainerDefaults(context) : { of });
  if (of === 'trl' && !context.draft.isOpen('sequenceLength'))
    context.draft.default('sequenceLength', 1024, { of, version: context.versions.get('trl') });
  if (trl) readTrlOthers(reader, context, trl.verb);
}

/** The length that the configuration states, or the call of Unsloth's that loads the model. */
function readTrainerLength(reader: OptionReader, scope: PythonScope, { draft }: ProgramContext): void {
  reader.count('sequenceLength', 'max_seq_length', 'max_length');
  const loads = scope.source.calls.find(({ name }) => name.startsWith('Fast') && name.endsWith('.from_pretrained'));
  if (loads) readLengthOf(loads, scope, draft);
}

const trlTaskOf = ({ last }: PythonCall): { task: Task; verb: string } | undefined =>
  Object.hasOwn(TRL_TASKS, last) ? TRL_TASKS[last] : undefined;

function readTask(
  reader: OptionReader,
  context: ProgramContext,
  { task, verb, config }: { task: Task; verb: string; config: string },
): void {
  context.draft.derive('task', task, ['program'], `what ${config} configures`);
  if (task === 'rl') readAnswerLength(reader, context, verb);
}

/** Ray Train starts `num_workers` processes, wherever the entrypoint itself runs. */
function readRayScaling(python: PythonSource, scope: PythonScope, context: ProgramContext): void {
  const call = python.calls.find(({ last }) => last === 'ScalingConfig');
  const workers = call && saidCount(optionsOfCall(call, scope).find('num_workers'));
  if (workers) context.says = mergeSays(context.says, { worldSize: workers });
}

/** Keywords of `from_pretrained` that bear on precision and attention. */
function modelOptions(scope: PythonScope): Options {
  const call = scope.source.calls.find(
    (one) =>
      one.last === 'from_pretrained' &&
      roleOf(one) === null &&
      (one.keywords.has('torch_dtype') || one.keywords.has('dtype') || one.keywords.has('attn_implementation')),
  );
  const options = call ? optionsOfCall(call, scope) : new Options();
  const kept = ['torch_dtype', 'dtype', 'attn_implementation'].flatMap((name): Option[] => {
    const option = options.find(name);
    return option ? [option] : [];
  });
  return new Options(kept);
}

function readAdapter(python: PythonSource, scope: PythonScope, { draft }: ProgramContext): void {
  const lora = python.calls.find(({ last }) => last === 'LoraConfig' || last === 'get_peft_model');
  const config = python.calls.find(
    ({ last, keywords }) => last === 'LoraConfig' || (last === 'get_peft_model' && keywords.has('r')),
  );
  const other = python.calls.find(({ last }) => Object.hasOwn(PEFT_CONFIGS, last));
  if (other) return readPeftConfig(other, scope, draft);
  if (lora) draft.derive('peft.method', 'lora', [lora.name], `the source calls ${lora.name}`);
  if (config) readLoraShape(new OptionReader(optionsOfCall(config, scope), draft), draft, PEFT_LORA);
  const quantized = python.calls.find(({ keywords }) => keywords.has('load_in_4bit') || keywords.has('load_in_8bit'));
  if (quantized)
    readQuantization(
      new OptionReader(optionsOfCall(quantized, scope), draft),
      draft,
      quantized.name.startsWith('Fast') ? 'nf4-double' : 'fp4',
    );
}

/** A configuration of peft that is not LoRA's: its method, its modules, and its size under the name that it has there. */
function readPeftConfig(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  const method = PEFT_CONFIGS[call.last]!;
  const options = optionsOfCall(call, scope);
  draft.derive('peft.method', method, [call.name], `the source calls ${call.name}`);
  const size = options.find(PEFT_SIZES[method] ?? 'r');
  const count = asCount(size);
  if (size && count !== undefined) draft.read('peft.rank', count, size.place);
  readTargetModules(new OptionReader(options, draft), draft);
}

/** A loop of its own: loader, optimizer, autocast, wrappers. */
function readOwnLoop(scope: PythonScope, context: ProgramContext): void {
  const { draft } = context;
  readLoop(scope, context);
  readAccelerateSharding(context);
  const amp = acceleratePrecision(context);
  if (amp) draft.read('precision', amp.value, amp.place);
  new OptionReader(modelOptions(scope), draft).choice('attention', ATTENTION, 'attn_implementation');
}

const LENGTH_NAMES = [
  'max_seq_length',
  'max_length',
  'block_size',
  'seq_length',
  'seq_len',
  'max_seq_len',
  'sequence_length',
  'model_max_length',
];

/** Where a tokenizer or trainer is told the length; flags of the usual names say it too. */
function readLength(scope: PythonScope, { draft }: ProgramContext): void {
  for (const call of scope.source.calls) readLengthOf(call, scope, draft);
  const flags = new OptionReader(scope.flags, draft);
  if (!draft.has('sequenceLength')) flags.count('sequenceLength', ...LENGTH_NAMES);
  readNamed(scope, draft, 'sequenceLength', LENGTH_NAMES);
  if (!draft.has('model')) readModelName(flags, draft, 'model_name_or_path', 'model_name', 'model_id', 'arch');
}

function readLengthOf(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  const name = LENGTH_NAMES.find((length) => call.keywords.has(length));
  if (name === undefined || draft.has('sequenceLength') || call.last === 'generate') return;
  const option = optionsOfCall(call, scope).find(name);
  const length = asCount(option);
  if (option && length !== undefined) draft.read('sequenceLength', length, option.place);
}
