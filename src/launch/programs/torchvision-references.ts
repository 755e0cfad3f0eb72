import { OUTPUTS_KEPT } from './steps.js';
import type { ProgramOptions } from '../../run/program-options.js';
import { plain, side } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount, asText } from '../options/option.js';
import type { Task } from '../../run/training-run.js';
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
    'aux_loss',
    'use_copypaste',
  ]),
  short: { b: 'batch_size', j: 'workers' },
};

const OF = { of: 'torchvision references' };

/** One of the references' scripts, all of which are called train.py. */
interface Reference {
  id: string;
  /** Its folder below references/, which is what it is called here. */
  folder: string;
  task: Task;
  /** What it trains, as words. */
  trains: string;
  model: string;
  microBatchSize: number;
  /** Flags that it has and others of the name train.py have not. */
  ownFlags: readonly string[];
  /** What of its flags changes more than the batch. */
  writers: ProgramOptions['writers'];
  readImageSize(reader: OptionReader, model: string): void;
}

/** Fixed inputs of torchvision's single-shot detectors; all others resize to 800, the longer side to at most 1333. */
const DETECTOR_SIZES: Readonly<Record<string, number>> = { ssd300_vgg16: 300, ssdlite320_mobilenet_v3_large: 320 };

const square = (side: number): [number, number] => [side, side];
const always =
  (size: (model: string) => [number, number]): Reference['readImageSize'] =>
  ({ draft }, model) =>
    draft.default('imageSize', size(model), OF);

const CLASSIFICATION: Reference = {
  id: 'torchvision-references',
  folder: 'classification',
  task: 'image-classification',
  trains: 'classifiers',
  model: 'resnet18',
  microBatchSize: 32,
  ownFlags: [
    'train_crop_size',
    'val_crop_size',
    'lr_warmup_method',
    'model_ema_steps',
    'ra_sampler',
    'cache_dataset',
    'auto_augment',
    'lr_step_size',
    'lr_warmup_epochs',
  ],
  writers: { imageSize: side('--train-crop-size') },
  readImageSize({ options, draft }) {
    const crop = options.find('train_crop_size');
    if (crop) draft.read('imageSize', square(asCount(crop) ?? 224), crop.place);
    draft.default('imageSize', square(224), OF);
  },
};

/** By pytorch/vision: references/{classification,detection,segmentation}/train.py, its presets and models/detection. */
const REFERENCES: readonly Reference[] = [
  CLASSIFICATION,
  {
    id: 'torchvision-detection',
    folder: 'detection',
    task: 'detection',
    trains: 'detectors',
    model: 'maskrcnn_resnet50_fpn',
    microBatchSize: 2,
    ownFlags: [
      'aspect_ratio_group_factor',
      'rpn_score_thresh',
      'trainable_backbone_layers',
      'data_augmentation',
      'use_copypaste',
    ],
    writers: {},
    readImageSize: always((model) =>
      Object.hasOwn(DETECTOR_SIZES, model) ? square(DETECTOR_SIZES[model]!) : [800, 1333],
    ),
  },
  {
    id: 'torchvision-segmentation',
    folder: 'segmentation',
    task: 'segmentation',
    trains: 'segmenters',
    model: 'fcn_resnet101',
    microBatchSize: 8,
    ownFlags: ['aux_loss'],
    writers: {},
    readImageSize: always(() => square(480)),
  },
];

/** The program of one reference: recognised by its folder, or by flags that only it has. */
const programOf = (reference: Reference): TrainingProgram => ({
  id: reference.id,
  name: `torchvision references/${reference.folder}`,
  step: OUTPUTS_KEPT,
  builtOn: ['torchvision'],
  options: {
    source: `pytorch/vision: references/${reference.folder}/train.py`,
    writers: { microBatchSize: plain('--batch-size'), ...reference.writers },
  },
  recognise({ kind, name, args, written }: Invocation): Recognition | null {
    if (kind !== 'script' || name !== 'train.py') return null;
    if (written.text.includes(`references/${reference.folder}`)) return 'name';
    const { options } = readCommandLine(args, SYNTAX);
    return options.has('model') && options.has(...reference.ownFlags) ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(readCommandLine(invocation.args, SYNTAX).options, draft);
    nameProgram(context, { name: `torchvision references/${reference.folder}`, package: 'torchvision' });
    const name = readModel(reader, reference);
    draft.derive('task', reference.task, ['program'], `the reference trains ${reference.trains}`);
    reader.count('microBatchSize', 'batch_size');
    if (!draft.isOpen('microBatchSize')) draft.default('microBatchSize', reference.microBatchSize, OF);
    reference.readImageSize(reader, name);
    readHow(reader, context);
  },
});

/** References for classification, detection and segmentation, all called train.py. */
export const torchvisionReferences: readonly TrainingProgram[] = REFERENCES.map(programOf);

/** Reads the model, with the auxiliary head that segmenters are told to have; returns its name. */
function readModel({ options, draft }: OptionReader, reference: Reference): string {
  const option = options.find('model');
  const name = asText(option) ?? reference.model;
  const config = options.has('aux_loss') && reference.task === 'segmentation' ? { aux_loss: true } : null;
  const model = { name: name.slice(0, 300), catalogId: null, config };
  if (option?.unresolved) draft.leaveOpen('model', option.unresolved);
  else if (option) draft.read('model', model, option.place);
  draft.default('model', model, OF);
  return name;
}

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
