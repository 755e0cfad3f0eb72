import { describe, expect, it } from '@jest/globals';
import type { ObservedUse } from '../observation/observed-use.js';
import { ObservationHolder } from './observation-holder.js';

const GIB = 1024 ** 3;
const use = (change: Partial<ObservedUse> = {}): ObservedUse => ({
  standing: 'measured',
  device: { deviceClass: 'NVIDIA L4', model: 'NVIDIA L4', vendor: 'nvidia', computeCapability: 8.9 },
  usedBytes: 10 * GIB,
  besideBytes: 0,
  capacityBytes: 22 * GIB,
  atMs: 0,
  launch: 'l',
  run: 'w/0',
  ...change,
});

function holding(uses: Record<string, readonly ObservedUse[]>): ObservationHolder {
  const holder = new ObservationHolder();
  holder.swap({ uses: new Map(Object.entries(uses)), contexts: [] });
  return holder;
}

describe('what the process knows of earlier runs', () => {
  it('has a revision for each fingerprint, which changes with what was seen of that one alone', () => {
    const holder = holding({ a: [use()], b: [use()] });
    const [a, b] = [holder.revisionOf(['a']), holder.revisionOf(['b'])];
    const epoch = holder.epoch;
    holder.swap({
      uses: new Map([
        ['a', [use({ standing: 'out-of-memory' })]],
        ['b', [use()]],
      ]),
      contexts: [],
    });
    expect(holder.revisionOf(['a'])).not.toBe(a);
    expect(holder.revisionOf(['b'])).toBe(b);
    expect(holder.epoch).not.toBe(epoch);
  });

  it('does not change with samples that change no answer', () => {
    const holder = holding({ a: [use()] });
    let changes = 0;
    holder.onChange(() => (changes += 1));
    const epoch = holder.epoch;
    holder.swap({ uses: new Map([['a', [use({ usedBytes: 10 * GIB - 1, atMs: 60_000 })]]]), contexts: [] });
    expect([holder.epoch, changes]).toEqual([epoch, 0]);
    holder.swap({ uses: new Map([['a', [use({ usedBytes: 10.5 * GIB })]]]), contexts: [] });
    expect(changes).toBe(1);
  });

  it('has another revision for all once a context was learned', () => {
    const holder = holding({});
    const before = holder.revisionOf(['x']);
    const bytes = { low: 1, expected: 2, high: 3 };
    const stack = { framework: 'pytorch', torch: '2.4', cuda: null, deviceClass: 'NVIDIA L4', model: 'NVIDIA L4' };
    holder.swap({ uses: new Map(), contexts: [{ ...stack, bytes, runs: 8 }] });
    expect(holder.revisionOf(['x'])).not.toBe(before);
  });

  it('is another where runs were forgotten', () => {
    const holder = holding({ a: [use()] });
    const [epoch, revision] = [holder.epoch, holder.revisionOf(['a'])];
    holder.swap({ uses: new Map(), contexts: [] });
    expect(holder.epoch).not.toBe(epoch);
    expect(holder.revisionOf(['a'])).not.toBe(revision);
  });
});
