import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  broadcastShape,
  contiguousStrides,
  denseStrides,
  elementwiseStrides,
  isDense,
  normalise,
  viewStrides,
} from './strides.js';

/** Memory places of all elements in row-major order of the shape. */
function places(shape: readonly number[], strides: readonly number[]): number[] {
  return shape.reduce<number[]>(
    (bases, size, dim) => bases.flatMap((base) => Array.from({ length: size }, (_, i) => base + i * strides[dim]!)),
    [0],
  );
}

const heads = { shape: [2, 4, 8, 16], strides: [512, 16, 64, 1] };

describe('views', () => {
  it('of heads side by side in memory merge back without a copy', () => {
    expect(viewStrides([2, 8, 4, 16], [512, 64, 16, 1], [2, 8, 64])).toBeNull();
  });

  it('of heads one after the other need a copy', () => {
    expect(viewStrides([2, 8, 4, 16], [512, 16, 128, 1], [2, 8, 64])).toBeUndefined();
  });

  it('have every element at the place it had', () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(shapes, fc.nat(), fc.nat(), (base, a, b) => {
        const strides = contiguousStrides(base);
        const [i, j] = [a % base.length, b % base.length];
        const shape = [...base];
        [shape[i], shape[j]] = [shape[j]!, shape[i]!];
        [strides[i], strides[j]] = [strides[j]!, strides[i]!];
        const flat = [shape.reduce((product, size) => product * size, 1)];
        const view = viewStrides(shape, normalise(shape, strides), flat);
        const expected = places(shape, strides);
        const isLine = expected.every(
          (place, index) => index === 0 || place - expected[index - 1]! === (expected[1] ?? 0),
        );
        if (view === undefined) expect(isLine).toBe(false);
        else expect(places(flat, view ?? [1])).toEqual(expected);
      }),
    );
  });
});

describe('elementwise results', () => {
  it('keep the order of dimensions of the first operand that decides', () => {
    expect(elementwiseStrides(heads.shape, [heads, { shape: [1, 1, 8, 16], strides: null }])).toEqual(heads.strides);
  });

  it('are contiguous where all operands are', () => {
    expect(elementwiseStrides([2, 3], [{ shape: [3], strides: null }])).toBeNull();
  });

  it('are dense although the operand has gaps', () => {
    const strides = denseStrides([2, 4, 8, 16], [1536, 16, 192, 1]);
    expect(strides).toEqual(heads.strides);
    expect(isDense(heads.shape, strides)).toBe(true);
    expect(isDense(heads.shape, [1536, 16, 192, 1])).toBe(false);
  });

  it('refuse shapes that do not broadcast', () => {
    expect(broadcastShape([2, 1, 3], [4, 1])).toEqual([2, 4, 3]);
    expect(() => broadcastShape([2, 3], [4, 3])).toThrow('do not broadcast');
  });
});
