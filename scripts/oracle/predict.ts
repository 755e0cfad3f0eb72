import { architectureOf } from '../../src/model/architecture.js';
import { parseAllocatorConfig } from '../../src/memory/allocator/config.js';
import { replay } from '../../src/memory/allocator/replay.js';
import type { MemoryEvents } from '../../src/memory/events.js';
import { conventionsOf } from '../../src/memory/loop-conventions.js';
import { rankViewOf } from '../../src/memory/rank-view-of.js';
import { simulate } from '../../src/memory/simulate.js';
import type { OracleRecord } from './record.js';
import { oracleRun } from './record.js';

/** Peaks of an event list, each block rounded to the allocator's 512 bytes. */
export interface RoundedPeaks {
  peakBytes: number;
  phase: string;
}

const MULTIPLE = 512;
const rounded = (bytes: number): number => Math.max(MULTIPLE, Math.ceil(bytes / MULTIPLE) * MULTIPLE);

/** Runs a recorded configuration as it was recorded: gradients added out of place, as many iterations. */
export function simulateRecord(
  record: OracleRecord,
  iterations = record.peak_allocated_by_iteration.length,
): MemoryEvents {
  const { values, model, reduceInFloat32 } = oracleRun(record);
  return simulate(values, architectureOf(model, values.task, rankViewOf(values)), {
    iterations,
    gradientAddition: 'out-of-place',
    computeCapability: 9.0,
    conventions: conventionsOf(values),
    reduceInFloat32,
  });
}

/** The largest sum of live blocks and the first phase that reaches it. */
export function roundedPeaks({ events, sizes, phases }: MemoryEvents): RoundedPeaks {
  let live = 0;
  let peakBytes = 0;
  let phase = 'model';
  let next = 0;
  let current = 'model';
  events.forEach((event, index) => {
    while (next < phases.length && phases[next]!.firstEvent <= index) current = phases[next++]!.name;
    live += event >= 0 ? rounded(sizes[event]!) : -rounded(sizes[-event - 1]!);
    if (live <= peakBytes) return;
    peakBytes = live;
    phase = current;
  });
  return { peakBytes, phase };
}

export interface Prediction extends RoundedPeaks {
  allocatedBytes: number;
  reservedBytes: number;
}

export function predict(record: OracleRecord): Prediction {
  const events = simulateRecord(record);
  const { peakAllocatedBytes, peakReservedBytes } = replay(events, parseAllocatorConfig('').config);
  return { ...roundedPeaks(events), allocatedBytes: peakAllocatedBytes, reservedBytes: peakReservedBytes };
}
