import { OUTPUTS_KEPT } from './steps.js';
import { plain, side, worded } from '../../run/program-options.js';
import type { RunField } from '../../run/training-run.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount, asText, asTexts } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import { defaultOf } from '../versions.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram, versionedDefault } from './program.js';

/** timm train.py: switches, one-letter flags. */
const SYNTAX = {
  switches: new Set([
    'amp',
    'native_amp',
    'apex_amp',
    'channels_last',
    'model_ema',
    'model_ema_force_cpu',
    'grad_checkpointing',
    'pretrained',
    'sync_bn',
    'no_aug',
    'bce_loss',
    'pin_mem',
    'no_prefetcher',
    'use_multi_epochs_loader',
    'log_wandb',
    'split_bn',
    'no_ddp_bb',
  ]),
  short: { b: 'batch_size', j: 'workers', vb: 'validation_batch_size' },
};

/** Flags that only timm's train.py has among the scripts of that name. */
const OWN_FLAGS = [
  'grad_checkpointing',
  'amp_dtype',
  'amp_impl',
  'aug_repeats',
  'aug_splits',
  'bce_loss',
  'checkpoint_hist',
  'clip_mode',
  'cooldown_epochs',
  'cutmix',
  'data_dir',
  'decay_epochs',
  'drop_path',
  'model_ema_decay',
  'native_amp',
  'opt_eps',
  'recount',
  'remode',
  'reprob',
  'sched',
  'smoothing',
  'warmup_lr',
  'img_size',
  'grad_accum_steps',
  'channels_last',
  'layer_decay',
  'mixup',
  'aa',
];

const OPTIMIZERS = {
  sgd: 'sgd',
  nesterov: 'sgd',
  momentum: 'sgd',
  sgdp: 'sgd',
  adam: 'adam',
  adamw: 'adamw',
  nadam: 'nadam',
  nadamw: 'nadam',
  radam: 'radam',
  adamax: 'adamax',
  adafactor: 'adafactor',
  rmsprop: 'rmsprop',
  rmsproptf: 'rmsprop',
  lamb: 'lamb',
  lion: 'lion',
  adagrad: 'adagrad',
  adadelta: 'adadelta',
  muon: 'muon',
} as const;

/** Names that only timm gives to models. */
const OWN_MODELS =
  /^(vit|deit3?|beit(v2)?|eva(02)?|swin(v2)?|convnext(v2)?|maxvit)_\w*(patch|window|tiny|small|base|large)/;

const OF = { of: 'timm' };

/** timm's train.py. */
export const timm: TrainingProgram = {
  id: 'timm',
  name: 'timm train.py',
  step: OUTPUTS_KEPT,
  builtOn: ['timm'],
  options: {
    source: 'timm 1.0: train.py',
    writers: {
      microBatchSize: plain('--batch-size'),
      gradientAccumulationSteps: plain('--grad-accum-steps'),
      activationCheckpointing: worded('--grad-checkpointing', { full: '' }),
      imageSize: side('--img-size'),
    },
  },
  recognise({ kind, name, args, written }: Invocation): Recognition | null {
    if (kind !== 'script' || name !== 'train.py') return null;
    const { options } = readCommandLine(args, SYNTAX);
    const isTimm = written.text.includes('pytorch-image-models') || written.text.includes('timm');
    const isOwn = isTimm || options.has(...OWN_FLAGS) || OWN_MODELS.test(asText(options.find('model')) ?? '');
    return options.has('model') && isOwn ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(readCommandLine(invocation.args, SYNTAX).options, draft);
    nameProgram(context, { name: 'timm train.py', package: 'timm' });
    const model = reader.text('model', 'model');
    if (model) draft.read('model', { name: model.value, catalogId: null, config: null }, model.place);
    draft.derive('task', 'image-classification', ['program'], 'timm trains classifiers');
    reader.count('microBatchSize', 'batch_size');
    const batch = defaultOf(
      [
        ['0', 32],
        ['0.5.4', 128],
      ] as const,
      context.versions.get('timm'),
    );
    if (!draft.isOpen('microBatchSize')) versionedDefault<number>(context, 'microBatchSize', { ...batch, ...OF });
    reader.count('gradientAccumulationSteps', 'grad_accum_steps');
    reader.count('numClasses', 'num_classes');
    readImageSize(reader, context);
    readPrecision(reader, context);
    readHow(reader, context);
  },
};

/** `--input-size C H W` wins over `--img-size`; without either the model's own size. */
function readImageSize(reader: OptionReader, { draft }: ProgramContext): void {
  const input = reader.options.find('input_size');
  const [, height, width] = (asTexts(input) ?? []).map(Number);
  if (input && Number.isSafeInteger(height) && Number.isSafeInteger(width))
    draft.read('imageSize', [height, width], input.place);
  const option = reader.options.find('img_size');
  const size = asCount(option);
  if (option && size !== undefined) draft.read('imageSize', [size, size], option.place);
  draft.default('imageSize', null, { ...OF, note: "the model's own size" });
}

function readPrecision(reader: OptionReader, { draft }: ProgramContext): void {
  const amp = reader.truth('precision', 'amp', 'native_amp', 'apex_amp');
  const type = reader.word('precision', { float16: 'amp-fp16', bfloat16: 'amp-bf16' } as const, 'amp_dtype');
  if (amp?.value) draft.read('precision', type?.value ?? 'amp-fp16', (type ?? amp).place);
  reader.choice('precision', { float32: 'tf32', float16: 'fp16', bfloat16: 'bf16' } as const, 'model_dtype');
  draft.default('precision', 'tf32', { ...OF, note: 'fp32 with TF32 on' });
}

function readHow(reader: OptionReader, { draft }: ProgramContext): void {
  reader.choice('optimizer.name', OPTIMIZERS, 'opt');
  draft.default('optimizer.name', 'sgd', OF);
  reader.number('optimizer.momentum', 'momentum');
  draft.default('optimizer.momentum', 0.9, OF);
  reader.number('optimizer.weightDecay', 'weight_decay');
  draft.default('optimizer.weightDecay', 2e-5, OF);
  readSwitch(reader, draft, ['grad_checkpointing', 'activationCheckpointing', 'full']);
  if (!reader.options.has('model_ema_force_cpu')) readSwitch(reader, draft, ['model_ema', 'ema', true]);
  readSwitch(reader, draft, ['channels_last', 'channelsLast', true]);
  readSwitch(reader, draft, ['torchcompile', 'compile', 'default']);
  draft.default('gradientClipping', reader.options.has('clip_grad'), OF);
  const prefetched = reader.options.has('no_prefetcher') ? 0 : 1;
  draft.default('prefetchedBatches', prefetched, { ...OF, note: 'the loader copies the next batch ahead' });
}

function readSwitch(
  reader: OptionReader,
  draft: RunDraft,
  [flag, field, value]: readonly [string, RunField, unknown],
): void {
  const option = reader.options.find(flag);
  if (option && option.value !== false) draft.read(field, value, option.place);
}
