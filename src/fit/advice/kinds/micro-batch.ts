import { accumulationFollows, canWrite } from '../program-flags.js';
import { SHORT_OF_MEMORY } from '../proposal.js';
import type { AdviceKind, Proposal, Subject } from '../proposal.js';

/** Families of image models that normalise over the batch (torchvision/models, timm/models). */
const NORMALISES_OVER_BATCH =
  /resnet|resnext|resnest|densenet|mobilenet|efficientnet|regnet|inception|googlenet|shufflenet|mnasnet|_bn\b/i;

function smallerDivisors(size: number): number[] {
  const candidates = Array.from({ length: Math.min(size - 1, 4096) }, (_, index) => index + 1);
  return candidates.filter((divisor) => size % divisor === 0).reverse();
}

/** Halvings: without accumulation nothing has to divide. */
function halvings(size: number): number[] {
  const sizes: number[] = [];
  for (let next = Math.floor(size / 2); next >= 1; next = Math.floor(next / 2)) sizes.push(next);
  return sizes;
}

const batchNormCost = ({ values }: Subject, size: number): string[] =>
  NORMALISES_OVER_BATCH.test(values.model?.name ?? '')
    ? [`batch-norm statistics over ${size} images instead of ${values.microBatchSize}`]
    : [];

function accumulated(subject: Subject, size: number): Proposal {
  const { microBatchSize, gradientAccumulationSteps } = subject.values;
  const times = microBatchSize / size;
  const edits = [
    { field: 'microBatchSize', value: size },
    { field: 'gradientAccumulationSteps', value: gradientAccumulationSteps * times },
  ] as const;
  const steps = `${times} times as many, smaller steps for the same global batch`;
  return { edits, costs: [steps, ...batchNormCost(subject, size)] };
}

/** Steps that are accumulated at a micro-batch: some programs work them out by themselves. */
function stepsAt({ options, run, values }: Subject, size: number): number {
  const following = options?.follows?.('microBatchSize', size, run) ?? [];
  const steps = following.find(({ field }) => field === 'gradientAccumulationSteps')?.value;
  return typeof steps === 'number' ? steps : values.gradientAccumulationSteps;
}

function shrunk(subject: Subject, size: number): Proposal {
  const { globalBatchSize, parallelism } = subject.values;
  const global = size * stepsAt(subject, size) * parallelism.data;
  const edits = [
    { field: 'microBatchSize', value: size },
    { field: 'globalBatchSize', value: global },
  ] as const;
  const batch = `global batch ${global} instead of ${globalBatchSize}: the learning rate may have to follow`;
  return { edits, costs: [...(global === globalBatchSize ? [] : [batch]), ...batchNormCost(subject, size)] };
}

/** Smaller steps; accumulation keeps the global batch wherever the program can accumulate. */
export const microBatch: AdviceKind = {
  name: 'micro-batch',
  answers: SHORT_OF_MEMORY,
  price: 'speed',
  combines: true,
  ladder(subject) {
    const { microBatchSize } = subject.values;
    if (canWrite(subject, 'gradientAccumulationSteps') || accumulationFollows(subject.run))
      return smallerDivisors(microBatchSize).map((size) => accumulated(subject, size));
    return halvings(microBatchSize).map((size) => shrunk(subject, size));
  },
};
