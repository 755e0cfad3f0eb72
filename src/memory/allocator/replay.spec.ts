import { describe, expect, it } from '@jest/globals';
import type { AllocatorConfig } from './config.js';
import { DEFAULT_ALLOCATOR_CONFIG } from './config.js';
import type { AllocationEvents } from './requests.js';
import { replay } from './replay.js';
import { smallestSurvivingLimit } from './smallest-limit.js';

const MIB = 1 << 20;
const EXPANDABLE: AllocatorConfig = { ...DEFAULT_ALLOCATOR_CONFIG, expandableSegments: true };

/** Allocations by size in MiB, frees as `-n` for the n-th allocation, counted from 1. */
function script(...steps: readonly (number | { free: number } | { mib: number; stream: number })[]): AllocationEvents {
  const sizes: number[] = [];
  const streams: number[] = [];
  const events: number[] = [];
  for (const step of steps) {
    if (typeof step === 'object' && 'free' in step) {
      events.push(-step.free);
      continue;
    }
    const { mib, stream } = typeof step === 'number' ? { mib: step, stream: 0 } : step;
    events.push(sizes.push(mib * MIB) - 1);
    streams.push(stream);
  }
  return { sizes, streams: Uint8Array.from(streams), events: Int32Array.from(events) };
}

const free = (allocation: number): { free: number } => ({ free: allocation });
const on = (stream: number, mib: number): { mib: number; stream: number } => ({ mib, stream });

const reservedMib = (events: AllocationEvents, config = DEFAULT_ALLOCATOR_CONFIG): number =>
  replay(events, config).peakReservedBytes / MIB;

describe('segments', () => {
  it('serves requests up to 1 MiB from 2 MiB segments', () => {
    expect(reservedMib(script(1, 1))).toBe(2);
    expect(reservedMib(script(1, 1, 0.25))).toBe(4);
  });

  it('takes 20 MiB for requests under 10 MiB and serves several from it', () => {
    expect(reservedMib(script(2))).toBe(20);
    expect(reservedMib(script(9, 9))).toBe(20);
  });

  it('takes a segment of its own, rounded to 2 MiB, from 10 MiB on', () => {
    expect(reservedMib(script(10.5))).toBe(12);
  });

  it('counts a remainder of up to 1 MiB as allocated', () => {
    expect(replay(script(11), DEFAULT_ALLOCATOR_CONFIG).peakAllocatedBytes).toBe(12 * MIB);
  });

  it('never serves one stream from another', () => {
    expect(reservedMib(script(on(0, 30), free(1), on(1, 30)))).toBe(60);
    expect(reservedMib(script(on(0, 30), free(1), on(0, 30)))).toBe(30);
  });
});

describe('fragmentation', () => {
  it('cannot join free parts of different segments', () => {
    expect(reservedMib(script(40, 40, free(1), free(2), 80))).toBe(160);
  });

  it('joins free neighbours within a segment', () => {
    expect(reservedMib(script(80, free(1), 40, 40, free(2), free(3), 80))).toBe(80);
  });

  it('chooses the smallest block that is large enough', () => {
    const events = script(100, 60, free(1), free(2), 50, 90);
    expect(reservedMib(events)).toBe(160);
  });
});

describe('a limit', () => {
  it('is met by giving back segments that are wholly free', () => {
    const events = script(40, 40, free(1), free(2), 80);
    const limited = replay(events, DEFAULT_ALLOCATOR_CONFIG, 80 * MIB);
    expect(limited).toMatchObject({ survived: true, peakReservedBytes: 80 * MIB, retries: 1 });
    expect(smallestSurvivingLimit(events, DEFAULT_ALLOCATOR_CONFIG)).toBe(80 * MIB);
  });

  it('is not met where a small block keeps the segment', () => {
    const events = script(40, free(1), 4, 40);
    expect(replay(events, DEFAULT_ALLOCATOR_CONFIG, 60 * MIB)).toMatchObject({ survived: false, failedEvent: 3 });
    expect(smallestSurvivingLimit(events, DEFAULT_ALLOCATOR_CONFIG)).toBe(80 * MIB);
  });

  it('scales with the share of the device that the process may take', () => {
    const config = { ...DEFAULT_ALLOCATOR_CONFIG, memoryFraction: 0.5 };
    expect(smallestSurvivingLimit(script(40), config)).toBe(80 * MIB);
    expect(replay(script(40), config, 79 * MIB).survived).toBe(false);
  });
});

