import type { Candidate } from '../pod-set-fit.js';
import type { FitQuestion } from '../workload-fit.js';
import type { Target } from './proposal.js';

/** The largest device that a pod set may be given; null where none is known. */
export function largestTarget(candidate: Candidate, traitsOf: FitQuestion['traitsOf']): Target | null {
  const lots = candidate.room.groups.flatMap((group) => group.stock.lots);
  const [largest] = lots.filter((lot) => lot.deviceClass.model !== null).sort((a, b) => b.bandBytes - a.bandBytes);
  if (largest === undefined) return null;
  const { deviceClass, bandBytes: capacityBytes } = largest;
  const traits = traitsOf(deviceClass.model ?? '');
  const { computeCapability, vendor } = traits ?? { computeCapability: null, vendor: 'nvidia' as const };
  return { deviceClass, capacityBytes, computeCapability, vendor };
}
