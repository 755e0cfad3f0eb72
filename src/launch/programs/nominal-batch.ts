import type { ProgramOptions } from '../../run/program-options.js';
import type { TrainingRun } from '../../run/training-run.js';
import { asNumber } from '../options/option.js';
import type { OptionReader } from '../options/option-reader.js';

/** `nbs`: images after which YOLOv5 and ultralytics take a step, whatever the batch. */
const NOMINAL = 64;
const TOLD = 'nbs';

const DEFAULT_BATCH = 16;

const stepsFor = (nominal: number, batch: number): number =>
  Math.max(1, Math.round(nominal / Math.max(1, Math.floor(batch))));

interface BatchOfAll {
  /** How its option is called. */
  names: readonly string[];
  devices: number;
  /** The program, for its defaults. */
  of: string;
}

/** A batch of all GPUs, and the steps that follow from it; -1 and fractions fill the card, so it is left open. */
export function readBatchOfAll(reader: OptionReader, { names, devices, of }: BatchOfAll): void {
  const { draft } = reader;
  const option = reader.options.find(...names);
  if (option?.unresolved) return draft.leaveOpen('microBatchSize', option.unresolved);
  const batch = asNumber(option) ?? DEFAULT_BATCH;
  if (batch < 1) {
    const reason = `batch=${batch} fills the GPU by itself: any GPU will do`;
    return draft.leaveOpen('microBatchSize', reason, `microBatchSize: ${DEFAULT_BATCH}`);
  }
  const share = Math.max(1, Math.floor(batch / devices));
  const rule = `batch of ${batch} over ${devices} GPUs`;
  if (option === undefined) draft.default('microBatchSize', share, { of });
  else if (devices === 1) draft.read('microBatchSize', share, option.place);
  else draft.derive('microBatchSize', share, [option.place?.path ?? 'batch'], rule);
  readSteps(reader, batch);
}

/** Gradients are added up until about `nbs` images of all GPUs are in them (`accumulate`: train.py, engine/trainer.py). */
function readSteps({ options, draft }: OptionReader, batch: number): void {
  const told = asNumber(options.find(TOLD));
  const nominal = told ?? NOMINAL;
  const rule = `steps are taken after about ${nominal} images (nbs)`;
  const from = told === undefined ? ['batch'] : ['batch', TOLD];
  draft.derive('gradientAccumulationSteps', stepsFor(nominal, batch), from, rule);
}

/** Images after which the run takes a step: the usual, or, where it was told them, about what its steps come to. */
function nominalOf({ gradientAccumulationSteps, microBatchSize, worldSize }: TrainingRun): number {
  const { evidence, value: steps } = gradientAccumulationSteps;
  const isTold = evidence.kind === 'derived' && evidence.from.includes(TOLD);
  return isTold ? steps * microBatchSize.value * worldSize.value : NOMINAL;
}

/** A smaller batch is accumulated by the program itself. */
export const accumulatesToNominal: NonNullable<ProgramOptions['follows']> = (field, value, run) =>
  field === 'microBatchSize'
    ? [{ field: 'gradientAccumulationSteps', value: stepsFor(nominalOf(run), Number(value) * run.worldSize.value) }]
    : [];
