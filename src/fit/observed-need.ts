import type { DeviceTraits, Estimate, Interval } from '../memory/estimate.js';
import type { ObservedUse } from '../observation/observed-use.js';
import type { Observed } from './assessment.js';

/** Earlier runs of the settings of one pod set. */
export interface Seen {
  uses: readonly ObservedUse[];
  /** Hash of how the pods are started now. */
  launch: string;
  /** Whether what was read settles the run. */
  isSettled: boolean;
}

/** What a verdict rests on, where it does not rest on the estimate alone. */
export interface Basis {
  standing: 'measured' | 'upper-bound' | 'out-of-memory' | 'contradictory';
  /** The most that was used; where it was out of memory, what the device gave. */
  bytes: number;
  /** What the estimate alone says; null where there is none. */
  estimated: Interval | null;
}

export interface NarrowedNeed {
  requiredBytes: Interval;
  basis: Basis;
}

/**
 * By how much capacities of one device model differ: the driver keeps 0.4 to 0.9 % of large cards for itself, and how
 * much changes with its version (docs/inventory.md).
 */
const SAME_SIZE = 1.01;

/**
 * Whether a run decides, rather than only being told: where something of the settings was assumed, two runs of the same
 * settings may be different ones, unless it was submitted again as it was.
 */
export const decides = ({ launch, isSettled }: Seen, use: ObservedUse): boolean =>
  use.standing !== 'so-far' && (isSettled || use.launch === launch);

/** Whether what a process takes there is what it takes here: kernels and context go by the compute capability. */
export function isOfKind(use: ObservedUse, device: DeviceTraits): boolean {
  if (use.device.model === device.model) return true;
  const { vendor, computeCapability } = device;
  return (
    computeCapability !== null && vendor === use.device.vendor && computeCapability === use.device.computeCapability
  );
}

/**
 * The smallest capacity that a run needs, from its estimate and from what earlier runs showed, measured first.
 *
 * - A run that ended with memory to spare shows what a process takes when nothing is short: with that much it runs. It
 *   needs less where the allocator holds memory that it would give back; how much less, the simulation says.
 * - A run that ended with hardly any to spare shows that its device was enough, and no more than that.
 * - A run that was out of memory shows that what the device had left was not enough. That alone raises the low end.
 * - Both at one size contradict each other: then nothing is certain there.
 *
 * null: no earlier run decides.
 */
export function narrowed(estimate: Estimate | null, seen: Seen, device: DeviceTraits): NarrowedNeed | null {
  const uses = seen.uses.filter((use) => decides(seen, use) && isOfKind(use, device));
  const failed = uses.filter(({ standing }) => standing === 'out-of-memory');
  const enough = enoughBytes(uses);
  const tooLittle = Math.max(0, ...failed.map(({ capacityBytes, besideBytes }) => capacityBytes - besideBytes));
  if (enough === null && failed.length === 0) return null;
  if (estimate === null)
    return unestimated(
      enough,
      tooLittle,
      failed.some((use) => use.device.model === device.model),
    );
  if (enough === null) return beyond(estimate, tooLittle);
  if (tooLittle >= enough.bytes) return contradictory(estimate, tooLittle);
  return within(estimate, enough, tooLittle);
}

interface Enough {
  standing: 'measured' | 'upper-bound';
  bytes: number;
}

/** The least that is known to be enough: the most that unhindered runs used, or the smallest device on which it ran. */
function enoughBytes(uses: readonly ObservedUse[]): Enough | null {
  const measured = uses.filter(({ standing }) => standing === 'measured').map(({ usedBytes }) => usedBytes);
  const bounds = uses.filter(({ standing }) => standing === 'upper-bound');
  const bound = Math.min(...bounds.map(({ capacityBytes, besideBytes }) => capacityBytes - besideBytes));
  const most = measured.length === 0 ? Infinity : Math.max(...measured);
  if (measured.length === 0 && bounds.length === 0) return null;
  return most <= bound ? { standing: 'measured', bytes: most } : { standing: 'upper-bound', bytes: bound };
}

