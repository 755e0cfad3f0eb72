import { plain } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { flattened } from '../options/hydra.js';
import { OptionReader } from '../options/option-reader.js';
import { asBoolean, asText, textOption } from '../options/option.js';
import type { Options } from '../options/option.js';
import { mergeSays } from '../launchers/peel.js';
import { saidCount } from '../launchers/launcher.js';
import { configFile } from './hf/command-line.js';
import type { Invocation } from './invocation.js';
import { readNamed } from './named-model.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_KEPT } from './steps.js';

const OF = { of: 'litgpt' };
const VERBS: ReadonlySet<string> = new Set([
  'finetune',
  'finetune_lora',
  'finetune_full',
  'finetune_adapter',
  'finetune_adapter_v2',
  'pretrain',
]);
const PRECISIONS = {
  'bf16-true': 'bf16',
  'bf16-mixed': 'amp-bf16',
  '16-true': 'fp16',
  '16-mixed': 'amp-fp16',
  '32-true': 'fp32',
} as const;
const QUANTIZE = {
  'bnb.nf4': 'nf4',
  'bnb.nf4-dq': 'nf4-double',
  'bnb.fp4': 'fp4',
  'bnb.fp4-dq': 'fp4',
  'bnb.int8-training': 'int8',
} as const;
/** LoRA's switches with their defaults, and the layers that each adapts (litgpt/finetune/lora.py). */
const TARGETS = [
  ['lora_query', true, ['q_proj']],
  ['lora_key', false, ['k_proj']],
  ['lora_value', true, ['v_proj']],
  ['lora_projection', false, ['o_proj']],
  ['lora_mlp', false, ['gate_proj', 'up_proj', 'down_proj']],
  ['lora_head', false, ['lm_head']],
] as const;

/** litgpt: `litgpt finetune|finetune_lora|finetune_full|pretrain MODEL --train.x y`; Fabric starts the processes. */
export const litgpt: TrainingProgram = {
  id: 'litgpt',
  name: 'litgpt',
  step: OUTPUTS_KEPT,
  builtOn: ['lightning'],
  options: {
    source: 'litgpt 0.5: args.py, finetune/*.py, pretrain.py',
    writers: {
      microBatchSize: plain('--train.micro_batch_size'),
      sequenceLength: plain('--train.max_seq_length'),
      'peft.rank': plain('--lora_r'),
    },
  },
  recognise: (invocation: Invocation): Recognition | null => (verbOf(invocation) === null ? null : 'name'),
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const verb = verbOf(invocation) ?? 'finetune';
    const line = readCommandLine(invocation.args, {});
    const path = asText(line.options.find('config'));
    const file = path === undefined ? null : flattened(configFile(path, context));
    const options = file ? line.options.over(file) : line.options;
    const reader = new OptionReader(options, draft);
    nameProgram(context, { name: `litgpt ${verb}`, package: 'litgpt' });
    draft.derive('task', 'causal-lm', ['program'], 'litgpt trains language models');
    readModel(
      options,
      line.positionals.find(({ text }) => !VERBS.has(text)),
      context,
    );
    readSizes(reader, context, verb === 'pretrain');
    readAdapter(reader, context, verb);
    readProcesses(options, context, verb);
  },
};

/** Modules of litgpt below the package, by their commands. */
const MODULES: Readonly<Record<string, string>> = {
  'litgpt.finetune.lora': 'finetune_lora',
  'litgpt.finetune.full': 'finetune_full',
  'litgpt.pretrain': 'pretrain',
};

function verbOf({ kind, name, args }: Invocation): string | null {
  if (kind === 'module' && Object.hasOwn(MODULES, name)) return MODULES[name] ?? null;
  const verb = args[0]?.text ?? '';
  const isCommand = name === 'litgpt' && (kind === 'console' || kind === 'module');
  return isCommand && VERBS.has(verb) ? verb : null;
}

