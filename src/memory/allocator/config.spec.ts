import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DEFAULT_ALLOCATOR_CONFIG, parseAllocatorConfig } from './config.js';
import { roundingOf } from './rounding.js';

const MIB = 1 << 20;

describe('PYTORCH_ALLOC_CONF', () => {
  it('is the default where it is empty', () => {
    expect(parseAllocatorConfig('')).toEqual({ config: DEFAULT_ALLOCATOR_CONFIG, problems: [] });
  });

  it('sets several options', () => {
    const { config, problems } = parseAllocatorConfig(
      'expandable_segments:True, max_split_size_mb:128,garbage_collection_threshold:0.8,pinned_use_background_threads:True',
    );
    expect(problems).toEqual([]);
    expect(config).toMatchObject({
      expandableSegments: true,
      maxSplitBytes: 128 * MIB,
      garbageCollectionThreshold: 0.8,
    });
  });

  it.each([
    ['max_split_size_mb:10', 'max_split_size_mb must be a number of at least 20'],
    ['expandable_segments:yes', 'expandable_segments must be True or False'],
    ['roundup_power2_divisions:[300:4]', 'roundup_power2_divisions interval 300 is not a power of two'],
    ['make_it_fast:1', 'make_it_fast is not an option of the CUDA caching allocator'],
    ['__proto__:1', '__proto__ is not an option of the CUDA caching allocator'],
  ])('says what is wrong with %s and keeps the default', (text, problem) => {
    expect(parseAllocatorConfig(text)).toEqual({
      config: DEFAULT_ALLOCATOR_CONFIG,
      problems: [`PYTORCH_ALLOC_CONF: ${problem}`],
    });
  });

  it('reads steps between powers of two, by size class', () => {
    const { config } = parseAllocatorConfig('roundup_power2_divisions:[256:1,512:2,1024:4,>:8]');
    expect(config.roundupDivisions.slice(7, 12)).toEqual([1, 1, 2, 8, 8]);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), (text) => {
        expect(Array.isArray(parseAllocatorConfig(text).problems)).toBe(true);
      }),
    );
  });
});

describe('rounding', () => {
  const round = roundingOf(DEFAULT_ALLOCATOR_CONFIG);
  const stepped = roundingOf(parseAllocatorConfig('roundup_power2_divisions:4').config);

  it('goes up to multiples of 512 bytes', () => {
    expect([0, 1, 512, 513, 3 * MIB + 1].map(round)).toEqual([512, 512, 512, 1024, 3 * MIB + 512]);
  });

  it('goes up to a quarter of the power of two below with 4 divisions', () => {
    expect([1200, 2048, 2049, 5 * MIB, 5 * MIB + 1].map(stepped)).toEqual([1536, 2048, 2560, 5 * MIB, 6 * MIB]);
  });

  it('never goes down and always gives whole blocks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (bytes) => {
        for (const rounded of [round(bytes), stepped(bytes)]) {
          expect(rounded).toBeGreaterThanOrEqual(bytes);
          expect(rounded % 512).toBe(0);
        }
      }),
    );
  });
});
