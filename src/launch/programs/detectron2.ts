import { plain } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { Option } from '../options/option.js';
import { asCount, asText, Options, textOption } from '../options/option.js';
import { flattened, readOverrides } from '../options/hydra.js';
import { mergeSays } from '../launchers/peel.js';
import { saidCount } from '../launchers/launcher.js';
import type { Tracked } from '../text/tracked.js';
import { baseName } from '../text/characters.js';
import { configFile } from './hf/command-line.js';
import type { Invocation } from './invocation.js';
import { readNamed } from './named-model.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import type { RunDraft } from '../run-draft.js';
import type { SourcePlace } from '../../run/setting.js';
import type { ShippedConfig } from './shipped-config.js';
import { readShippedSize, shippedConfig } from './shipped-config.js';
import { OUTPUTS_DROPPED } from './steps.js';

const OF = { of: 'detectron2' };
const SCRIPTS: ReadonlySet<string> = new Set(['train_net.py', 'plain_train_net.py', 'lazyconfig_train_net.py']);
const SWITCHES: ReadonlySet<string> = new Set(['resume', 'eval_only']);

/** detectron2: `tools/train_net.py --config-file NAME --num-gpus N KEY VALUE …`; IMS_PER_BATCH counts all devices. */
export const detectron2: TrainingProgram = {
  id: 'detectron2',
  name: 'detectron2',
  step: OUTPUTS_DROPPED,
  builtOn: [],
  options: {
    source: 'detectron2: config/defaults.py, engine/defaults.py',
    writers: {
      microBatchSize: (value, run, others) =>
        plain('SOLVER.IMS_PER_BATCH')(Number(value) * run.parallelism.data.value, run, others),
    },
  },
  recognise({ kind, name, args }: Invocation): Recognition | null {
    if (kind !== 'script' || !SCRIPTS.has(name)) return null;
    return args.some(({ text }) => text.startsWith('--config-file')) ? 'name' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const line = readCommandLine(invocation.args, { switches: SWITCHES });
    const config = line.options.find('config_file');
    const path = asText(config);
    const named = path === undefined ? null : baseName(path).replace(/\.(yaml|py)$/, '');
    const pairs = pairsOf(line.positionals).over(readOverrides(line.positionals));
    const options = path === undefined ? pairs : pairs.over(flattened(configFile(path, context)));
    nameProgram(context, { name: 'detectron2', package: 'detectron2' });
    readProcesses(line.options, context);
    const place = config?.place ?? null;
    if (config?.unresolved) draft.leaveOpen('model', config.unresolved);
    else if (named !== null) readNamed(draft, named, place);
    draft.derive('task', 'detection', ['program'], 'detectron2 trains detectors');
    readDataSet(path ?? '', place, draft);
    const shipped = named === null ? null : shippedConfig('detectron2', named);
    readSolver(new OptionReader(options, draft), context, { shipped, place });
  },
};

/** Classes of the data sets whose configurations have folders of their own (MODEL.ROI_HEADS.NUM_CLASSES there). */
const FOLDERS: readonly (readonly [RegExp, number])[] = [
  [/\bLVISv0\.5/, 1230],
  [/\bLVIS/, 1203],
  [/\bCityscapes/, 8],
  [/\bPascalVOC/, 20],
];

/** Models of one name are trained on several data sets; which one it is stands in the folder. */
function readDataSet(path: string, place: SourcePlace | null, draft: RunDraft): void {
  const classes = FOLDERS.find(([folder]) => folder.test(path))?.[1];
  if (classes !== undefined) draft.read('numClasses', classes, place);
}

/** `launch` of detectron2 starts them itself: one, unless it is told. */
function readProcesses(options: Options, context: ProgramContext): void {
  context.says = mergeSays(context.says, {
    processesPerNode: saidCount(options.find('num_gpus')) ?? { value: 1, place: null },
    nodes: saidCount(options.find('num_machines')),
  });
}

/** `KEY VALUE KEY VALUE …` after the flags. */
function pairsOf(words: readonly Tracked[]): Options {
  const pairs: Option[] = [];
  for (let at = 0; at + 1 < words.length; at += 2)
    pairs.push(textOption((words[at] as Tracked).text, words[at + 1] as Tracked));
  return new Options(pairs);
}

interface Shipped {
  /** What the named configuration says, where it ships with detectron2. */
  shipped: ShippedConfig | null;
  place: SourcePlace | null;
}

function readSolver(reader: OptionReader, context: ProgramContext, from: Shipped): void {
  const { draft } = context;
  readImages(reader, context, from);
  readPrecision(reader, from);
  readSize(reader, from);
  draft.default('optimizer.name', 'sgd', OF);
  draft.default('optimizer.momentum', 0.9, OF);
  draft.default('optimizer.weightDecay', 1e-4, OF);
}

function readImages(reader: OptionReader, context: ProgramContext, { shipped, place }: Shipped): void {
  const { draft } = context;
  reader.count('globalBatchSize', 'SOLVER.IMS_PER_BATCH', 'dataloader.train.total_batch_size');
  if (shipped?.images && !draft.isOpen('globalBatchSize')) draft.read('globalBatchSize', shipped.images, place);
  draft.default('globalBatchSize', 16, OF);
  readShare(reader, context, shipped?.images ?? 16);
}

function readPrecision(reader: OptionReader, { shipped, place }: Shipped): void {
  const { draft } = reader;
  const amp = reader.truth('precision', 'SOLVER.AMP.ENABLED', 'train.amp.enabled');
  if (amp) draft.read('precision', amp.value ? 'amp-fp16' : 'fp32', amp.place);
  if (shipped?.precision === 'amp-fp16') draft.read('precision', 'amp-fp16', place);
}

function readSize(reader: OptionReader, { shipped, place }: Shipped): void {
  const { draft } = reader;
  if (!reader.options.has('INPUT.MIN_SIZE_TRAIN', 'INPUT.MAX_SIZE_TRAIN'))
    readShippedSize(draft, shipped?.size ?? null, place, 'detectron2');
  const longest = asCount(reader.options.find('INPUT.MAX_SIZE_TRAIN')) ?? 1333;
  draft.default('imageSize', [800, Math.ceil(longest / 32) * 32], { ...OF, note: 'short side 800, padded to 32' });
}

/** Images of one device: the whole batch over all of them. */
function readShare({ options }: OptionReader, { draft, says }: ProgramContext, usual: number): void {
  const said = [says.processesPerNode, says.nodes].map((each) =>
    each && 'value' in each && typeof each.value === 'number' ? each.value : 1,
  );
  const world = said.reduce((product, each) => product * each, 1);
  const option = options.find('SOLVER.IMS_PER_BATCH', 'dataloader.train.total_batch_size');
  const total = asCount(option) ?? usual;
  if (option?.unresolved) return;
  const rule = 'images of a step over all devices';
  draft.derive('microBatchSize', Math.max(1, Math.floor(total / world)), ['globalBatchSize'], rule);
}
