import type { GpuCatalog } from '../../src/inventory/gpu-catalog.js';
import type { DeviceTraits } from '../../src/memory/estimate.js';
import type { FrameworkDefaults } from './framework-defaults.js';
import { frameworkDefaults, packagesOf, trainingStepOf } from './framework-defaults.js';
import type { MeasuredRun } from './measured-run.js';
import { megatronModel } from './megatron-record.js';
import { dataDegreeOf, parallelismOf, worldSizeOf } from './record-parallelism.js';
import { peftOf } from './record-peft.js';
import {
  attentionOf,
  checkpointingOf,
  kernelsOf,
  lossOf,
  offloadOf,
  optimizerOf,
  precisionOf,
  weightsOf,
  quantizationOf,
} from './record-settings.js';
import { ALONE } from '../../src/run/device-runs.js';
import { croppedHeight } from '../../src/run/image-batches.js';
import type { Setting } from '../../src/run/setting.js';
import type { RunValues, TrainingRun } from './settings.js';
import { assumed, byDefault, stated } from './settings.js';

const TASKS: readonly (readonly [RegExp, RunValues['task']])[] = [
  [/masked/i, 'masked-lm'],
  [/question answering|squad/i, 'question-answering'],
  [/sequence classification|text classification/i, 'sequence-classification'],
  [/seq2seq|encoder-decoder|translation|summar/i, 'seq2seq'],
  [/preference|dpo/i, 'preference'],
  [/image classification/i, 'image-classification'],
  [/segmentation/i, 'segmentation'],
  [/detection|region proposal|densepose|keypoint/i, 'detection'],
  [/text-to|dreambooth|diffusion/i, 'diffusion'],
];
const TASK_OF_FAMILY: Readonly<Record<string, RunValues['task']>> = {
  encoder: 'masked-lm',
  cnn: 'image-classification',
  vit: 'image-classification',
  detector: 'detection',
  segmentation: 'segmentation',
  diffusion: 'diffusion',
};

const taskOf = (record: MeasuredRun): RunValues['task'] =>
  TASKS.find(([pattern]) => pattern.test(record.task))?.[1] ?? TASK_OF_FAMILY[record.family] ?? 'causal-lm';

/** Pixels; the largest where sizes vary, since peaks are reached there. */
function imageSizeOf(record: MeasuredRun): [number, number] | null {
  const last = record.image_size?.at(-1);
  const size = Array.isArray(last) ? (last as readonly number[]) : (record.image_size as readonly number[] | null);
  const [height, width] = size ?? [];
  if (height === undefined || width === undefined) return null;
  const isPadded = record.image_size_kind === 'multiscale_detr' && (record.micro_batch_size ?? 1) > 1;
  return isPadded ? [croppedHeight(height, width), width] : [height, width];
}

/** Frames of a video, which the notes tell. */
function framesOf({ notes }: MeasuredRun): TrainingRun['frames'] {
  const frames = /(\d+) frames|(\d+)x\d+x\d+/.exec(notes ?? '');
  if (frames === null) return assumed(null, 'the record does not say');
  return stated(Number(frames[1] ?? frames[2]), 'notes', frames[0]);
}

/** Of its first release (lvisdataset.org, v1.0). */
const LVIS_CLASSES = 1203;

const classesOf = (record: MeasuredRun): number | null => {
  const classes = /(\d+) classes/.exec(record.task)?.[1];
  if (classes === undefined) return /\bLVIS\b/.test(record.task) ? LVIS_CLASSES : null;
  return Number(classes);
};

/** Micro-steps of a step: as stated, else what the framework's global batch makes of them, or none. */
function accumulationOf(record: MeasuredRun): Setting<number> {
  if (record.grad_accum !== null) return stated(record.grad_accum, 'grad_accum');
  const perPass = (record.micro_batch_size ?? 1) * dataDegreeOf(record);
  const noted = /GBS (\d+)/.exec(record.notes ?? '')?.[1];
  if (noted !== undefined) return stated(Math.max(1, Math.floor(Number(noted) / perPass)), 'notes', noted);
  const { globalBatch = [], name } = frameworkDefaults(record);
  const batch = globalBatch.filter(([since]) => since <= (record.date ?? '9999')).at(-1)?.[1];
  if (batch === undefined) return byDefault(1, name);
  const steps = Math.max(1, Math.floor(batch / perPass));
  return byDefault(steps, `${name}'s global batch of ${batch}`);
}