/** `checkpoints/org/name` is where `litgpt download org/name` puts a model. */
function readModel(options: Options, positional: Invocation['written'] | undefined, { draft }: ProgramContext): void {
  const option = options.find('checkpoint_dir', 'model_name') ?? (positional && textOption('model', positional));
  const text = asText(option);
  if (option?.unresolved) draft.leaveOpen('model', option.unresolved);
  if (option && text !== undefined) readNamed(draft, lastTwo(text), option.place);
}

const lastTwo = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== 'checkpoints')
    .slice(-2)
    .join('/');

function readSizes(reader: OptionReader, { draft }: ProgramContext, isPretrain: boolean): void {
  reader.count('microBatchSize', 'train.micro_batch_size');
  draft.default('microBatchSize', isPretrain ? 4 : 1, OF);
  reader.count('globalBatchSize', 'train.global_batch_size');
  draft.default('globalBatchSize', isPretrain ? 512 : 16, OF);
  reader.count('sequenceLength', 'train.max_seq_length');
  if (!draft.has('sequenceLength'))
    draft.leaveOpen(
      'sequenceLength',
      isPretrain ? 'without train.max_seq_length rows are as long as the model takes' : 'rows are as long as the data',
    );
  draft.default('packing', isPretrain, OF);
  reader.choice('precision', PRECISIONS, 'precision');
  draft.default('precision', 'amp-bf16', { ...OF, note: 'bf16-mixed where the device has it' });
  reader.choice('quantization', QUANTIZE, 'quantize');
  reader.choice('optimizer.name', { AdamW: 'adamw', 'torch.optim.AdamW': 'adamw', SGD: 'sgd' } as const, 'optimizer');
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('optimizer.implementation', isPretrain ? 'fused' : 'foreach', OF);
  draft.default('optimizer.weightDecay', 0.02, OF);
  if (isPretrain) draft.default('compile', 'default', { ...OF, note: 'pretrain compiles the model' });
  draft.default('gradientClipping', isPretrain, OF);
}

function readAdapter({ options }: OptionReader, { draft }: ProgramContext, verb: string): void {
  if (verb.startsWith('finetune_adapter')) draft.derive('peft.method', 'adapter', ['program'], `litgpt ${verb}`);
  if (verb !== 'finetune' && verb !== 'finetune_lora') return;
  draft.derive('peft.method', 'lora', ['program'], `litgpt ${verb} trains adapters`);
  const reader = new OptionReader(options, draft);
  reader.count('peft.rank', 'lora_r');
  draft.default('peft.rank', 8, OF);
  reader.number('peft.dropout', 'lora_dropout');
  draft.default('peft.dropout', 0.05, OF);
  const chosen = TARGETS.filter(([flag, isOn]) => asBoolean(options.find(flag)) ?? isOn);
  draft.default(
    'peft.targetModules',
    chosen.flatMap(([, , layers]) => [...layers]),
    { ...OF, note: 'lora_query, lora_value, ...' },
  );
}

/** Fabric starts `--devices` processes; more than one shard with FSDP. */
function readProcesses(options: Options, context: ProgramContext, verb: string): void {
  const { draft } = context;
  const said = saidCount(options.find('devices'));
  const isPretrain = verb === 'pretrain';
  const devices = said ?? { value: isPretrain ? ('gpu' as const) : 1, place: null };
  context.says = mergeSays(context.says, { processesPerNode: devices, nodes: saidCount(options.find('num_nodes')) });
  const count = 'value' in devices ? (devices.value === 'gpu' ? (context.devicesPerPod ?? 2) : devices.value) : 2;
  if (count < 2) return;
  draft.default('parallelism.sharding', isPretrain ? 'hsdp' : 'fsdp-full', { ...OF, note: 'more than one device' });
  if (!isPretrain) draft.default('activationCheckpointing', 'full', { ...OF, note: 'with FSDP' });
}
