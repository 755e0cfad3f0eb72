import type { Interval } from '../memory/estimate.js';
import type { Demand } from './demand.js';
import type { Lot } from './stock.js';

export type CapacityVerdict = 'fits' | 'tight' | 'will-not-fit';

/** What one process is promised of a device, and what it can really take before an allocation is refused. */
export interface Allowance {
  promisedBytes: number;
  limitBytes: number;
}

type LotSize = Pick<Lot, 'deviceClass' | 'bandBytes'>;

function promise({ deviceClass, bandBytes }: LotSize, { budget }: Demand): { bytes: number; enforced: boolean } {
  if (budget.kind === 'bytes') return { bytes: Math.min(budget.bytes, bandBytes), enforced: budget.enforced };
  if (budget.kind === 'fraction') return { bytes: bandBytes * budget.fraction, enforced: budget.enforced };
  const shared = deviceClass.replicas > 1;
  return { bytes: bandBytes / deviceClass.replicas, enforced: !shared || deviceClass.shareEnforced };
}

/**
 * What a request may use of a device of the lot. A share that nothing enforces (time-slicing, plain fractions) is a
 * promise to the neighbours: the process can go past it as long as they leave room.
 */
export function allowanceOf(lot: LotSize, demand: Demand): Allowance {
  const { bytes, enforced } = promise(lot, demand);
  return { promisedBytes: bytes, limitBytes: enforced ? bytes : lot.bandBytes };
}

/**
 * Holds the smallest capacity on which a run survives against what a device gives.
 * `fits`: even the highest reading stays within what is promised. `will-not-fit`: even the lowest is more than can be
 * taken. `tight` is everything between, also where the expected value is above the capacity and the lowest is not:
 * it may still run, and only a certain failure may turn a workload away. The reason says on which side it expects it.
 */
export function capacityVerdict(required: Interval, allowance: Allowance): CapacityVerdict {
  if (required.high <= allowance.promisedBytes) return 'fits';
  return required.low > allowance.limitBytes ? 'will-not-fit' : 'tight';
}
