import { plain, worded } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { flattened } from '../options/hydra.js';
import { OptionReader } from '../options/option-reader.js';
import { asText, asTexts, Options } from '../options/option.js';
import { mergeSays } from '../launchers/peel.js';
import type { Said } from '../launchers/launcher.js';
import { saidCount } from '../launchers/launcher.js';
import { configFile } from './hf/command-line.js';
import { COMMON_NAMES } from './generic.js';
import { readModelName } from './hf/model.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

const OF = { of: 'lightning' };

/** Strategies by name: sharding, and whether parameters or the optimizer live on the CPU. */
const STRATEGIES: Readonly<Record<string, readonly [string, ('parameters' | 'optimizer')?]>> = {
  ddp: ['ddp'],
  ddp_spawn: ['ddp'],
  ddp_find_unused_parameters_true: ['ddp'],
  fsdp: ['fsdp-full'],
  fsdp_cpu_offload: ['fsdp-full', 'parameters'],
  deepspeed: ['zero2'],
  deepspeed_stage_1: ['zero1'],
  deepspeed_stage_2: ['zero2'],
  deepspeed_stage_2_offload: ['zero2', 'optimizer'],
  deepspeed_stage_3: ['zero3'],
  deepspeed_stage_3_offload: ['zero3', 'parameters'],
};

const PRECISIONS = {
  '32': 'fp32',
  '32-true': 'fp32',
  '16': 'amp-fp16',
  '16-mixed': 'amp-fp16',
  bf16: 'amp-bf16',
  'bf16-mixed': 'amp-bf16',
  '16-true': 'fp16',
  'bf16-true': 'bf16',
  'transformer-engine': 'fp8',
} as const;

/** LightningCLI: `script.py fit --config FILE --trainer.x y --model.y z --data.z w`. */
export const lightningCli: TrainingProgram = {
  id: 'lightning-cli',
  name: 'LightningCLI script',
  step: null,
  builtOn: ['lightning'],
  options: {
    source: 'lightning 2: pytorch/trainer/trainer.py',
    isOwnScript: true,
    writers: {
      gradientAccumulationSteps: plain('--trainer.accumulate_grad_batches'),
      precision: worded('--trainer.precision', { 'amp-bf16': 'bf16-mixed', 'amp-fp16': '16-mixed' }),
      'parallelism.sharding': worded('--trainer.strategy', { 'fsdp-full': 'fsdp', zero3: 'deepspeed_stage_3' }),
    },
  },
  recognise({ kind, args }: Invocation): Recognition | null {
    if (kind !== 'script' && kind !== 'module') return null;
    const fits = args[0]?.text === 'fit';
    const hasTrainer = args.some(({ text }) => text.startsWith('--trainer.') || text.startsWith('--config'));
    return fits && hasTrainer ? 'flags' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const line = readCommandLine(invocation.args, {});
    const path = asText(line.options.find('config', 'c'));
    const file = path === undefined ? new Options() : flattened(configFile(path, context));
    const reader = new OptionReader(line.options.over(file), draft);
    const guess = `${invocation.name} defines its model by itself: what its options say of it is taken at their word`;
    nameProgram(context, { name: `${invocation.name} (LightningCLI)`, package: 'lightning', guess });
    draft.note(guess);
    readInputs(reader, context);
    readTrainer(reader, context);
    readProcesses(reader, context);
  },
};

/** Whatever the module and the data call it: names that everybody uses, at their usual places. */
function readInputs(reader: OptionReader, { draft }: ProgramContext): void {
  const under = (names: readonly string[]): string[] =>
    names.flatMap((name) => [`model.${name}`, `data.${name}`, `model.init_args.${name}`, `data.init_args.${name}`]);
  readModelName(reader, draft, ...under(COMMON_NAMES.model));
  reader.count('microBatchSize', ...under(COMMON_NAMES.batch));
  reader.count('sequenceLength', ...under(COMMON_NAMES.sequence));
  reader.count('numClasses', ...under(COMMON_NAMES.classes));
  const size = reader.options.find(...under(COMMON_NAMES.image));
  const [height, width = height] = (asTexts(size) ?? []).map(Number);
  if (height === undefined || width === undefined) return;
  draft.read('imageSize', [height, width], size?.place ?? null);
  draft.assume('task', 'image-classification', 'its options speak of images');
}

function readTrainer(reader: OptionReader, { draft }: ProgramContext): void {
  reader.choice('precision', PRECISIONS, 'trainer.precision');
  draft.default('precision', 'fp32', OF);
  reader.count('gradientAccumulationSteps', 'trainer.accumulate_grad_batches');
  const clipping = reader.options.find('trainer.gradient_clip_val');
  if (clipping?.value != null) draft.read('gradientClipping', true, clipping.place);
  readStrategy(reader);
  const OPTIMIZERS = {
    AdamW: 'adamw',
    'torch.optim.AdamW': 'adamw',
    Adam: 'adam',
    'torch.optim.Adam': 'adam',
    SGD: 'sgd',
    'torch.optim.SGD': 'sgd',
  } as const;
  reader.choice('optimizer.name', OPTIMIZERS, 'optimizer', 'optimizer.class_path');
}

function readStrategy(reader: OptionReader): void {
  const { draft } = reader;
  const found = reader.text('parallelism.sharding', 'trainer.strategy', 'trainer.strategy.class_path');
  const known = found && STRATEGIES[found.value];
  if (found && known) {
    draft.read('parallelism.sharding', known[0], found.place);
    if (known[1]) draft.read(`offload.${known[1]}`, true, found.place);
  } else if (found && found.value !== 'auto')
    draft.leaveOpen('parallelism.sharding', `the strategy ${found.value.slice(0, 60)} is not known here`);
}

/** Lightning starts its own processes on each node; `auto` and -1 are all visible devices. */
function readProcesses({ options }: OptionReader, context: ProgramContext): void {
  if (context.launchers.length > 0) return;
  const devices = options.find('trainer.devices');
  const all: Said = { value: 'gpu', place: devices?.place ?? null };
  const nodes = saidCount(options.find('trainer.num_nodes'));
  context.says = mergeSays(context.says, { processesPerNode: saidCount(devices) ?? all, nodes });
}
