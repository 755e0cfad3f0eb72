import type { RunValues } from '../../../src/run/training-run.js';

/** Something that makes a training need less; null where it means nothing for the run. */
export interface Remedy {
  name: string;
  change(values: RunValues): RunValues | null;
}

const GPUS = 8;
const SPLIT = 2;
/** Of each side of an image: about half of its area. */
const SIDE = 0.7;
/** Images are cut to multiples of it. */
const STEP = 32;

const spread = (values: RunValues, parallelism: Partial<RunValues['parallelism']>, worldSize: number): RunValues => ({
  ...values,
  parallelism: { ...values.parallelism, ...parallelism },
  worldSize,
  processesPerNode: worldSize,
});

function smallerInput(values: RunValues): RunValues | null {
  const { imageSize, sequenceLength } = values;
  if (imageSize !== null) {
    const [height, width] = imageSize.map((side) => Math.round((side * SIDE) / STEP) * STEP) as [number, number];
    return { ...values, imageSize: [height, width] };
  }
  return sequenceLength === null ? null : { ...values, sequenceLength: Math.ceil(sequenceLength / 2) };
}

/** Large models are split by Megatron's code or torchtitan's; of the families of the page, GPT-2 has such code. */
const split = (values: RunValues): RunValues => ({
  ...spread(values, { tensor: SPLIT }, SPLIT),
  framework: { ...values.framework, name: 'megatron' },
  precision: 'bf16',
});

/** In the order in which people try them. */
export const REMEDIES: readonly Remedy[] = [
  {
    name: 'half the batch',
    change: (values) => ({ ...values, microBatchSize: Math.max(1, Math.floor(values.microBatchSize / 2)) }),
  },
  { name: 'about half the input', change: smallerInput },
  { name: 'mixed precision (fp16)', change: (values) => ({ ...values, precision: 'amp-fp16' }) },
  { name: 'checkpointing', change: (values) => ({ ...values, activationCheckpointing: 'full' }) },
  {
    name: `sharding over ${GPUS} GPUs (FSDP)`,
    change: (values) => spread(values, { sharding: 'fsdp-full', shardSize: GPUS, data: GPUS }, GPUS),
  },
  { name: `split over ${SPLIT} GPUs (tensor parallel, bf16)`, change: split },
];
