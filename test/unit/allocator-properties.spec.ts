import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CachingAllocator, OUT_OF_MEMORY } from '../../src/memory/allocator/caching-allocator.js';
import type { AllocatorConfig } from '../../src/memory/allocator/config.js';
import type { AllocationEvents } from '../../src/memory/allocator/requests.js';
import { replay } from '../../src/memory/allocator/replay.js';

import { NaiveAllocator } from './naive-allocator.js';
import type { NaiveBlock } from './naive-allocator.js';

const MIB = 1 << 20;

/** A request, or a free of one of the live blocks. */
type Step = { bytes: number; stream: number } | { freeAt: number };

const bytes = fc.oneof(
  fc.integer({ min: 0, max: 4096 }),
  fc.integer({ min: 4096, max: 3 * MIB }),
  fc.integer({ min: 1, max: 60 }).map((mib) => mib * MIB),
  fc.integer({ min: MIB, max: 90 * MIB }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ bytes, stream: fc.constantFrom(0, 0, 0, 3) }) },
  { weight: 2, arbitrary: fc.record({ freeAt: fc.nat(1000) }) },
);
const steps = fc.array(step, { minLength: 1, maxLength: 150 });
const config: fc.Arbitrary<AllocatorConfig> = fc.record({
  backend: fc.constant('native' as const),
  maxSplitBytes: fc.constantFrom(Infinity, 20 * MIB, 40 * MIB),
  maxNonSplitRoundingBytes: fc.constant(20 * MIB),
  roundupDivisions: fc.constantFrom(0, 4).map((divisions) => new Array<number>(16).fill(divisions)),
  expandableSegments: fc.boolean(),
  garbageCollectionThreshold: fc.constant(0),
  memoryFraction: fc.constant(null),
});

/** The event list of the steps; where nothing is live a free is left out. */
function eventsOf(list: readonly Step[]): AllocationEvents {
  const requests: { bytes: number; stream: number }[] = [];
  const live: number[] = [];
  const events: number[] = [];
  for (const one of list) {
    if ('bytes' in one) {
      live.push(requests.length);
      events.push(requests.push(one) - 1);
    } else if (live.length > 0) {
      const [block = 0] = live.splice(one.freeAt % live.length, 1);
      events.push(-block - 1);
    }
  }
  return {
    sizes: requests.map((request) => request.bytes),
    streams: Uint8Array.from(requests.map((request) => request.stream)),
    events: Int32Array.from(events),
  };
}

/** Bytes after every event, up to the one that fails. */
function naiveSeries(list: AllocationEvents, rules: AllocatorConfig, limit: number): number[][] {
  const allocator = new NaiveAllocator(rules, limit);
  const live = new Map<number, NaiveBlock>();
  const series: number[][] = [];
  for (const event of list.events) {
    if (event < 0) allocator.free(live.get(-event - 1)!);
    else {
      const block = allocator.allocate(list.sizes[event]!, list.streams[event]!);
      if (!block) return series;
      live.set(event, block);
    }
    series.push([allocator.allocated, allocator.reserved]);
  }
  return series;
}

function fastSeries(list: AllocationEvents, rules: AllocatorConfig, limit: number): number[][] {
  const { series, failedEvent } = replay(list, rules, limit, { series: true });
  const length = failedEvent ?? list.events.length;
  return Array.from({ length }, (_, at) => [series!.allocatedBytes[at]!, series!.reservedBytes[at]!]);
}

describe('caching allocator', () => {
  it('does what the slow reference does, event by event, without a limit', () => {
    fc.assert(
      fc.property(steps, config, (list, rules) => {
        const events = eventsOf(list);
        expect(fastSeries(events, rules, Infinity)).toEqual(naiveSeries(events, rules, Infinity));
      }),
      { numRuns: 300 },
    );
  });

  it('does what the slow reference does at a limit, and fails where it fails', () => {
    const limit = fc.integer({ min: 10, max: 400 }).map((mib) => mib * MIB);
    fc.assert(
      fc.property(steps, config, limit, (list, rules, bytesAllowed) => {
        const events = eventsOf(list);
        expect(fastSeries(events, rules, bytesAllowed)).toEqual(naiveSeries(events, rules, bytesAllowed));
      }),
      { numRuns: 300 },
    );
  });

  it('reserves at least what it gives out, and never more than the limit', () => {
    fc.assert(
      fc.property(steps, config, fc.integer({ min: 10, max: 400 }), (list, rules, mib) => {
        for (const [allocated = 0, reserved = 0] of fastSeries(eventsOf(list), rules, mib * MIB)) {
          expect(reserved).toBeGreaterThanOrEqual(allocated);
          expect(reserved).toBeLessThanOrEqual(mib * MIB);
        }
      }),
    );
  });

  it('survives on what it reserves without a limit', () => {
    fc.assert(
      fc.property(steps, config, (list, rules) => {
        const events = eventsOf(list);
        // Address space, not memory, runs short where a device is smaller than a few pages.
        const room = Math.max(replay(events, rules).peakReservedBytes, rules.expandableSegments ? 2 ** 40 : 0);
        expect(replay(events, rules, room).survived).toBe(true);
      }),
    );
  });

  it('never gives the same bytes out twice, and takes all of them back', () => {
    fc.assert(
      fc.property(steps, config, (list, rules) => {
        const allocator = new CachingAllocator(rules, Infinity);
        const { address, size } = allocator.heap.blocks;
        const live: number[] = [];
        for (const one of list) {
          if ('bytes' in one) live.push(allocator.allocate(one.bytes, one.stream));
          else if (live.length > 0) allocator.free(live.splice(one.freeAt % live.length, 1)[0] ?? OUT_OF_MEMORY);
          const ranges = live.map((block) => [address[block]!, address[block]! + size[block]!] as const);
          ranges.sort(([a], [b]) => a - b);
          ranges.slice(1).forEach(([start], at) => expect(start).toBeGreaterThanOrEqual(ranges[at]![1]));
        }
        live.forEach((block) => allocator.free(block));
        expect(allocator.allocatedBytes).toBe(0);
      }),
    );
  });
});
