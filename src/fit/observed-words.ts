import type { Observed } from './assessment.js';
import { counted, gib } from './words.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** `61.3 GiB of 79.2 GiB on NVIDIA A100-SXM4-80GB`, in the words for what became of the run. `size` writes bytes. */
export function observedWords(observed: Observed, size: (bytes: number) => string = gib): string {
  const { standing, usedBytes, capacityBytes, besideBytes, deviceClass } = observed;
  const beside = besideBytes > BESIDE_TOLD_BYTES ? ` beside ${size(besideBytes)} that others held` : '';
  const on = `on ${deviceClass}${beside}`;
  if (standing === 'out-of-memory') return `out of memory at ${size(capacityBytes - besideBytes)} ${on}`;
  if (standing === 'upper-bound') return `up to ${size(usedBytes)} of ${size(capacityBytes)} ${on}`;
  if (standing === 'so-far') return `${size(usedBytes)} so far ${on}`;
  return `${size(usedBytes)} ${on}`;
}

/** An idle device shows up to 18 MiB (MIG of A100); more than these is worth a word. */
const BESIDE_TOLD_BYTES = 256 * 1024 ** 2;

/** `the same settings used 61.3 GiB on NVIDIA A100-SXM4-80GB 3 days ago` */
export function seenBefore(observed: Observed, nowMs: number): string {
  const verb = observed.standing === 'out-of-memory' ? 'ran' : 'used';
  const aside = observed.decides || observed.standing === 'so-far' ? '' : ' (they leave something open: not decisive)';
  return `the same settings ${verb} ${observedWords(observed)} ${agoOf(observed.atMs, nowMs)}${aside}`;
}

/** `3 days ago`, `5 hours ago`, `just now`. */
export function agoOf(atMs: number, nowMs: number): string {
  const passedMs = Math.max(0, nowMs - atMs);
  if (passedMs >= 2 * DAY_MS) return `${counted(Math.floor(passedMs / DAY_MS), 'day')} ago`;
  if (passedMs >= 2 * HOUR_MS) return `${counted(Math.floor(passedMs / HOUR_MS), 'hour')} ago`;
  const minutes = Math.floor(passedMs / 60_000);
  return minutes < 1 ? 'just now' : `${counted(minutes, 'minute')} ago`;
}

/** `2026-11-27`, in UTC. */
export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
