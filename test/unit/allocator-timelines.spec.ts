import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
import { DEFAULT_ALLOCATOR_CONFIG } from '../../src/memory/allocator/config.js';
import { replay } from '../../src/memory/allocator/replay.js';
import type { AllocationEvents } from '../../src/memory/allocator/requests.js';
import { smallestSurvivingLimit } from '../../src/memory/allocator/smallest-limit.js';
import { describeWithShared, sharedPath } from './shared-data.js';

const TIMELINES = 'oracle/timelines';

/** A recorded run: every allocation and free of some training iterations, and what a reference simulator made of it. */
interface Timeline {
  size: number[];
  stream: number[] | null;
  events: number[];
  peak_reserved_bytes_simulated: number;
  peak_allocated_bytes_simulated: number;
  n_segments_simulated: number;
  min_limit_bytes_simulated: number | null;
}

function readTimeline(file: string): { timeline: Timeline; events: AllocationEvents } {
  const timeline = JSON.parse(gunzipSync(readFileSync(sharedPath(TIMELINES, file))).toString()) as Timeline;
  const streams = timeline.stream ?? new Array<number>(timeline.size.length).fill(0);
  return {
    timeline,
    events: { sizes: timeline.size, streams: Uint8Array.from(streams), events: Int32Array.from(timeline.events) },
  };
}

describeWithShared(TIMELINES, 'recorded timelines through the caching allocator', () => {
  const files = readdirSync(sharedPath(TIMELINES)).filter((file) => file.endsWith('.json.gz'));

  it.each(files)('%s: peaks and number of segments, to the byte', (file) => {
    const { timeline, events } = readTimeline(file);
    expect(replay(events, DEFAULT_ALLOCATOR_CONFIG)).toMatchObject({
      peakReservedBytes: timeline.peak_reserved_bytes_simulated,
      peakAllocatedBytes: timeline.peak_allocated_bytes_simulated,
      segments: timeline.n_segments_simulated,
    });
  });

  it.each(files)('%s: smallest surviving limit, to the byte', (file) => {
    const { timeline, events } = readTimeline(file);
    if (timeline.min_limit_bytes_simulated === null) return;
    expect(smallestSurvivingLimit(events, DEFAULT_ALLOCATOR_CONFIG)).toBe(timeline.min_limit_bytes_simulated);
  });
});
