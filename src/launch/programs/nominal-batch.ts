import type { ProgramOptions } from '../../run/program-options.js';
import { asNumber } from '../options/option.js';
import type { OptionReader } from '../options/option-reader.js';
import type { RunDraft } from '../run-draft.js';

/** `nbs`: images after which YOLOv5 and ultralytics take a step, whatever the batch. */
const NOMINAL = 64;

const stepsFor = (nominal: number, batch: number): number =>
  Math.max(1, Math.round(nominal / Math.max(1, Math.floor(batch))));

/** Gradients are added up until about `nbs` images of all GPUs are in them (`accumulate`: train.py, engine/trainer.py). */
export function readNominalBatch(reader: OptionReader, draft: RunDraft, batch: number): void {
  const nominal = asNumber(reader.options.find('nbs')) ?? NOMINAL;
  const rule = `steps are taken after about ${nominal} images (nbs)`;
  draft.derive('gradientAccumulationSteps', stepsFor(nominal, batch), ['batch'], rule);
}

/** A smaller batch is accumulated by the program itself. */
export const accumulatesToNominal: NonNullable<ProgramOptions['follows']> = (field, value, run) =>
  field === 'microBatchSize'
    ? [{ field: 'gradientAccumulationSteps', value: stepsFor(NOMINAL, Number(value) * run.worldSize.value) }]
    : [];
