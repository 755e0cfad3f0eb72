import { plain, worded } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { flattened } from '../options/hydra.js';
import { OptionReader } from '../options/option-reader.js';
import { asText, asTexts, Options } from '../options/option.js';
import { configFile } from './hf/command-line.js';
import { COMMON_NAMES } from './generic.js';
import { readModelName } from './hf/model.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { readLightningTrainer } from './lightning-trainer.js';

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
    readLightningTrainer(reader, context, 'trainer.');
    readOptimizer(reader);
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

function readOptimizer(reader: OptionReader): void {
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
