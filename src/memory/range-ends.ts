import { RUN_FIELDS, settingAt, valuesOf } from '../run/fields.js';
import type { RunField, RunValues, TrainingRun } from '../run/training-run.js';

export type RangeEnd = 'low' | 'high';

/** Fields whose values are assumed and were given a range. */
export function rangedFields(run: TrainingRun): readonly RunField[] {
  return RUN_FIELDS.filter((field) => settingAt(run, field).range !== undefined);
}

/** The values of a run with the fields given at one end of their range. */
export function valuesAtEnd(run: TrainingRun, end: RangeEnd, fields: readonly RunField[]): RunValues {
  const values = structuredClone(valuesOf(run));
  for (const field of fields) {
    const { range } = settingAt(run, field);
    if (range) assign(values, field, range[end]);
  }
  return values;
}

function assign(values: RunValues, field: RunField, value: unknown): void {
  const [key = '', member] = field.split('.');
  const tree = values as unknown as Record<string, unknown>;
  if (member === undefined) tree[key] = value;
  else (tree[key] as Record<string, unknown>)[member] = value;
}
