import type { PodSet } from '../workload/workload.js';
import { affinityFor } from './affinity.js';
import type { PodSetFit, Verdict } from './assessment.js';
import { acceptsOf, classFit, classRows } from './class-fit.js';
import type { ClassRow, NeedOn } from './class-fit.js';
import type { Cluster } from './cluster.js';
import { claimView } from './claims/claim-view.js';
import { demandOf, demandOfClaims, mainRequest } from './demand.js';
import type { Demand } from './demand.js';
import * as reasons from './reasons.js';
import { podsEver, roomFor } from './room.js';
import type { Room } from './room.js';

/** A pod set on its way through fitting. */
export interface Candidate {
  podSet: PodSet;
  demand: Demand;
  room: Room;
  /** Pods that must run at the same time. */
  podsNeeded: number;
}

/** What a pod set asks for, and the cluster as its claims see it; in words where that is not known. */
function demanded(podSet: PodSet, cluster: Cluster): { demand: Demand | null; cluster: Cluster } | string {
  const main = mainRequest(podSet);
  const view = main === null ? null : claimView(podSet, main, cluster);
  if (typeof view === 'string') return view;
  if (view === null) return { demand: demandOf(podSet, cluster), cluster };
  return { demand: demandOfClaims(podSet, view), cluster: view.cluster };
}

/** As `candidateFor`; in words why it cannot be told what the pods' claims may get. */
export function candidateOrReason(
  podSet: PodSet,
  cluster: Cluster,
  gangSize: number | null,
): Candidate | string | null {
  const seen = demanded(podSet, cluster);
  if (typeof seen === 'string') return seen;
  if (seen.demand === null || podSet.replicas === 0) return null;
  const atOnce = (podSet.placement.topology ?? []).filter((rule) => rule.atOnce).map((rule) => rule.podsPerGroup);
  const ofGang = gangSize === null ? 1 : Math.min(podSet.replicas, gangSize);
  const podsNeeded = Math.max(ofGang, ...atOnce);
  return { podSet, demand: seen.demand, room: roomFor(seen.cluster, podSet.placement, seen.demand), podsNeeded };
}

/** null: the pod set asks for no device, or for devices of which nothing is known. */
export function candidateFor(podSet: PodSet, cluster: Cluster, gangSize: number | null): Candidate | null {
  const candidate = candidateOrReason(podSet, cluster, gangSize);
  return typeof candidate === 'string' ? null : candidate;
}

/** Rows by what they may be used for. */
interface Sorted {
  all: readonly ClassRow[];
  fitting: readonly ClassRow[];
  unknown: readonly ClassRow[];
  /** Fitting, tight or unknown: not certain to fail. */
  possible: readonly ClassRow[];
}

function sorted(all: readonly ClassRow[]): Sorted {
  return {
    all,
    fitting: all.filter((row) => row.verdict === 'fits'),
    unknown: all.filter((row) => row.verdict === 'unknown'),
    possible: all.filter((row) => row.verdict !== 'will-not-fit'),
  };
}

function hasRoom(candidate: Candidate, rows: readonly ClassRow[]): boolean {
  return podsEver(candidate.room, acceptsOf(rows)) >= candidate.podsNeeded;
}

/**
 * The verdict over all devices that the pods may be given. `unschedulable` counts devices and knows nothing of memory.
 * A gang that has room only when some of its pods take devices that cannot hold them will not fit as a whole.
 */
function verdictOver(candidate: Candidate, rows: Sorted): Verdict {
  if (!hasRoom(candidate, rows.all)) return 'unschedulable';
  if (rows.fitting.length === rows.all.length) return 'fits';
  if (rows.fitting.length > 0 && hasRoom(candidate, rows.fitting)) return 'fits-some';
  if (!hasRoom(candidate, rows.possible)) return 'will-not-fit';
  return rows.unknown.length > 0 ? 'unknown' : 'tight';
}

function reasonFor(verdict: Verdict, candidate: Candidate, rows: Sorted): string {
  if (verdict === 'unschedulable') return reasons.unschedulable(candidate, rows.all);
  if (verdict === 'unknown') return reasons.unknown(rows.unknown);
  if (verdict === 'fits-some') return reasons.fitsSome(candidate, rows.fitting, rows.all);
  if (verdict === 'tight') return reasons.tight(candidate, rows.all);
  return verdict === 'fits'
    ? reasons.fits(candidate, rows.all)
    : reasons.willNotFit(candidate, rows.all, rows.possible);
}

/** Holds the need of one pod set against every device that its pods may be given. */
export function fitPodSet(candidate: Candidate, needOn: NeedOn): PodSetFit {
  const rows = sorted(classRows(candidate.room, needOn));
  const verdict = verdictOver(candidate, rows);
  const keepsToFitting = verdict === 'fits-some';
  return {
    podSet: candidate.podSet.name,
    verdict,
    reason: reasonFor(verdict, candidate, rows),
    classes: rows.all.map((row) => classFit(row, candidate.room, candidate.podsNeeded)),
    affinity: keepsToFitting ? affinityFor(candidate.room, acceptsOf(rows.fitting), candidate.podsNeeded) : null,
  };
}
