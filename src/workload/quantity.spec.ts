import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseQuantity } from './quantity.js';

describe('a quantity', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['+3', 3],
    ['-2', -2],
    ['500m', 0.5],
    ['100n', 1e-7],
    ['250u', 0.00025],
    ['3k', 3000],
    ['8G', 8e9],
    ['64Gi', 64 * 2 ** 30],
    ['0.1Gi', 107374182.4],
    ['1e3', 1000],
    ['1E3', 1000],
    ['2E', 2e18],
    ['12e-1', 1.2],
    ['1e+21', 2 ** 63 - 1],
    ['9Ei', 2 ** 63 - 1],
  ])('%s is %d in base units', (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });

  it.each(['', ' ', 'x', '1x', '1 Gi', 'Gi', '1KI', '1K', '--1', '1.2.3', '$N', '1e', '0x10', '１', '1'.repeat(200)])(
    'is not %j',
    (text) => {
      expect(parseQuantity(text)).toBeNull();
    },
  );

  it('below a nano unit is rounded up to one, as Kubernetes does', () => {
    expect(parseQuantity('0.1n')).toBe(1e-9);
  });

  it('given as a number is that number', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(parseQuantity(value)).toBe(value);
      }),
    );
  });

  it('scales by its suffix exactly for every whole number that a double holds', () => {
    const suffixes: [string, number][] = [
      ['Ki', 2 ** 10],
      ['Mi', 2 ** 20],
      ['Gi', 2 ** 30],
      ['k', 1e3],
      ['M', 1e6],
      ['G', 1e9],
    ];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000 }), fc.constantFrom(...suffixes), (value, [suffix, scale]) => {
        expect(parseQuantity(`${value}${suffix}`)).toBe(value * scale);
      }),
    );
  });

  it('of any text is a number or none, soon', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[-+]?\d{0,30}(\.\d{0,30})?[A-Za-z]{0,3}\d{0,9}$/)),
        (text) => {
          const value = parseQuantity(text);
          expect(value === null || Number.isFinite(value)).toBe(true);
        },
      ),
    );
  });
});
