import { OUTPUTS_KEPT } from './steps.js';
import { plain } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

/** pytorch/examples imagenet/main.py: switches and one-letter flags. */
const SYNTAX = {
  switches: new Set(['evaluate', 'e', 'pretrained', 'multiprocessing_distributed', 'dummy', 'no_accel']),
  short: { a: 'arch', b: 'batch_size', j: 'workers', e: 'evaluate', p: 'print_freq' },
};

const SOURCE = 'pytorch/examples imagenet';

/** The ImageNet example of PyTorch and its elastic kin (pytorch/elastic examples/imagenet): `main.py -a resnet50 DIR`. */
export const imagenet: TrainingProgram = {
  id: 'pytorch-imagenet',
  name: 'PyTorch ImageNet example',
  step: OUTPUTS_KEPT,
  builtOn: [],
  options: {
    source: 'pytorch/examples: imagenet/main.py',
    batchIsPerNode: true,
    writers: {
      microBatchSize: plain('--batch-size'),
    },
  },
  recognise({ kind, name, args }: Invocation): Recognition | null {
    if (kind !== 'script' || !(name === 'main.py' || name.includes('imagenet'))) return null;
    const { options } = readCommandLine(args, SYNTAX);
    return options.has('arch', 'multiprocessing_distributed') ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const { options } = readCommandLine(invocation.args, SYNTAX);
    const reader = new OptionReader(options, draft);
    nameProgram(context, { name: 'PyTorch ImageNet example', package: 'torch' });
    readArchitecture(reader, context);
    draft.derive('task', 'image-classification', ['program'], 'the example trains classifiers');
    draft.default('imageSize', [224, 224], { of: SOURCE, note: 'RandomResizedCrop(224)' });
    readBatch(reader, context);
    draft.default('precision', 'fp32', { of: SOURCE, note: 'the example has no mixed precision' });
    readOptimizer(reader, context);
  },
};

function readArchitecture(reader: OptionReader, { draft }: ProgramContext): void {
  const found = reader.text('model', 'arch');
  if (found) draft.read('model', { name: found.value, catalogId: null, config: null }, found.place);
  else if (!draft.isOpen('model'))
    draft.default('model', { name: 'resnet18', catalogId: null, config: null }, { of: SOURCE });
}

/**
 * `-b` counts all GPUs of the node where the script starts one process for each (`--multiprocessing-distributed`), and
 * without any word DataParallel splits it over the visible GPUs; one process for one GPU takes it whole.
 */
function readBatch(reader: OptionReader, context: ProgramContext): void {
  const { draft, launchers } = context;
  const found = reader.options.has('batch_size') ? reader.count('microBatchSize', 'batch_size') : undefined;
  const isPerProcess = launchers.length > 0 || reader.options.has('gpu');
  if (isPerProcess) {
    if (!draft.isOpen('microBatchSize'))
      draft.default('microBatchSize', launchers.length > 0 ? 32 : 256, { of: SOURCE });
    return;
  }
  startProcesses(reader, context);
  splitBatch(found ?? 256, reader, context);
}

function startProcesses(reader: OptionReader, context: ProgramContext): void {
  const spawns = reader.options.has('multiprocessing_distributed');
  if (spawns) context.says = { ...context.says, processesPerNode: { value: 'gpu', place: null } };
  const nodes = spawns ? reader.options.find('world_size') : undefined;
  const count = typeof nodes?.value === 'string' ? Number(nodes.value) : NaN;
  if (Number.isSafeInteger(count) && count > 0)
    context.says = { ...context.says, nodes: { value: count, place: nodes?.place ?? null } };
}

/** Divides the node's batch by its GPUs; the given number stays as evidence. */
function splitBatch(nodeBatch: number, reader: OptionReader, context: ProgramContext): void {
  const { draft, devicesPerPod } = context;
  if (draft.isOpen('microBatchSize') || devicesPerPod === 1) {
    draft.default('microBatchSize', nodeBatch, { of: SOURCE });
    return;
  }
  const spawns = reader.options.has('multiprocessing_distributed');
  if (!spawns) draft.note('DataParallel: the first GPU also gathers the outputs of the others');
  if (devicesPerPod === null) {
    draft.leaveOpen(
      'microBatchSize',
      '--batch-size counts all GPUs of the node and their number is not filled in',
      'microBatchSize: 32',
    );
    return;
  }
  const place = reader.options.find('batch_size')?.place;
  const from = place ? [`${place.path} (${place.text})`] : [`${SOURCE} default ${nodeBatch}`];
  draft.settings.delete('microBatchSize');
  const rule = `--batch-size of the node over its ${devicesPerPod} GPUs`;
  draft.set('microBatchSize', {
    value: Math.max(1, Math.floor(nodeBatch / devicesPerPod)),
    evidence: { kind: 'derived', from, rule, ...(place ? { place } : {}) },
  });
}

function readOptimizer(reader: OptionReader, { draft }: ProgramContext): void {
  draft.default('optimizer.name', 'sgd', { of: SOURCE });
  draft.default('optimizer.implementation', 'foreach', { of: 'torch' });
  reader.number('optimizer.momentum', 'momentum');
  draft.default('optimizer.momentum', 0.9, { of: SOURCE });
  reader.number('optimizer.weightDecay', 'weight_decay', 'wd');
  draft.default('optimizer.weightDecay', 1e-4, { of: SOURCE });
  draft.default('gradientClipping', false, { of: SOURCE });
}
