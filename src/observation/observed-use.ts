import { ownPeakOf } from './device-use.js';
import { lastSeenMs } from './pod-observation.js';
import type { ObservedDevice, PodObservation } from './pod-observation.js';
import { standingOf, STANDINGS } from './standing.js';
import type { Standing, StandingRules } from './standing.js';

/** What one run of known settings used on devices of one class: what later answers are given. Bytes. */
export interface ObservedUse {
  standing: Exclude<Standing, 'too-short' | 'mixed'>;
  device: ObservedDevice;
  /** The most that any of its pods used on any of its devices, without what was in use before. */
  usedBytes: number;
  /** What was in use before it came, on that device. */
  besideBytes: number;
  /** The most that the device ever gave. */
  capacityBytes: number;
  /** When it was last seen; milliseconds since 1970. */
  atMs: number;
  /** Hash of the launch, to tell what was submitted again as it was. */
  launch: string;
  /** Uid of the workload, to count runs by; never shown. */
  run: string;
}

/** Uses by run fingerprint, the newest first. */
export type UsesByFingerprint = ReadonlyMap<string, readonly ObservedUse[]>;

/** Runs that are kept of one fingerprint. */
const KEPT_OF_ONE = 5;

/** What says most about a run whose pods fared differently: that one of them was out of memory. */
const DECISIVE: readonly Standing[] = ['out-of-memory', 'so-far', 'upper-bound', 'measured'];

/**
 * The uses that count, by fingerprint. Pods of one workload on devices of one class make one use: that of the pod that
 * used most. Bounded: the newest of each fingerprint, and the fingerprints seen last.
 */
export function usesOf(
  observations: Iterable<PodObservation>,
  rules: StandingRules,
  mostFingerprints: number,
): UsesByFingerprint {
  const runs = new Map<string, Map<string, ObservedUse>>();
  for (const observation of observations) {
    const use = useOf(observation, rules);
    if (use === null || observation.run === null) continue;
    const { fingerprint } = observation.run;
    const ofFingerprint = runs.get(fingerprint) ?? new Map<string, ObservedUse>();
    runs.set(fingerprint, ofFingerprint);
    const key = `${use.run}|${use.device.deviceClass}`;
    const known = ofFingerprint.get(key);
    ofFingerprint.set(key, known === undefined ? use : together(known, use));
  }
  const sorted = [...runs].map(([fingerprint, uses]) => [fingerprint, newestFirst([...uses.values()])] as const);
  sorted.sort(([a, usesA], [b, usesB]) => (usesB[0]?.atMs ?? 0) - (usesA[0]?.atMs ?? 0) || (a < b ? -1 : 1));
  return new Map(sorted.slice(0, mostFingerprints));
}

function useOf(observation: PodObservation, rules: StandingRules): ObservedUse | null {
  const standing = standingOf(observation, rules);
  if (standing === 'too-short' || standing === 'mixed' || observation.run === null) return null;
  const { use, device, run, workload, id } = observation;
  return {
    standing,
    device,
    usedBytes: ownPeakOf(use),
    besideBytes: use.baselineBytes ?? 0,
    capacityBytes: use.capacityBytes,
    atMs: lastSeenMs(observation),
    launch: run.launch,
    // A pod that is started again in place is a run of its own.
    run: `${workload.uid ?? ''}/${id.slice(id.lastIndexOf('/') + 1)}`,
  };
}

function together(a: ObservedUse, b: ObservedUse): ObservedUse {
  const most = b.usedBytes > a.usedBytes ? b : a;
  const standing = DECISIVE.indexOf(a.standing) < DECISIVE.indexOf(b.standing) ? a.standing : b.standing;
  return { ...most, standing, atMs: Math.max(a.atMs, b.atMs) };
}

function newestFirst(uses: readonly ObservedUse[]): readonly ObservedUse[] {
  const inOrder = (a: ObservedUse, b: ObservedUse): number =>
    b.atMs - a.atMs || STANDINGS.indexOf(a.standing) - STANDINGS.indexOf(b.standing) || (a.run < b.run ? -1 : 1);
  return uses.toSorted(inOrder).slice(0, KEPT_OF_ONE);
}
