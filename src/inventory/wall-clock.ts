/**
 * How far the clock of another machine may be ahead of ours. What claims to be of a later time than that was written down
 * before this clock was set back.
 */
export const AHEAD_MS = 10 * 60_000;

/**
 * Whether something of the time `atMs` comes later than what was of `lastMs`, and is older: sources overlap, and the past is
 * asked for. What is known from a time that is still to come does not count as newer.
 */
export const isLate = (atMs: number, lastMs: number, nowMs: number): boolean =>
  atMs < lastMs && lastMs <= nowMs + AHEAD_MS;

/** Whether what was done at `lastMs` is to be done again; a clock that was set back makes nobody wait for it to come round. */
export const isDue = (lastMs: number, everyMs: number, nowMs: number): boolean =>
  nowMs < lastMs || nowMs - lastMs >= everyMs;
