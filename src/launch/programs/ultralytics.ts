import { overAllRanks, side } from '../../run/program-options.js';
import { mergeSays } from '../launchers/peel.js';
import { OptionReader } from '../options/option-reader.js';
import type { Option } from '../options/option.js';
import { asNumber, asText, Options, textOption } from '../options/option.js';
import type { Invocation } from './invocation.js';
import { accumulatesToNominal, readBatchOfAll } from './nominal-batch.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

const OF = { of: 'ultralytics' };

const TASKS = {
  detect: 'detection',
  segment: 'segmentation',
  classify: 'image-classification',
  pose: 'detection',
  obb: 'detection',
} as const;

/** Ultralytics: `yolo [TASK] train key=value …`. */
export const ultralytics: TrainingProgram = {
  id: 'ultralytics',
  name: 'Ultralytics YOLO',
  step: null,
  builtOn: ['ultralytics'],
  options: {
    source: 'ultralytics 8.3: cfg/default.yaml',
    writers: {
      microBatchSize: overAllRanks('batch', 'override'),
      imageSize: side('imgsz', 'override'),
    },
    follows: accumulatesToNominal,
  },
  recognise: ({ kind, name, args }: Invocation): Recognition | null =>
    kind === 'console' &&
    (name === 'yolo' || name === 'ultralytics') &&
    args.slice(0, 2).some(({ text }) => text === 'train' || text === 'mode=train')
      ? 'name'
      : null,
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(keyValues(invocation), draft);
    nameProgram(context, { name: 'Ultralytics YOLO', package: 'ultralytics' });
    readUltralytics(reader, context);
  },
};

/** Reads a training of Ultralytics from its settings, which are the same on the command line and in Python. */
export function readUltralytics(reader: OptionReader, context: ProgramContext): void {
  const { draft } = context;
  const model = reader.text('model', 'model');
  if (model) draft.read('model', { name: modelNamed(model.value), catalogId: null, config: null }, model.place);
  readTask(reader, context);
  const devices = startProcesses(reader, context);
  readBatchOfAll(reader, { names: ['batch'], devices, ...OF });
  readImageSize(reader, context);
  readHow(reader, context);
}

/** Weights and configurations go by one name. YOLOv3 and v5 have ultralytics' head here, and a u behind them for it. */
function modelNamed(name: string): string {
  const bare = name.replace(/\.(?:pt|yaml)$/, '');
  return /(?:^|\/)yolov(?:3(?:-spp|-tiny)?|5[nsmlx]6?)$/.test(bare) ? `${bare}u` : bare;
}

function keyValues({ args }: Invocation): Options {
  return new Options(
    args.flatMap((word): Option[] => {
      const equals = word.text.indexOf('=');
      return equals > 0 ? [textOption(word.text.slice(0, equals), word.slice(equals + 1))] : [];
    }),
  );
}

function readTask(reader: OptionReader, { draft, invocation }: ProgramContext): void {
  const [word] = invocation.args;
  const task = word && Object.hasOwn(TASKS, word.text) ? TASKS[word.text as keyof typeof TASKS] : undefined;
  if (task && word) draft.read('task', task, word.place());
  reader.choice('task', TASKS, 'task');
  const name = (draft.value('model') as { name: string } | undefined)?.name ?? '';
  draft.default(
    'task',
    name.endsWith('-cls') ? 'image-classification' : name.endsWith('-seg') ? 'segmentation' : 'detection',
    OF,
  );
}

/** `device=0,1,2,3` names the GPUs, one process each; without it one GPU. */
function startProcesses(reader: OptionReader, context: ProgramContext): number {
  const option = reader.options.find('device');
  const devices = devicesIn(option);
  context.says = mergeSays(context.says, {
    processesPerNode: { value: devices, place: option?.place ?? null },
    nodes: { value: 1, place: null },
  });
  return devices;
}

/** `0,1` on the command line, `[0, 1]` in Python. */
function devicesIn(option: Option | undefined): number {
  if (Array.isArray(option?.value)) return Math.max(1, option.value.length);
  const names = asText(option)
    ?.split(',')
    .filter((part) => part.trim() !== '');
  return names?.length ?? 1;
}

/** Square, rounded up to the stride of 32. */
function readImageSize(reader: OptionReader, { draft }: ProgramContext): void {
  const option = reader.options.find('imgsz');
  const size = asNumber(option);
  const rounded = Math.ceil((size ?? 640) / 32) * 32;
  if (option && size !== undefined) draft.read('imageSize', [rounded, rounded], option.place);
  const isClassifier = draft.value('task') === 'image-classification';
  draft.default('imageSize', isClassifier ? [224, 224] : [640, 640], OF);
}

function readHow(reader: OptionReader, { draft }: ProgramContext): void {
  reader.choice(
    'precision',
    { true: 'amp-fp16', True: 'amp-fp16', false: 'fp32', False: 'fp32', bf16: 'amp-bf16', fp16: 'amp-fp16' } as const,
    'amp',
  );
  draft.default('precision', 'amp-fp16', OF);
  reader.choice(
    'optimizer.name',
    { SGD: 'sgd', AdamW: 'adamw', Adam: 'adam', NAdam: 'nadam', RAdam: 'radam', RMSProp: 'rmsprop' } as const,
    'optimizer',
  );
  draft.assume('optimizer.name', 'adamw', 'optimizer=auto: SGD for long trainings, else AdamW', {
    low: 'sgd',
    high: 'adamw',
  });
  draft.default('optimizer.momentum', 0.937, OF);
  draft.default('optimizer.weightDecay', 5e-4, OF);
  draft.default('ema', true, { ...OF, note: 'a copy of the weights on the GPU' });
  draft.default('gradientClipping', true, { ...OF, note: 'to a norm of 10' });
}
