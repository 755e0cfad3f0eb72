import type { RunValues } from '../../run/training-run.js';

/** One pass of a micro-batch through one part of the model on a rank. */
export interface ScheduledPass {
  pass: 'forward' | 'backward';
  chunk: number;
}

/** Where a rank stands in its pipeline. */
export interface PipelinePlace {
  stage: number;
  stages: number;
  /** Parts of the model on each rank. */
  chunks: number;
  microBatches: number;
}

const forward = (chunk: number): ScheduledPass => ({ pass: 'forward', chunk });
const backward = (chunk: number): ScheduledPass => ({ pass: 'backward', chunk });

/** Forward passes before the first backward one (megatron/core/pipeline_parallel/schedules.py). */
export function warmUpPasses({ stage, stages, chunks, microBatches }: PipelinePlace): number {
  const total = microBatches * chunks;
  if (chunks === 1) return Math.min(stages - stage - 1, total);
  return Math.min((stages - stage - 1) * 2 + (chunks - 1) * stages, total);
}

/** Which part the n-th pass of a rank runs: as many micro-batches as there are stages, then the next part. */
const chunkOf = (pass: number, { stages, chunks }: PipelinePlace): number =>
  Math.floor((pass % (stages * chunks)) / stages);

/** Passes of a rank in their order: all forward ones first, or one forward and one backward in turn once warmed up. */
export function passesOf(
  place: PipelinePlace,
  schedule: RunValues['parallelism']['pipelineSchedule'],
): ScheduledPass[] {
  const total = place.microBatches * place.chunks;
  const warm = schedule === 'gpipe' ? total : warmUpPasses(place);
  const forwardAt = (pass: number): ScheduledPass => forward(chunkOf(pass, place));
  const backwardAt = (pass: number): ScheduledPass => backward(place.chunks - 1 - chunkOf(pass, place));
  const numbers = (from: number, to: number): number[] =>
    Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  return [
    ...numbers(0, warm).map(forwardAt),
    ...numbers(warm, total).flatMap((pass) => [forwardAt(pass), backwardAt(pass - warm)]),
    ...numbers(total - warm, total).map(backwardAt),
  ];
}

/** Parts of the model on each rank of a run. */
export const chunksOf = ({ parallelism: { virtualStages } }: RunValues): number => virtualStages;

/**
 * The passes of a stage. Once as many micro-batches are in flight as the schedule allows, further ones change nothing, so
 * that no more are run than it takes to get there and a little beyond. Interleaved stages take as many as there are stages
 * at a time.
 */
export function scheduleOf(values: RunValues, stage: number): ScheduledPass[] {
  const { pipeline: stages, pipelineSchedule } = values.parallelism;
  const chunks = chunksOf(values);
  const wanted = values.gradientAccumulationSteps;
  const enough = chunks > 1 ? 3 * stages : stages + 1;
  const bounded = pipelineSchedule === 'gpipe' ? wanted : Math.min(wanted, enough);
  const microBatches = chunks > 1 ? Math.ceil(bounded / stages) * stages : bounded;
  return passesOf({ stage, stages, chunks, microBatches }, pipelineSchedule);
}
