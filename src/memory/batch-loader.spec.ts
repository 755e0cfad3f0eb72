import { describe, expect, it } from '@jest/globals';
import type { Architecture, BatchSizes } from '../model/definition.js';
import { float32, int64 } from '../model/dtype.js';
import { Engine } from './autograd/engine.js';
import type { HeldBatch } from './batch-loader.js';
import { batchLoader } from './batch-loader.js';
import type { MemoryEvents } from './events.js';

const IMAGES = 48;
const LABELS = 16;
const SOURCE = {
  architecture: {
    inputs: () => [
      { name: 'images', shape: [2, 6], dtype: float32, madeBy: 'to' },
      { name: 'labels', shape: [2], dtype: int64, madeBy: 'to' },
    ],
  } as unknown as Architecture,
  sizes: {} as BatchSizes,
};

/** Sizes as allocated, negative where freed, of a loop that takes some batches and lets each go when it has the next. */
function loop(ahead: number, batches: number): { list: number[]; streams: Set<number> } {
  const engine = new Engine('in-place');
  engine.recorder.phase('input', 1);
  const load = batchLoader({ engine, ...SOURCE }, ahead);
  let before: HeldBatch | null = null;
  for (let i = 0; i < batches; i++) {
    const batch = load();
    for (const tensor of before?.values() ?? []) engine.release(tensor);
    before = batch;
  }
  const events: MemoryEvents = engine.recorder.finish();
  const list = [...events.events].map((event) => (event >= 0 ? events.sizes[event]! : -events.sizes[-event - 1]!));
  return { list, streams: new Set(events.streams) };
}

const COPY = [IMAGES, LABELS];
const DROP = [-IMAGES, -LABELS];
const PREFETCH = [IMAGES / 4, IMAGES, -IMAGES / 4, LABELS];

describe('the batches that a data loader has on the device', () => {
  it('are copied when they are asked for, on the stream of the model', () => {
    expect(loop(0, 2)).toEqual({ list: [...COPY, ...COPY, ...DROP], streams: new Set([0]) });
  });

  it('are one ahead: the one in use, the next, and the one after it for as long as the first has a name', () => {
    const { list, streams } = loop(1, 3);
    expect(list).toEqual([...PREFETCH, ...PREFETCH, ...PREFETCH, ...DROP, ...PREFETCH, ...DROP]);
    expect(streams.has(0)).toBe(false);
  });

  it('are bounded, however many a run declares', () => {
    expect(loop(1_000_000_000, 1).list.length).toBeLessThan(1000);
  });
});
