import type { RunValues, TrainingRun } from '../../src/run/training-run.js';
import type { Setting } from '../../src/run/setting.js';

/** A value that the record states. */
export function stated<T>(value: T, field: string, text: unknown = value): Setting<T> {
  const place = { document: 'record', path: field, text: String(JSON.stringify(text)).slice(0, 200) };
  return { value, evidence: { kind: 'read', place } };
}

/** A value that the record is silent about and its framework sets. */
export const byDefault = <T>(value: T, of: string): Setting<T> => ({
  value,
  evidence: { kind: 'default', of, version: null },
});

/** A value that nothing says, with the values considered where they differ in memory. */
export const assumed = <T>(value: T, reason: string, range?: { low: T; high: T }): Setting<T> => ({
  value,
  evidence: { kind: 'assumed', reason },
  ...(range ? { range } : {}),
});

/** Settings by group, as `TrainingRun` holds them. */
export type SettingsOf<T> = { [K in keyof T]: Setting<T[K]> };

export type { RunValues, TrainingRun };
