import type { Facts } from '../../src/advisor/facts.js';
import type { Estimate, Interval } from '../../src/memory/estimate.js';
import { estimate } from '../../src/memory/estimator.js';
import { estimateTogether } from '../../src/memory/sharing/shared-device.js';
import { NotEstimable } from '../../src/memory/not-estimable.js';
import type { MeasuredRun } from './measured-run.js';
import { measuredStage } from './megatron-record.js';
import { besideEncoders, encodersOf } from './record-encoders.js';
import { comparedFigure } from './measured-run.js';
import { deviceOf, trainingRunOf } from './record-to-run.js';

const GIB = 2 ** 30;

interface IntervalGib {
  lowGib: number;
  expectedGib: number;
  highGib: number;
}

/** A record's prediction, or why there is none. */
export interface ScoredRun {
  id: string;
  answered: boolean;
  reason: string | null;
  compared: 'allocated' | 'reserved' | 'device';
  measuredGib: number;
  predicted: {
    allocated: IntervalGib;
    reserved: IntervalGib;
    device: IntervalGib;
    contextGib: number;
  } | null;
}

const toGib = ({ low, expected, high }: Interval): IntervalGib => ({
  lowGib: low / GIB,
  expectedGib: expected / GIB,
  highGib: high / GIB,
});

const contextOf = (answer: Estimate): number =>
  (answer.breakdown.find(({ category }) => category === 'context')?.bytes ?? 0) / GIB;

/** Predicts a record from its settings. null: its figure is a bound and not to be compared. */
export function scoreRun(record: MeasuredRun, facts: Facts): ScoredRun | null {
  const compared = comparedFigure(record.measure);
  if (compared === null) return null;
  const head = { id: record.id, compared, measuredGib: record.measured_gib };
  try {
    const stage = measuredStage(record);
    const run = trainingRunOf(record);
    const device = deviceOf(record, facts.gpus);
    const request = { run, device, facts };
    const encoders = encodersOf(record, run);
    const answer =
      encoders.length > 0
        ? estimateTogether({ device, facts, runs: [besideEncoders(run, encoders), ...encoders] }).together
        : estimate(stage === undefined ? request : { ...request, stage });
    const predicted = {
      allocated: toGib(answer.allocatedBytes),
      reserved: toGib(answer.reservedBytes),
      device: toGib(answer.deviceBytes),
      contextGib: contextOf(answer),
    };
    return { ...head, answered: true, reason: null, predicted };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = error instanceof NotEstimable ? message : `internal error: ${message}`;
    return { ...head, answered: false, reason, predicted: null };
  }
}

/** (predicted − measured) / measured of an answered run. */
export const errorOf = (run: ScoredRun): number => {
  const predicted = run.predicted?.[run.compared].expectedGib ?? Number.NaN;
  return (predicted - run.measuredGib) / run.measuredGib;
};
