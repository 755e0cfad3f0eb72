import { isLate } from '../inventory/wall-clock.js';

/**
 * Whose the figure of a device is. `alone`: no other pod holds the device. `own-figure`: others do, and the exporter
 * says what this pod uses. `mixed`: others do, or may, and nothing tells the shares apart.
 */
export const SHARINGS = ['alone', 'own-figure', 'mixed'] as const;
export type Sharing = (typeof SHARINGS)[number];

/** One sample of a device that a pod holds. Bytes. */
export interface UseSample {
  atMs: number;
  /** In use on the device; by the pod itself where that is known. */
  usedBytes: number;
  capacityBytes: number;
  sharing: Sharing;
}

/** What was used of one device while a pod held it. */
export interface DeviceUse {
  /** In use before the pod came: what somebody left behind, or a process beside Kubernetes. null: not known. */
  baselineBytes: number | null;
  currentBytes: number;
  peakBytes: number;
  /** When the peak was first reached. */
  peakAtMs: number;
  /** When the pod was first seen to use memory; null: not yet. */
  startedAtMs: number | null;
  /** When the peak last grew by more than a hundredth. */
  grownAtMs: number;
  lastAtMs: number;
  /** Samples since it used memory. */
  samples: number;
  capacityBytes: number;
  /** The least that was known of any sample. */
  sharing: Sharing;
}

const MIB = 1024 ** 2;

/** The smallest CUDA context that is known takes 105 MiB (T4): below, no process has begun on the device. */
export const LEAST_USE_BYTES = 100 * MIB;

/** A peak that grows by less than this is the same peak. */
const SAME_PEAK = 1.01;

/** The first sample of a device under a pod. */
export function firstUse(sample: UseSample, baselineBytes: number | null): DeviceUse {
  const begun: DeviceUse = {
    baselineBytes,
    currentBytes: sample.usedBytes,
    peakBytes: sample.usedBytes,
    peakAtMs: sample.atMs,
    startedAtMs: null,
    grownAtMs: sample.atMs,
    lastAtMs: sample.atMs,
    samples: 0,
    capacityBytes: sample.capacityBytes,
    sharing: sample.sharing,
  };
  return counted(begun, sample);
}

/**
 * The use after one more sample, at the time `nowMs`. One that is not newer changes nothing: sources overlap, and the same
 * scrape may come twice. After the clock was set back, times that are still to come become that of the sample.
 */
export function furtherUse(use: DeviceUse, sample: UseSample, nowMs: number): DeviceUse {
  if (sample.atMs === use.lastAtMs || isLate(sample.atMs, use.lastAtMs, nowMs)) return use;
  return sample.atMs > use.lastAtMs ? taken(use, sample) : taken(setBack(use, sample.atMs), sample);
}

function setBack(use: DeviceUse, atMs: number): DeviceUse {
  const peakAtMs = Math.min(use.peakAtMs, atMs);
  const startedAtMs = use.startedAtMs === null ? null : Math.min(use.startedAtMs, atMs);
  return { ...use, peakAtMs, startedAtMs, grownAtMs: Math.min(use.grownAtMs, atMs) };
}

function taken(use: DeviceUse, sample: UseSample): DeviceUse {
  const isHigher = sample.usedBytes > use.peakBytes;
  const hasGrown = sample.usedBytes > use.peakBytes * SAME_PEAK;
  const next: DeviceUse = {
    ...use,
    currentBytes: sample.usedBytes,
    peakBytes: Math.max(use.peakBytes, sample.usedBytes),
    peakAtMs: isHigher ? sample.atMs : use.peakAtMs,
    grownAtMs: hasGrown ? sample.atMs : use.grownAtMs,
    lastAtMs: sample.atMs,
    capacityBytes: Math.max(use.capacityBytes, sample.capacityBytes),
    sharing: leastKnown(use.sharing, sample.sharing),
  };
  return counted(next, sample);
}

/** Of two, the one that tells less. */
export const leastKnown = (a: Sharing, b: Sharing): Sharing => (SHARINGS.indexOf(a) > SHARINGS.indexOf(b) ? a : b);

function counted(use: DeviceUse, sample: UseSample): DeviceUse {
  const isUsed = sample.usedBytes - (use.baselineBytes ?? 0) > LEAST_USE_BYTES;
  if (!isUsed) return use;
  return { ...use, startedAtMs: use.startedAtMs ?? sample.atMs, samples: use.samples + 1 };
}

/** What the pod itself used at its peak: without what was in use before it came. */
export const ownPeakOf = ({ peakBytes, baselineBytes }: Pick<DeviceUse, 'peakBytes' | 'baselineBytes'>): number =>
  Math.max(0, peakBytes - (baselineBytes ?? 0));

/** Of several devices of a pod the one on which it used most: the one that decides whether it fits. */
export function worstUse(uses: readonly DeviceUse[]): DeviceUse | null {
  const [first, ...rest] = uses;
  return first === undefined ? null : rest.reduce((a, b) => (ownPeakOf(b) > ownPeakOf(a) ? b : a), first);
}

/** One use out of two stretches of the same attempt: what was stored before a restart, and what was seen since. */
export function joinedUse(earlier: DeviceUse, later: DeviceUse): DeviceUse {
  const higher = ownPeakOf(later) > ownPeakOf(earlier) ? later : earlier;
  const hasGrown = ownPeakOf(later) > ownPeakOf(earlier) * SAME_PEAK;
  return {
    ...higher,
    currentBytes: later.currentBytes,
    startedAtMs: earlier.startedAtMs ?? later.startedAtMs,
    grownAtMs: hasGrown ? later.grownAtMs : earlier.grownAtMs,
    lastAtMs: Math.max(earlier.lastAtMs, later.lastAtMs),
    samples: earlier.samples + later.samples,
    sharing: leastKnown(earlier.sharing, later.sharing),
  };
}
