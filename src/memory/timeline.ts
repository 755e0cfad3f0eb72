import type { ReplaySeries } from './allocator/replay-run.js';
import type { TimelinePoint } from './estimate.js';
import type { MemoryEvents } from './events.js';

const MOST_POINTS = 200;

/**
 * At most 200 points that draw the memory over the iterations: each phase is cut into stretches of about equal numbers
 * of events, at least one, and a stretch shows its highest values.
 */
export function timelineOf(list: MemoryEvents, series: ReplaySeries): readonly TimelinePoint[] {
  const phases = list.phases.slice(0, MOST_POINTS).map((phase, index) => ({
    ...phase,
    end: list.phases[index + 1]?.firstEvent ?? list.events.length,
  }));
  const spare = MOST_POINTS - phases.length;
  return phases.flatMap((phase) => {
    const events = phase.end - phase.firstEvent;
    const stretches = 1 + Math.floor((spare * events) / Math.max(list.events.length, 1));
    return Array.from({ length: Math.min(stretches, events) }, (_, index): TimelinePoint => {
      const from = phase.firstEvent + Math.floor((events * index) / Math.min(stretches, events));
      const to = phase.firstEvent + Math.floor((events * (index + 1)) / Math.min(stretches, events));
      return {
        phase: phase.name,
        iteration: phase.iteration,
        allocatedBytes: highest(series.allocatedBytes, from, to),
        reservedBytes: highest(series.reservedBytes, from, to),
      };
    });
  });
}

function highest(values: Float64Array, from: number, to: number): number {
  let most = 0;
  for (let at = from; at < to; at++) {
    if (values[at]! > most) most = values[at]!;
  }
  return most;
}
