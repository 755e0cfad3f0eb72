import type { DeviceTraits, Interval } from '../../src/memory/estimate.js';
import { versionOf } from '../../src/memory/device/versions.js';
import type { RunValues } from '../../src/run/training-run.js';
import type { MeasuredRun } from './measured-run.js';

const UNIT_BYTES: Readonly<Record<string, number>> = { MIB: 2 ** 20, GIB: 2 ** 30, MB: 1e6, GB: 1e9 };

const FIGURE = '(~?)(\\d+(?:\\.\\d+)?)(?:\\s?-\\s?(\\d+(?:\\.\\d+)?))? ?(MiB|GiB|MB|GB)';
const BEFORE = new RegExp(`${FIGURE} (?:CUDA )?context`, 'i');
const AFTER = new RegExp(`context\\b[a-z ,:]{0,30}?${FIGURE}`, 'i');

/**
 * Bytes of the context on the machine of a record, where its notes give what was read there: a range, or an exact figure;
 * null: none. A single figure that is only about right is no reading.
 */
export function notedContext({ notes }: Pick<MeasuredRun, 'notes'>): Interval | null {
  const found = BEFORE.exec(notes ?? '') ?? AFTER.exec(notes ?? '');
  if (found === null) return null;
  const [, about, from = '', to, unit = ''] = found;
  if (about === '~' && to === undefined) return null;
  const scale = UNIT_BYTES[unit.toUpperCase()] ?? 1;
  const [low, high] = [Number(from) * scale, Number(to ?? from) * scale];
  return { low: Math.round(low), expected: Math.round((low + high) / 2), high: Math.round(high) };
}

const releaseOf = (run: RunValues, name: string): string | null => {
  const version = versionOf(run, name);
  return version === null || version.length < 2 ? null : version.slice(0, 2).join('.');
};

/** The device as earlier runs on that machine showed it, where the record tells: as a cluster learns of its contexts. */
export function withNotedContext(device: DeviceTraits, record: MeasuredRun, run: RunValues): DeviceTraits {
  const bytes = notedContext(record);
  if (bytes === null) return device;
  const stack = { framework: run.framework.name, torch: releaseOf(run, 'torch') ?? '', cuda: releaseOf(run, 'cuda') };
  return { ...device, learnedContexts: [{ ...stack, deviceClass: device.model, model: device.model, bytes, runs: 1 }] };
}
