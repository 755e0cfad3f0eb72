import type { Task } from '../../run/training-run.js';
import type { Option, Options } from '../options/option.js';
import { asCount, asText } from '../options/option.js';
import type { PythonScope } from '../python/evaluate.js';
import { optionsOfCall } from '../python/calls.js';
import type { PythonCall, PythonSource } from '../python/source.js';
import { RunDraft } from '../run-draft.js';

/** Ends of class names of transformers, and the task that each is for. */
const CLASS_TASKS: readonly (readonly [string, Task])[] = [
  ['ForCausalLM', 'causal-lm'],
  ['LMHeadModel', 'causal-lm'],
  ['FastLanguageModel', 'causal-lm'],
  ['FastModel', 'causal-lm'],
  ['ForMaskedLM', 'masked-lm'],
  ['ForSeq2SeqLM', 'seq2seq'],
  ['ForConditionalGeneration', 'seq2seq'],
  ['ForSequenceClassification', 'sequence-classification'],
  ['ForTokenClassification', 'token-classification'],
  ['ForQuestionAnswering', 'question-answering'],
  ['ForImageClassification', 'image-classification'],
  ['ForObjectDetection', 'detection'],
  ['ForSemanticSegmentation', 'segmentation'],
];

/** Classes with `from_pretrained` that hold no model. */
const NOT_MODELS = [
  'Tokenizer',
  'TokenizerFast',
  'Processor',
  'FeatureExtractor',
  'ImageProcessor',
  'Config',
  'GenerationConfig',
  'Scheduler',
  'PeftModel',
];

/** Finds the model that a source loads or builds: transformers, torchvision, timm, or a trainer given a name. */
export function readModelCall(source: PythonSource, scope: PythonScope, draft: RunDraft): void {
  for (const call of source.calls) {
    if (draft.has('model')) return;
    if (roleOf(call) !== null) continue;
    readPretrained(call, scope, draft);
    readTorchvision(call, scope, draft);
    readTimm(call, scope, draft);
    readTrainerModel(call, scope, draft);
  }
}

/** Names that scripts give to models which they do not train, and what each is. */
const ROLES: readonly (readonly [RegExp, string])[] = [
  [/teacher/i, 'teacher'],
  [/(?:^|_)ref(?:erence)?(?:_|$)/i, 'reference'],
  [/reward|(?:^|_)rm(?:_|$)/i, 'reward'],
];

const lastOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** What a model is beside the trained one, by the name that it is given; null for the trained one. */
export function roleOf({ target }: PythonCall): string | null {
  return target === null ? null : (ROLES.find(([pattern]) => pattern.test(lastOf(target)))?.[1] ?? null);
}

/** Models that a source holds beside the one that it trains: they answer in the middle of its step. */
export function readModelsBeside(source: PythonSource, scope: PythonScope, draft: RunDraft): void {
  for (const call of source.calls) {
    const role = roleOf(call);
    const model = role === null ? null : new RunDraft();
    if (role === null || model === null) continue;
    for (const read of [readPretrained, readTorchvision, readTimm]) read(call, scope, model);
    if (!model.has('model') && !model.isOpen('model')) continue;
    readWeightType(call, scope, model);
    besideAs(role, model, draft);
  }
}

const TYPES: Readonly<Record<string, string>> = {
  'torch.bfloat16': 'bf16',
  bfloat16: 'bf16',
  'torch.float16': 'fp16',
  float16: 'fp16',
  'torch.half': 'fp16',
};

/** The type that a frozen model is loaded in. */
function readWeightType(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  const option = optionsOfCall(call, scope).find('dtype', 'torch_dtype');
  const type = TYPES[asText(option) ?? ''];
  if (type !== undefined) draft.read('weights', type, option?.place ?? null);
}

function besideAs(role: string, model: RunDraft, draft: RunDraft): void {
  const other = draft.beside(role);
  for (const [field, setting] of model.settings) other.set(field, setting);
  for (const { field, reason } of model.unknown()) other.leaveOpen(field, reason);
  other.derive('activity', 'forward', ['model'], `the source names it ${role}: it is taken for frozen`);
  other.derive('sharing.turn', 'within-step', ['model'], 'between forward and backward of the trained model');
  if (draft.role === 'model') draft.role = role === 'teacher' ? 'student' : 'policy';
}

