import type { FoundLargest } from '../advisor/largest-of.js';
import { SCALES } from '../fit/advice/largest.js';
import type { Scale } from '../fit/advice/largest.js';
import { gib } from '../fit/words.js';
import { CliError } from './cli-error.js';

/** Reads `--largest WHAT`. Throws CliError. */
export function parseScale(text: string): Scale {
  const scale = SCALES.find((known) => known === text);
  if (scale === undefined) throw new CliError(`--largest ${text} is not known`, `one of ${SCALES.join(', ')}`);
  return scale;
}

/** One or two lines for people. */
export function largestText({ podSet, device, capacityBytes, scale, largest: found }: FoundLargest): string {
  const head = `largest ${scale} of ${podSet} on ${device} (${gib(capacityBytes)})`;
  if (typeof found === 'string') return `${head}: none, ${found}`;
  const { fits, next, ends } = found;
  const after = next === null ? (ends ?? '') : `${next.value} may need ${gib(next.requiredBytes.high)}`;
  if (fits === null) return `${head}: none, ${after}`;
  const size = `${fits.value}, needs at most ${gib(fits.requiredBytes.high)}, ${gib(fits.marginBytes)} to spare`;
  return `${head}: ${size}; ${after}`;
}
