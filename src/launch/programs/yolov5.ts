import { overAllRanks, side } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { Option } from '../options/option.js';
import { asCount, asText } from '../options/option.js';
import type { Invocation } from './invocation.js';
import { accumulatesToNominal, readBatchOfAll } from './nominal-batch.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_KEPT } from './steps.js';

const OF = { of: 'yolov5' };

const SYNTAX = {
  switches: new Set([
    'rect',
    'nosave',
    'noval',
    'noautoanchor',
    'noplots',
    'image_weights',
    'multi_scale',
    'single_cls',
    'sync_bn',
    'exist_ok',
    'quad',
    'cos_lr',
  ]),
  short: {},
};

/** Weights and configurations of its own models. */
const OWN_MODEL = /(?:^|\/)yolov5[nsmlx]6?(?:\.pt|\.yaml)?$/;

const OPTIMIZERS = { SGD: 'sgd', Adam: 'adam', AdamW: 'adamw' } as const;

const modelOption = ({ options }: OptionReader): Option | undefined => {
  const cfg = options.find('cfg');
  return asText(cfg) ? cfg : options.find('weights');
};

const bare = (name: string): string => name.replace(/^.*\//, '').replace(/\.(?:pt|yaml)$/, '');

/** YOLOv5's own train.py (ultralytics/yolov5), not the package that came after it. */
export const yolov5: TrainingProgram = {
  id: 'yolov5',
  name: 'YOLOv5 train.py',
  step: OUTPUTS_KEPT,
  builtOn: ['yolov5'],
  options: {
    source: 'yolov5 7.0: train.py',
    writers: {
      microBatchSize: overAllRanks('--batch-size'),
      imageSize: side('--imgsz'),
    },
    follows: accumulatesToNominal,
  },
  recognise({ kind, name, args, written }: Invocation): Recognition | null {
    if (kind !== 'script' || name !== 'train.py') return null;
    const { options } = readCommandLine(args, SYNTAX);
    const models = [options.find('cfg'), options.find('weights')].map((option) => asText(option) ?? '');
    if (models.some((model) => OWN_MODEL.test(model))) return 'script';
    const isOwn = /yolov5/i.test(written.text) && !/segment\/|classify\//.test(written.text);
    return isOwn && options.has('data', 'weights', 'cfg') ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(readCommandLine(invocation.args, SYNTAX).options, draft);
    nameProgram(context, { name: 'YOLOv5 train.py', package: 'yolov5' });
    readModel(reader, context);
    draft.derive('task', 'detection', ['program'], 'YOLOv5 trains detectors');
    readBatch(reader, context);
    readImageSize(reader, context);
    readHow(reader, context);
  },
};

function readModel(reader: OptionReader, { draft }: ProgramContext): void {
  const option = modelOption(reader);
  const name = asText(option);
  if (option && name) draft.read('model', { name: bare(name), catalogId: null, config: null }, option.place);
  draft.default('model', { name: 'yolov5s', catalogId: null, config: null }, OF);
}

/** Processes are those of a launcher around it; without one there is one. */
function readBatch(reader: OptionReader, { launchers, devicesPerPod }: ProgramContext): void {
  const devices = launchers.length > 0 ? (devicesPerPod ?? 1) : 1;
  readBatchOfAll(reader, { names: ['batch_size', 'batch'], devices, ...OF });
}

/** Square, rounded up to the coarsest stride; `--multi-scale` goes to half as much again. */
function readImageSize(reader: OptionReader, { draft }: ProgramContext): void {
  const option = reader.options.find('imgsz', 'img', 'img_size');
  const side = Math.ceil((asCount(option) ?? 640) / 32) * 32;
  if (reader.options.has('multi_scale')) {
    const largest = Math.floor((side * 1.5) / 32) * 32;
    draft.derive('imageSize', [largest, largest], ['multi_scale'], 'whole batches are resized to half as much again');
  } else if (option) draft.read('imageSize', [side, side], option.place);
  draft.default('imageSize', [side, side], OF);
}

function readHow(reader: OptionReader, { draft }: ProgramContext): void {
  draft.default('precision', 'amp-fp16', OF);
  reader.choice('optimizer.name', OPTIMIZERS, 'optimizer');
  draft.default('optimizer.name', 'sgd', OF);
  draft.default('optimizer.momentum', 0.937, OF);
  draft.default('optimizer.weightDecay', 5e-4, OF);
  draft.default('ema', true, { ...OF, note: 'a copy of the weights on the GPU' });
  draft.default('gradientClipping', true, { ...OF, note: 'to a norm of 10' });
}