/**
 * What cannot be estimated is known by what it used alone. That a device was too small does not say which one is large
 * enough: then only devices of its model are answered.
 */
function unestimated(enough: Enough | null, tooLittle: number, isOfModel: boolean): NarrowedNeed | null {
  if (enough !== null && tooLittle < enough.bytes) {
    const { standing, bytes } = enough;
    const low = Math.min(tooLittle * SAME_SIZE, bytes);
    return { requiredBytes: { low, expected: bytes, high: bytes }, basis: { standing, bytes, estimated: null } };
  }
  if (enough !== null || !isOfModel) return null;
  const least = tooLittle * SAME_SIZE;
  const basis: Basis = { standing: 'out-of-memory', bytes: tooLittle, estimated: null };
  return { requiredBytes: { low: least, expected: least, high: least }, basis };
}

function beyond({ minimumCapacityBytes: estimated }: Estimate, tooLittle: number): NarrowedNeed {
  const least = tooLittle * SAME_SIZE;
  const requiredBytes = {
    low: Math.max(estimated.low, least),
    expected: Math.max(estimated.expected, least),
    high: Math.max(estimated.high, least),
  };
  return { requiredBytes, basis: { standing: 'out-of-memory', bytes: tooLittle, estimated } };
}

function contradictory({ minimumCapacityBytes: estimated }: Estimate, bytes: number): NarrowedNeed {
  const requiredBytes = {
    low: Math.min(estimated.low, bytes),
    expected: estimated.expected,
    high: Math.max(estimated.high, bytes * SAME_SIZE),
  };
  return { requiredBytes, basis: { standing: 'contradictory', bytes, estimated } };
}

function within(estimate: Estimate, { standing, bytes }: Enough, tooLittle: number): NarrowedNeed {
  const { minimumCapacityBytes: estimated, deviceBytes, reservedBytes, allocatedBytes } = estimate;
  const least = Math.min(tooLittle * SAME_SIZE, bytes);
  const atMost = (value: number): number => Math.min(bytes, Math.max(least, value));
  const basis: Basis = { standing, bytes, estimated };
  if (standing === 'upper-bound') {
    const { low, expected, high } = estimated;
    return { requiredBytes: { low: atMost(low), expected: atMost(expected), high: atMost(high) }, basis };
  }
  // What the allocator holds at the peak beyond what lives, and what it gives back when it must.
  const held = reservedBytes.expected - allocatedBytes.expected;
  const givenBack = deviceBytes.expected - estimated.expected;
  const low = atMost(Math.min(estimated.low, bytes - held));
  return { requiredBytes: { low, expected: Math.max(low, atMost(bytes - givenBack)), high: bytes }, basis };
}

/** Earlier runs as an answer tells them: by device class and what came of them, those that decide first. */
export function observedOf(podSet: string, seen: Seen): readonly Observed[] {
  const groups = new Map<string, ObservedUse[]>();
  for (const use of seen.uses) {
    const key = `${use.device.deviceClass}|${use.standing}|${decides(seen, use)}`;
    groups.set(key, [...(groups.get(key) ?? []), use]);
  }
  const told = [...groups.values()].map((uses) => toldOf(podSet, seen, uses));
  return told.sort(
    (a, b) => Number(b.decides) - Number(a.decides) || b.atMs - a.atMs || (a.deviceClass < b.deviceClass ? -1 : 1),
  );
}

function toldOf(podSet: string, seen: Seen, uses: readonly ObservedUse[]): Observed {
  const most = uses.reduce((a, b) => (b.usedBytes > a.usedBytes ? b : a));
  return {
    podSet,
    deviceClass: most.device.deviceClass,
    standing: most.standing,
    usedBytes: most.usedBytes,
    besideBytes: most.besideBytes,
    capacityBytes: most.capacityBytes,
    runs: new Set(uses.map(({ run }) => run)).size,
    atMs: Math.max(...uses.map(({ atMs }) => atMs)),
    decides: decides(seen, most),
  };
}
