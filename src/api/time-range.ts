import { z } from 'zod';

export const timeSchema = z.iso.datetime({ offset: true });

const DAY_MS = 86_400_000;

/** Since when and until when is asked: the last day where nothing is said. */
export function timeRange(
  { since, until }: { since?: string | undefined; until?: string | undefined },
  nowMs: number,
): { sinceMs: number; untilMs: number } {
  const untilMs = until === undefined ? nowMs + 1 : Date.parse(until);
  const sinceMs = since === undefined ? untilMs - DAY_MS : Date.parse(since);
  return { sinceMs, untilMs };
}
