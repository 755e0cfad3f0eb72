import { RUN_FIELDS, settingAt } from './fields.js';
import type { TrainingRun } from './training-run.js';

/** Everything of a run that an estimate depends on: values and the ranges of those that are not certain. */
export function runFingerprint(run: TrainingRun): string {
  const settings = RUN_FIELDS.map((field) => {
    const { value, range } = settingAt(run, field);
    return range === undefined ? value : [value, range];
  });
  return JSON.stringify(settings);
}

/** Whether nothing was assumed with a range, and the program is known, not guessed: the same settings are the same run. */
export function isSettled(run: TrainingRun): boolean {
  if (run.program.evidence.kind === 'assumed') return false;
  return RUN_FIELDS.every((field) => settingAt(run, field).range === undefined);
}