function setModel(option: Option | undefined, draft: RunDraft): void {
  const name = asText(option);
  if (name !== undefined)
    draft.read('model', { name: name.slice(0, 300), catalogId: null, config: null }, option?.place ?? null);
  else if (option?.unresolved) draft.leaveOpen('model', option.unresolved);
}

function readPretrained(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  if (call.last !== 'from_pretrained' && call.last !== 'from_config') return;
  const owner = call.name.slice(0, -call.last.length - 1);
  const isModel = !NOT_MODELS.some((ending) => owner.endsWith(ending)) && owner !== 'tokenizer';
  if (!isModel || call.last === 'from_config') return;
  const options = optionsOfCall(call, scope);
  setModel(options.find('pretrained_model_name_or_path', 'model_name', '0'), draft);
  const task = CLASS_TASKS.find(([ending]) => owner.endsWith(ending))?.[1];
  if (task) draft.derive('task', task, [owner], `the task of ${owner}`);
  const labels = options.find('num_labels');
  if (labels && asCount(labels) !== undefined) draft.read('numClasses', asCount(labels), labels.place);
}

/** `torchvision.models.resnet50()`, `models.resnet50()`, `resnet50()` imported from there, `get_model("resnet50")`. */
function readTorchvision(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  const name = torchvisionName(call, scope);
  if (name === null) return;
  const options = optionsOfCall(call, scope);
  if (name === 'get_model') setModel(options.find('name', '0'), draft);
  else if (isArchitecture(name)) setNamed(name, call, { scope, draft });
  if (draft.has('model')) classifies(call, options, draft);
}

/** The name in torchvision.models that a call is to, or null. */
function torchvisionName({ name, last }: PythonCall, { source }: PythonScope): string | null {
  const from = source.imports.get(name.split('.')[0] ?? '') ?? '';
  if (from.startsWith('torchvision.models.')) return from.slice(from.lastIndexOf('.') + 1);
  const isMember =
    name.startsWith('torchvision.models.') || (name.startsWith('models.') && from === 'torchvision.models');
  return isMember ? last : null;
}

function classifies(call: PythonCall, options: Options, draft: RunDraft): void {
  draft.derive('task', 'image-classification', [call.name], `${call.name} builds a classifier`);
  const classes = options.find('num_classes');
  if (classes && asCount(classes) !== undefined) draft.read('numClasses', asCount(classes), classes.place);
}

/** Functions that build models are in lower case; enumerations of weights are not. */
const isArchitecture = (name: string): boolean => name !== '' && name === name.toLowerCase() && name !== 'list_models';

/** A model that the name of a function gives. */
function setNamed(name: string, call: PythonCall, { scope, draft }: { scope: PythonScope; draft: RunDraft }): void {
  const { text } = scope.source;
  const anchor = call.positional[0] ?? [...call.keywords.values()][0];
  const before = anchor ? text.text.lastIndexOf(call.last, anchor.start) : text.text.indexOf(`${call.last}(`);
  const place = before < 0 ? null : text.slice(before, before + call.last.length).place();
  draft.read('model', { name, catalogId: null, config: null }, place);
}

function readTimm(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  const from = scope.source.imports.get(call.last);
  if (call.last !== 'create_model' || !(call.name.startsWith('timm.') || from?.startsWith('timm'))) return;
  const options = optionsOfCall(call, scope);
  setModel(options.find('model_name', '0'), draft);
  classifies(call, options, draft);
}

const NAMED_MODEL_TRAINERS: ReadonlySet<string> = new Set([
  'SFTTrainer',
  'DPOTrainer',
  'ORPOTrainer',
  'KTOTrainer',
  'RewardTrainer',
]);

/** TRL's trainers load a model that is given by its name. */
function readTrainerModel(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  if (!NAMED_MODEL_TRAINERS.has(call.last)) return;
  const option = optionsOfCall(call, scope).find('model', '0');
  if (asText(option) !== undefined) setModel(option, draft);
  if (call.last === 'SFTTrainer') draft.derive('task', 'causal-lm', [call.name], 'what SFTTrainer trains');
}
