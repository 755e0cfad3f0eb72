import { TRAINER_STEP } from './steps.js';
import type { SourcePlace } from '../../run/setting.js';
import { mergeSays } from '../launchers/peel.js';
import { OptionReader } from '../options/option-reader.js';
import { asOptions, Options } from '../options/option.js';
import { readStructured } from '../options/structured.js';
import type { Statement } from '../../workload/workload.js';
import type { Invocation } from './invocation.js';
import { readLoraShape } from './hf/model.js';
import { readTrainingArguments } from './hf/training-arguments.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

const OF = { of: 'kaito' };

/** Presets that can be tuned, with the hub's name of each (kaito presets/workspace/models). */
const PRESETS: Readonly<Record<string, string>> = {
  'phi-4': 'microsoft/phi-4',
  'phi-4-mini-instruct': 'microsoft/Phi-4-mini-instruct',
  'phi-3-mini-4k-instruct': 'microsoft/Phi-3-mini-4k-instruct',
  'phi-3-mini-128k-instruct': 'microsoft/Phi-3-mini-128k-instruct',
  'phi-3-medium-4k-instruct': 'microsoft/Phi-3-medium-4k-instruct',
  'phi-3-medium-128k-instruct': 'microsoft/Phi-3-medium-128k-instruct',
  'phi-3.5-mini-instruct': 'microsoft/Phi-3.5-mini-instruct',
  'mistral-7b-v0.3': 'mistralai/Mistral-7B-v0.3',
  'mistral-7b': 'mistralai/Mistral-7B-v0.3',
  'qwen2.5-coder-7b-instruct': 'Qwen/Qwen2.5-Coder-7B-Instruct',
  'qwen2.5-coder-32b-instruct': 'Qwen/Qwen2.5-Coder-32B-Instruct',
  'falcon-7b': 'tiiuae/falcon-7b',
};

const statement = ({ statements }: Invocation, name: string): Statement | undefined =>
  statements?.find((each) => each.name === name);

/** KAITO's tuning: preset and method in the Workspace, the rest in its configuration or the templates for it. */
export const kaito: TrainingProgram = {
  id: 'kaito-tuning',
  name: 'KAITO tuning',
  step: TRAINER_STEP,
  builtOn: ['transformers', 'peft', 'trl'],
  options: null,
  recognise: (invocation: Invocation): Recognition | null =>
    statement(invocation, 'preset') && statement(invocation, 'method') ? 'name' : null,
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const method = statement(invocation, 'method');
    const config = readConfig(context);
    nameProgram(context, { name: 'KAITO tuning', package: 'kaito' });
    readPreset(statement(invocation, 'preset'), context);
    context.says = mergeSays(context.says, { processesPerNode: { value: 'gpu', place: null } });
    draft.derive('task', 'causal-lm', ['program'], 'KAITO tunes language models');
    readMethod(method, config, context);
    readTraining(config, context);
  },
};

const placeOf = ({ path, value }: Statement): SourcePlace => ({
  document: 'manifest',
  path,
  text: value.slice(0, 200),
  span: { start: 0, end: value.length },
});

function readPreset(preset: Statement | undefined, { draft }: ProgramContext): void {
  const name = preset && Object.hasOwn(PRESETS, preset.value) ? PRESETS[preset.value] : preset?.value;
  if (preset && name) draft.read('model', { name, catalogId: null, config: null }, placeOf(preset));
}

/** The sections of `training_config` of the ConfigMap that the Workspace names, where it was given. */
function readConfig({ files, draft, invocation }: ProgramContext): Options {
  const found = files.read('/mnt/config/training_config.yaml', null);
  const parsed = 'content' in found ? readStructured(found.content) : null;
  if (parsed && 'options' in parsed) return asOptions(parsed.options.find('training_config')) ?? new Options();
  const named = statement(invocation, 'config');
  if (named) draft.note(`ConfigMap ${named.value} was not given: KAITO's templates are taken`);
  return new Options();
}

const section = (config: Options, name: string): Options => asOptions(config.find(name)) ?? new Options();

function readMethod(method: Statement | undefined, config: Options, { draft }: ProgramContext): void {
  const place = method ? placeOf(method) : null;
  draft.read('peft.method', 'lora', place);
  readLoraShape(new OptionReader(section(config, 'LoraConfig'), draft), draft, { ...OF, rank: 8, dropout: 0 });
  if (method?.value === 'qlora') draft.read('quantization', 'nf4-double', place);
}

/** Pinned since main of 2026-08: transformers 5.14, torch 2.11, trl 1: fused AdamW, bf16, checkpointing on. */
function readTraining(config: Options, context: ProgramContext): void {
  const { draft, versions } = context;
  versions.add('transformers', '5.14.1', null);
  versions.add('torch', '2.11.0', null);
  const reader = new OptionReader(section(config, 'TrainingArguments'), draft);
  reader.count('microBatchSize', 'per_device_train_batch_size');
  draft.default('microBatchSize', 1, { ...OF, note: 'template of KAITO' });
  reader.count('sequenceLength', 'max_length', 'max_seq_length');
  draft.default('sequenceLength', 1024, { of: 'trl' });
  draft.default('precision', 'bf16', { ...OF, note: 'bfloat16 weights, bf16 on' });
  readTrainingArguments(reader, context, { of: 'trl', checkpointing: true, bf16: true });
}