/** A program's launch script may set the allocator up, and a run be started without it. */
const allocatorOf = ({ allocator, name }: FrameworkDefaults): Setting<string> =>
  allocator === undefined
    ? byDefault('', name)
    : assumed(allocator, `the launch script of ${name}`, { low: allocator, high: '' });

/**
 * A record as the training run that its settings describe. Nothing depends on which model, source or record it is;
 * what a record leaves out is its framework's default or assumed with a range.
 */
export function trainingRunOf(record: MeasuredRun): TrainingRun {
  const defaults = frameworkDefaults(record);
  const options = (record.memory_options ?? []).join(' ');
  const worldSize = worldSizeOf(record);
  const accumulation = accumulationOf(record);
  const microBatch = record.micro_batch_size ?? 1;
  const perNode = Math.min(worldSize, 8);
  return {
    program: byDefault({ id: null, name: defaults.name, version: null }, record.framework),
    framework: stated(
      { name: defaults.name, packages: packagesOf(record) },
      'framework_version',
      record.framework_version,
    ),
    model: stated(
      megatronModel(record) ?? { name: record.model.slice(0, 300), catalogId: null, config: null },
      'model',
      record.model,
    ),
    task: stated(taskOf(record), 'task', record.task),
    microBatchSize: stated(microBatch, 'micro_batch_size'),
    rowsPerSample: byDefault(1, defaults.name),
    gradientAccumulationSteps: accumulation,
    globalBatchSize: byDefault(microBatch * accumulation.value * dataDegreeOf(record), 'batch size times ranks'),
    sequenceLength: stated(record.seq_len, 'seq_len'),
    targetSequenceLength: stated(null, 'seq_len'),
    imageSize: stated(imageSizeOf(record), 'image_size', record.image_size),
    frames: framesOf(record),
    numClasses: stated(classesOf(record), 'task', record.task),
    precision: precisionOf(record),
    weights: weightsOf(record),
    optimizer: optimizerOf(record),
    gradientClipping: byDefault(defaults.clipping ?? false, defaults.name),
    activationCheckpointing: checkpointingOf(record),
    attention: attentionOf(record),
    loss: lossOf(record),
    kernels: kernelsOf(record),
    packing: stated(
      // rows of dummy data are cut to one length, too
      /packing|padding-free|packed|dummy data/.test(`${options} ${record.task}`),
      'memory_options',
    ),
    dropout: byDefault(null, 'the model'),
    peft: peftOf(record),
    quantization: quantizationOf(record),
    parallelism: parallelismOf(record),
    offload: offloadOf(record),
    compile: stated(record.compile === true ? 'default' : 'none', 'compile', record.compile),
    ema: stated(/ema-weights/.test(options) || defaults.movingAverage === true, 'memory_options'),
    channelsLast: byDefault(false, defaults.name),
    allocator: allocatorOf(defaults),
    worldSize: stated(worldSize, 'gpus'),
    nodes: byDefault(Math.ceil(worldSize / perNode), '8 devices a node'),
    processesPerNode: byDefault(perNode, '8 devices a node'),
    trainingStep: trainingStepOf(record),
    prefetchedBatches: byDefault(defaults.prefetchedBatches ?? 0, defaults.name),
    activity: byDefault('train', defaults.name),
    sharing: {
      process: byDefault(ALONE.process, defaults.name),
      turn: byDefault(ALONE.turn, defaults.name),
      keepsParameters: byDefault(ALONE.keepsParameters, defaults.name),
      keepsOptimizerStates: byDefault(ALONE.keepsOptimizerStates, defaults.name),
      emptiesCache: byDefault(ALONE.emptiesCache, defaults.name),
      borrowsWeights: byDefault(ALONE.borrowsWeights, defaults.name),
      deviceShare: byDefault(ALONE.deviceShare, defaults.name),
    },
  };
}

/** The device of a record; where its name is not known what it is, as the allocator sees it, an Ampere device. */
export function deviceOf(record: MeasuredRun, gpus: GpuCatalog): DeviceTraits {
  const name = record.gpu ?? '';
  const bare = name.replace(/\(.*\)/, '').trim();
  const gpu = [name, bare, bare.split('/')[0] ?? '', bare.split(/[- ]/)[0] ?? '']
    .map((text) => gpus.find(text))
    .find(Boolean);
  const vendor = /amd|MI\d/i.test(name) ? 'amd' : 'nvidia';
  if (!gpu) return { model: name || 'unknown', vendor, computeCapability: null };
  return { model: gpu.model, vendor: gpu.vendor, computeCapability: gpu.computeCapability };
}
