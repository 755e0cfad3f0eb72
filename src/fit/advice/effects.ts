import type { Estimate } from '../../memory/estimate.js';
import type { Checkpointing, RunValues, Sharding } from '../../run/training-run.js';
import type { Effects } from '../assessment.js';
import { gib } from '../words.js';
import type { WorkloadFit } from '../workload-fit.js';
import type { Subject } from './proposal.js';

/** A run with the counts of its model and, where they are known, its dimensions in the terms of `config.json`. */
export interface Counted {
  values: RunValues;
  parameters: Estimate['parameters'];
  config: Readonly<Record<string, unknown>> | null;
}

/**
 * A run by the counts that its estimates made; of several on the device, those of the model that is advised on. Where it
 * has none, because it has no place, the counts are those of `otherwise`: the changed run.
 */
export function countedOf(
  { podSets, role, config }: Subject,
  values: RunValues,
  estimates: WorkloadFit['estimates'],
  otherwise: Counted['parameters'] = { total: 1, trainable: 1 },
): Counted {
  const own = estimates.filter(({ podSet }) => podSet === podSets[0]?.name);
  const made = own.find((each) => each.role === role) ?? own[0];
  return { values, parameters: made?.estimate.parameters ?? otherwise, config };
}

const numberAt = (config: Counted['config'], key: string): number => {
  const value = config?.[key];
  return typeof value === 'number' ? value : 0;
};

/** Places at which the layers work for one sample: tokens, or pixels. */
function placesOf({ sequenceLength, imageSize, frames, rowsPerSample }: RunValues): number {
  const [height, width] = imageSize ?? [1, 1];
  return rowsPerSample * (sequenceLength ?? 1) * height * width * (frames ?? 1);
}

/** The part of the forward pass that is run again for the backward pass. */
function recomputed(kept: Checkpointing): { layers: number; attention: number } {
  if (kept === 'full') return { layers: 1, attention: 1 };
  // Of Megatron's selective recomputation: that of the core attention (arXiv 2205.05198, section 5).
  if (kept === 'selective') return { layers: 0, attention: 1 };
  const share = typeof kept === 'object' && 'everyNthLayer' in kept ? 1 / kept.everyNthLayer : 0;
  return { layers: share, attention: share };
}

/** Multiplications of queries with keys and of scores with values, for one place: 2 × layers × hidden × length each. */
function attentionAt({ values, config }: Counted): number {
  const [layers, hidden] = [numberAt(config, 'num_hidden_layers'), numberAt(config, 'hidden_size')];
  return 4 * layers * hidden * (values.sequenceLength ?? 0);
}

/**
 * Floating-point operations of the layers for one sample: two for each parameter and place forward (arXiv 2001.08361,
 * section 2.1), as many again for the gradients of inputs, and as many for those of the weights that are trained; the
 * products of attention twice as many backward as forward; and what is run again.
 */
export function operationsPerSample(counted: Counted): number {
  const { values, parameters } = counted;
  const forward = 2 * parameters.total;
  const attention = attentionAt(counted);
  const again = recomputed(values.activationCheckpointing);
  const layers = forward * (2 + again.layers) + 2 * parameters.trainable;
  return placesOf(values) * (layers + attention * (3 + again.attention));
}

/** Passes over parameters, once in a step and once for each micro-batch of it, by what is gathered or reduced. */
const PASSES: Readonly<Record<Sharding, { step: number; batch: number }>> = {
  none: { step: 0, batch: 0 },
  // An all-reduce moves what a reduce-scatter and an all-gather do; ZeRO moves the same, FSDP half as much again
  // (arXiv 1910.02054, section 7), and it does so for each micro-batch.
  ddp: { step: 2, batch: 0 },
  zero1: { step: 2, batch: 0 },
  'distributed-optimizer': { step: 2, batch: 0 },
  zero2: { step: 1, batch: 1 },
  'fsdp-grad-op': { step: 0, batch: 2 },
  zero3: { step: 0, batch: 3 },
  'fsdp-full': { step: 0, batch: 3 },
  hsdp: { step: 2, batch: 3 },
};

const GATHERED_IN_16_BITS = new Set(['bf16', 'fp16', 'amp-bf16', 'amp-fp16', 'fp8']);
const HOLDS_WHOLE = new Set<Sharding>(['none', 'ddp']);

/** Bytes that each device sends, and as many that it gets, for one optimizer step. */
export function movedBytesPerStep({ values, parameters }: Counted): number {
  const { parallelism, gradientAccumulationSteps, precision } = values;
  const { step, batch } = PASSES[parallelism.sharding];
  const ranks = HOLDS_WHOLE.has(parallelism.sharding) ? parallelism.data : parallelism.shardSize;
  // DDP reduces gradients in the type of the weights, which autocast leaves in 32 bits.
  const isShort =
    GATHERED_IN_16_BITS.has(precision) && !(HOLDS_WHOLE.has(parallelism.sharding) && /^amp/.test(precision));
  const moved = HOLDS_WHOLE.has(parallelism.sharding) ? parameters.trainable : parameters.total;
  const share = (ranks - 1) / ranks;
  return moved * (isShort ? 2 : 4) * share * (step + batch * gradientAccumulationSteps);
}

/** What a change does to the speed of training and to the batch, by counts. */
export function effectsOf(before: Counted, after: Counted): Effects {
  return {
    globalBatch: { before: before.values.globalBatchSize, after: after.values.globalBatchSize },
    operationsPerSample: operationsPerSample(after) / operationsPerSample(before),
    stepsPerBatch: after.values.gradientAccumulationSteps / before.values.gradientAccumulationSteps,
    movedBytesPerStep: { before: movedBytesPerStep(before), after: movedBytesPerStep(after) },
    devices: { before: before.values.worldSize, after: after.values.worldSize },
  };
}

/** Less than this is not worth a word. */
const WORTH_SAYING = 1.02;

/** What of the effects costs time, in words. */
export function slowerBy({ operationsPerSample: operations, movedBytesPerStep: moved, devices }: Effects): string[] {
  const words: string[] = [];
  if (operations > WORTH_SAYING) words.push(`${Math.round((operations - 1) * 100)} % more operations for each sample`);
  if (moved.after > moved.before * WORTH_SAYING)
    words.push(`each GPU sends ${gib(moved.after)} instead of ${gib(moved.before)} for an optimizer step`);
  if (devices.after < devices.before)
    words.push(`${devices.after} instead of ${devices.before} GPUs do the operations`);
  return words;
}
