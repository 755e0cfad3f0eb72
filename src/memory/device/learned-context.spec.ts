import { describe, expect, it } from '@jest/globals';
import type { DeviceTraits, LearnedContext } from '../estimate.js';
import { tinyRun } from '../tiny-run.spec-data.js';
import { cudaContext } from './cuda-context.js';
import { learnedContextFor } from './learned-context.js';

const L4 = 'NVIDIA L4';
const learned = (change: Partial<LearnedContext> = {}): LearnedContext => ({
  framework: 'pytorch',
  torch: '2.4',
  cuda: '12.1',
  deviceClass: L4,
  model: L4,
  bytes: { low: 1, expected: 2, high: 3 },
  runs: 8,
  ...change,
});
const run = (torch: string, cuda = '12.1') => tinyRun({ framework: { name: 'pytorch', packages: { torch, cuda } } });
const device = (...learnedContexts: LearnedContext[]): DeviceTraits => ({
  model: L4,
  vendor: 'nvidia',
  computeCapability: 8.9,
  learnedContexts,
});

describe('a context that runs of the cluster showed', () => {
  it('stands for the built-in one, for runs of its stack', () => {
    expect(cudaContext.bytes(run('2.4.1'), device(learned()))).toEqual({ low: 1, expected: 2, high: 3 });
  });

  it.each([
    ['another release of PyTorch', run('2.5.0')],
    ['another release of CUDA', run('2.4.1', '12.4')],
    ['a release that is not known', tinyRun({ framework: { name: 'pytorch', packages: {} } })],
  ])('does not stand for %s', (_, other) => {
    expect(cudaContext.bytes(other, device(learned()))).toEqual(cudaContext.bytes(other, device()));
  });

  it('is that of the whole device rather than of a part of it', () => {
    const part = learned({ deviceClass: `${L4} MIG 1g.6gb`, runs: 50 });
    expect(learnedContextFor(run('2.4.0'), [part, learned()])?.deviceClass).toBe(L4);
    expect(learnedContextFor(run('2.4.0'), [part])?.runs).toBe(50);
  });
});