describe('expandable segments', () => {
  it('grow by 20 MiB pages instead of leaving holes', () => {
    expect(reservedMib(script(40, 40, free(1), free(2), 80), EXPANDABLE)).toBe(80);
    expect(reservedMib(script(50), EXPANDABLE)).toBe(60);
  });

  it('split large blocks down to 512 bytes', () => {
    expect(replay(script(11), EXPANDABLE).peakAllocatedBytes).toBe(11 * MIB);
  });

  it('give back the free pages in the middle of a segment when memory runs out', () => {
    const events = script(40, 20, 40, free(1), free(3), on(1, 80));
    expect(replay(events, EXPANDABLE, 120 * MIB)).toMatchObject({ survived: true, retries: 1 });
    expect(replay(events, DEFAULT_ALLOCATOR_CONFIG, 99 * MIB).survived).toBe(false);
    expect(smallestSurvivingLimit(events, EXPANDABLE)).toBe(100 * MIB);
  });

  it('map unmapped pages again', () => {
    const events = script(40, 20, 40, free(1), free(3), on(1, 80), free(4), 40, 40);
    expect(replay(events, EXPANDABLE, 120 * MIB).survived).toBe(true);
  });
});

describe('max_split_size', () => {
  const config = { ...DEFAULT_ALLOCATOR_CONFIG, maxSplitBytes: 64 * MIB };

  it('keeps large segments whole for large requests', () => {
    expect(reservedMib(script(100, free(1), 30))).toBe(100);
    expect(reservedMib(script(100, free(1), 30), config)).toBe(130);
  });

  it('refuses a block that exceeds a large request by 20 MiB and more', () => {
    expect(reservedMib(script(100, free(1), 81), config)).toBe(100);
    expect(reservedMib(script(100, free(1), 80), config)).toBe(180);
  });

  it('releases the large segments first when memory runs out', () => {
    const events = script(100, 30, free(1), free(2), 79);
    expect(replay(events, config, 150 * MIB)).toMatchObject({ survived: true, retries: 0, segments: 3 });
  });
});

describe('garbage collection', () => {
  const config = { ...DEFAULT_ALLOCATOR_CONFIG, memoryFraction: 1, garbageCollectionThreshold: 0.5 };

  it('drops old segments above the threshold, before the limit is met', () => {
    const events = script(40, 50, free(1), free(2), 60);
    expect(replay(events, config, 200 * MIB)).toMatchObject({ peakReservedBytes: 150 * MIB, retries: 0 });
    expect(replay(events, config, 160 * MIB)).toMatchObject({ peakReservedBytes: 90 * MIB, retries: 0 });
  });

  it('keeps segments that were used lately', () => {
    const events = script(40, free(1), 50, free(2), 60);
    const series = replay(events, config, 160 * MIB, { series: true }).series;
    expect(series?.reservedBytes.at(-1)).toBe(110 * MIB);
  });

  it('does nothing without a memory fraction', () => {
    const events = script(40, 50, free(1), free(2), 60);
    expect(replay(events, { ...config, memoryFraction: null }, 160 * MIB).peakReservedBytes).toBe(150 * MIB);
  });
});

describe('series', () => {
  it('gives the bytes after every event', () => {
    const { series } = replay(script(40, free(1), 20), DEFAULT_ALLOCATOR_CONFIG, Infinity, { series: true });
    expect(Array.from(series?.allocatedBytes ?? [])).toEqual([40 * MIB, 0, 20 * MIB]);
    expect(Array.from(series?.reservedBytes ?? [])).toEqual([40 * MIB, 40 * MIB, 40 * MIB]);
  });

  it('names the events of the peaks', () => {
    expect(replay(script(40, 20, free(2), 60, free(1)), DEFAULT_ALLOCATOR_CONFIG)).toMatchObject({
      peakAllocatedEvent: 3,
      peakReservedEvent: 3,
    });
  });
});
