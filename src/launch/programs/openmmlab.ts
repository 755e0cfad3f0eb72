import { plain } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { readOverrides } from '../options/hydra.js';
import { OptionReader } from '../options/option-reader.js';
import { mergeSays } from '../launchers/peel.js';
import type { Tracked } from '../text/tracked.js';
import { baseName } from '../text/characters.js';
import type { Invocation } from './invocation.js';
import { readNamed } from './named-model.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import type { RunDraft } from '../run-draft.js';
import type { SourcePlace } from '../../run/setting.js';
import type { ShippedConfig } from './shipped-config.js';
import { readShippedSize, shippedConfig } from './shipped-config.js';
import { OUTPUTS_DROPPED } from './steps.js';

const OF = { of: 'openmmlab' };
const SCRIPTS: ReadonlySet<string> = new Set(['train.py', 'dist_train.sh', 'slurm_train.sh']);
const SWITCHES: ReadonlySet<string> = new Set(['amp', 'auto_scale_lr', 'resume']);
/** Data sets of mmsegmentation, which stand in the names of its configurations. */
const SEGMENTATION = [
  'ade20k',
  'cityscapes',
  'voc12aug',
  'pascal-context',
  'coco-stuff',
  'loveda',
  'potsdam',
  'vaihingen',
];

/**
 * mmdetection, mmsegmentation, mmaction2 and mmyolo: `tools/train.py configs/…/NAME.py`, `tools/dist_train.sh CONFIG GPUS`. The
 * configurations are in the image: those that ship with the packages are known (shipped-configs.ts); of others the name says
 * model, batch (`8xb2`: 8 devices, 2 images each) and crop.
 */
export const openmmlab: TrainingProgram = {
  id: 'openmmlab',
  name: 'OpenMMLab tools/train.py',
  step: OUTPUTS_DROPPED,
  builtOn: [],
  options: {
    source: 'mmengine: tools/train.py --cfg-options',
    writers: { microBatchSize: plain('--cfg-options train_dataloader.batch_size', 'joined') },
  },
  recognise(invocation: Invocation): Recognition | null {
    if (!SCRIPTS.has(invocation.name)) return null;
    return configOf(invocation) === null ? null : 'name';
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const config = configOf(invocation);
    if (config === null) return;
    const name = baseName(config.text).slice(0, -3);
    const isSegmentation = SEGMENTATION.some((set) => name.includes(set));
    const line = readCommandLine(invocation.args, { switches: SWITCHES, values: 'all' });
    const shipped = shippedAs(name);
    const library = shipped?.of ?? (isSegmentation ? 'mmseg' : 'mmdet');
    nameProgram(context, { name: PACKAGES[library], package: 'mmengine' });
    startProcesses(context);
    readNamed(draft, name, config.place());
    draft.derive('task', taskOf(library), ['model'], 'what it is a configuration of');
    readBatch(name, config, context);
    readPrecision(line.options.find('amp')?.place ?? null, draft);
    if (shipped) readShipped(shipped.config, config, draft, shipped.of);
    readSizes(name, config, context, isSegmentation);
    if (name.includes('amp')) readPrecision(config.place(), draft);
    draft.default('optimizer.name', USUALLY_ADAMW.test(name) ? 'adamw' : 'sgd', OF);
    draft.default('optimizer.momentum', 0.9, OF);
    draft.default('optimizer.weightDecay', 1e-4, OF);
  },
};

const USUALLY_ADAMW = /detr|swin/;

/** Mixed precision is asked for by a flag, or by the configuration that is named. */
function readPrecision(asked: SourcePlace | null, draft: RunDraft): void {
  if (asked !== null) draft.read('precision', 'amp-fp16', asked);
}

const PACKAGES = { mmdet: 'mmdetection', mmseg: 'mmsegmentation', mmaction: 'mmaction2', mmyolo: 'mmyolo' } as const;
type Library = keyof typeof PACKAGES;

/** The library that ships a configuration of this name, and what it says. */
function shippedAs(name: string): { of: Library; config: ShippedConfig } | null {
  for (const library of Object.keys(PACKAGES) as Library[]) {
    const config = shippedConfig(library, name);
    if (config !== null) return { of: library, config };
  }
  return null;
}

const taskOf = (library: Library): string =>
  library === 'mmseg' ? 'segmentation' : library === 'mmaction' ? 'image-classification' : 'detection';

/** What a configuration that ships with the library says; the name of the file stands for all of it. */
function readShipped(shipped: ShippedConfig, config: Tracked, draft: RunDraft, library: Library): void {
  const place = config.place();
  if (shipped.images !== null && !draft.isOpen('microBatchSize')) draft.read('microBatchSize', shipped.images, place);
  readShippedSize(draft, shipped.size, place, PACKAGES[library]);
  draft.read('optimizer.name', shipped.optimizer, place);
  draft.read('precision', shipped.precision, place);
  if (shipped.accumulation > 1) draft.read('gradientAccumulationSteps', shipped.accumulation, place);
  if (shipped.ema) draft.read('ema', true, place);
  if (shipped.checkpointsBackbone) draft.note('the stages of the backbone are recomputed (with_cp): taken for kept');
}

/** The first operand, where it is a configuration of these programs. */
function configOf({ args }: Invocation): Tracked | null {
  const first = args.find(({ text }) => !text.startsWith('-'));
  return first?.text.endsWith('.py') && first.text.includes('configs/') ? first : null;
}

/** What follows `--cfg-options`, up to the next flag. */
function overridesOf(args: readonly Tracked[]): OptionReader['options'] {
  const at = args.findIndex(({ text }) => text === '--cfg-options');
  const rest = at < 0 ? [] : args.slice(at + 1);
  const end = rest.findIndex(({ text }) => text.startsWith('--'));
  return readOverrides(end < 0 ? rest : rest.slice(0, end));
}

function startProcesses(context: ProgramContext): void {
  const { name, args } = context.invocation;
  if (name !== 'dist_train.sh') return;
  const gpus = args.filter(({ text }) => !text.startsWith('-'))[1];
  const count = Number(gpus?.text);
  const value = Number.isSafeInteger(count) && count > 0 ? count : ('gpu' as const);
  context.says = mergeSays(context.says, { processesPerNode: { value, place: gpus?.place() ?? null } });
}

const BATCH = /(?:^|[_-])\d+xb(\d+)/;
const CROP = /-(\d{3,4})x(\d{3,4})$/;

function readBatch(name: string, config: Tracked, { draft, invocation }: ProgramContext): void {
  const reader = new OptionReader(overridesOf(invocation.args), draft);
  reader.count('microBatchSize', 'train_dataloader.batch_size', 'data.samples_per_gpu');
  const images = BATCH.exec(name)?.[1];
  if (images !== undefined) draft.read('microBatchSize', Number(images), config.place());
  draft.default('microBatchSize', 2, { ...OF, note: 'base configurations' });
}

/** Segmentation crops to a fixed size; COCO detection resizes to 800 by at most 1333, padded to 32. */
function readSizes(name: string, config: Tracked, { draft }: ProgramContext, isSegmentation: boolean): void {
  const [, height, width] = CROP.exec(name) ?? [];
  const place = config.place();
  if (isSegmentation && height !== undefined && width !== undefined)
    draft.read('imageSize', [Number(height), Number(width)], place);
  draft.default('imageSize', isSegmentation ? [512, 512] : [800, 1344], { ...OF, note: 'base configurations' });
}
