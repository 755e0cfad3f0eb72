import type { RunValues } from '../../run/training-run.js';

/** Version of a package as numbers, `[2, 7, 1]` for `2.7.1+cu128`; null where the run does not say. */
export function versionOf(run: RunValues, name: string): readonly number[] | null {
  const match = /^v?(\d{1,6}(?:\.\d{1,6}){0,3})/.exec(run.framework.packages[name] ?? '');
  return match?.[1] === undefined ? null : match[1].split('.').map(Number);
}

/** Whether a version is lower than another, part by part; unknown ones are taken for new. */
export function isBefore(version: readonly number[] | null, other: readonly number[]): boolean {
  if (version === null) return false;
  const place = other.findIndex((part, i) => part !== (version[i] ?? 0));
  return place >= 0 && (version[place] ?? 0) < other[place]!;
}
