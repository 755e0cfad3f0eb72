import { OUTPUTS_KEPT } from './steps.js';
import { plain, side } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount } from '../options/option.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

const SYNTAX = {
  switches: new Set([
    'amp',
    'model_ema',
    'sync_bn',
    'test_only',
    'cache_dataset',
    'pretrained',
    'use_deterministic_algorithms',
    'ra_sampler',
    'use_v2',
  ]),
  short: { b: 'batch_size', j: 'workers' },
};

/** Flags that the references have and others of the name train.py have not (torchvision references/classification/train.py). */
const OWN_FLAGS = [
  'train_crop_size',
  'val_crop_size',
  'lr_warmup_method',
  'model_ema_steps',
  'ra_sampler',
  'cache_dataset',
  'auto_augment',
  'lr_step_size',
  'lr_warmup_epochs',
];

const OF = { of: 'torchvision references' };

/** torchvision's reference for classification. */
export const torchvisionReferences: TrainingProgram = {
  id: 'torchvision-references',
  name: 'torchvision references',
  step: OUTPUTS_KEPT,
  builtOn: ['torchvision'],
  options: {
    source: 'pytorch/vision: references/classification/train.py',
    writers: {
      microBatchSize: plain('--batch-size'),
      imageSize: side('--train-crop-size'),
    },
  },
  recognise({ kind, name, args, written }: Invocation): Recognition | null {
    if (kind !== 'script' || name !== 'train.py') return null;
    const { options } = readCommandLine(args, SYNTAX);
    if (written.text.includes('references/classification')) return 'name';
    return options.has('model') && options.has('data_path', ...OWN_FLAGS) && options.has(...OWN_FLAGS)
      ? 'script'
      : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(readCommandLine(invocation.args, SYNTAX).options, draft);
    nameProgram(context, { name: 'torchvision references/classification', package: 'torchvision' });
    const model = reader.text('model', 'model');
    if (model) draft.read('model', { name: model.value, catalogId: null, config: null }, model.place);
    draft.default('model', { name: 'resnet18', catalogId: null, config: null }, OF);
    draft.derive('task', 'image-classification', ['program'], 'the reference trains classifiers');
    reader.count('microBatchSize', 'batch_size');
    if (!draft.isOpen('microBatchSize')) draft.default('microBatchSize', 32, OF);
    const crop = reader.options.find('train_crop_size');
    const size = asCount(crop) ?? 224;
    if (crop) draft.read('imageSize', [size, size], crop.place);
    draft.default('imageSize', [224, 224], OF);
    readHow(reader, context);
  },
};

function readHow(reader: OptionReader, { draft }: ProgramContext): void {
  const amp = reader.truth('precision', 'amp');
  if (amp) draft.read('precision', amp.value ? 'amp-fp16' : 'fp32', amp.place);
  draft.default('precision', 'fp32', OF);
  reader.choice(
    'optimizer.name',
    { sgd: 'sgd', sgd_nesterov: 'sgd', rmsprop: 'rmsprop', adamw: 'adamw' } as const,
    'opt',
  );
  draft.default('optimizer.name', 'sgd', OF);
  reader.number('optimizer.momentum', 'momentum');
  draft.default('optimizer.momentum', 0.9, OF);
  reader.number('optimizer.weightDecay', 'weight_decay', 'wd');
  draft.default('optimizer.weightDecay', 1e-4, OF);
  const ema = reader.truth('ema', 'model_ema');
  if (ema) draft.read('ema', ema.value, ema.place);
  draft.default('gradientClipping', reader.options.has('clip_grad_norm'), OF);
}
