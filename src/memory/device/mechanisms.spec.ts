import { describe, expect, it } from '@jest/globals';
import type { RunValues } from '../../run/training-run.js';
import type { DeviceTraits, Interval } from '../estimate.js';
import { cudaContext } from './cuda-context.js';
import { DEVICE_MECHANISMS } from './mechanisms.js';
import { communicators, ncclBuffers } from './nccl-buffers.js';
import { otherLibraries } from './other-libraries.js';

const MIB = 2 ** 20;
const nvidia = (model: string, computeCapability: number): DeviceTraits => ({
  model,
  vendor: 'nvidia',
  computeCapability,
});
const A100 = nvidia('NVIDIA A100-SXM4-80GB', 8);
const L4 = nvidia('NVIDIA L4', 8.9);
const T4 = nvidia('Tesla T4', 7.5);

type Parallelism = RunValues['parallelism'];

/** The part of a run that the mechanisms look at. */
function run(parallelism: Partial<Parallelism> = {}, packages: Record<string, string> = {}): RunValues {
  const none = { data: 1, tensor: 1, pipeline: 1, context: 1, expert: 1, sharding: 'none', shardSize: 1 };
  const spread = { ...none, ...parallelism };
  const worldSize = spread.data * spread.tensor * spread.pipeline * spread.context;
  return { framework: { name: 'pytorch', packages }, parallelism: spread, worldSize } as unknown as RunValues;
}

const isOrdered = ({ low, expected, high }: Interval): boolean => low <= expected && expected <= high;

describe('CUDA context', () => {
  it('goes by device where kernels are loaded lazily', () => {
    expect(cudaContext.bytes(run(), A100).expected).toBe(501 * MIB);
    expect(cudaContext.bytes(run(), L4).expected).toBe(226 * MIB);
    expect(cudaContext.bytes(run(), T4).expected).toBe(135 * MIB);
  });

  it.each([[{ cuda: '11.3' }], [{ torch: '1.9.0' }]])(
    'is large with %j, which loads all kernels at start',
    (packages) => {
      expect(cudaContext.bytes(run({}, packages), A100).low).toBeGreaterThan(800 * MIB);
    },
  );

  it.each([[{ cuda: '12.4' }], [{ torch: '2.4.0+cu121' }], [{ torch: 'unknown' }]])('is lazy with %j', (packages) => {
    expect(cudaContext.bytes(run({}, packages), A100).high).toBeLessThan(600 * MIB);
  });
});

describe('NCCL', () => {
  it('holds nothing in a run of one process', () => {
    expect(ncclBuffers.bytes(run(), A100)).toEqual({ low: 0, expected: 0, high: 0 });
  });

  it('counts the groups that talk', () => {
    expect(communicators(run({ data: 8, sharding: 'ddp' }))).toBe(1);
    expect(communicators(run({ data: 2, tensor: 4, pipeline: 2 }))).toBe(3);
    expect(communicators(run({ data: 16, sharding: 'hsdp', shardSize: 8 }))).toBe(2);
  });

  it('takes more over NVLink than over PCIe', () => {
    const spread = run({ data: 4, sharding: 'ddp' });
    expect(ncclBuffers.bytes(spread, A100).low).toBeGreaterThan(ncclBuffers.bytes(spread, L4).expected);
  });

  it('adds buffers for every peer of an all-to-all', () => {
    const dense = ncclBuffers.bytes(run({ data: 8, sharding: 'ddp' }), A100);
    expect(ncclBuffers.bytes(run({ data: 8, expert: 8 }), A100).low).toBeGreaterThan(dense.low);
  });
});

describe('all mechanisms', () => {
  it('give intervals in order, for any device', () => {
    const devices = [A100, L4, T4, nvidia('NVIDIA H200', 9), nvidia('something new', 13)];
    for (const device of devices) {
      for (const mechanism of DEVICE_MECHANISMS) {
        expect(isOrdered(mechanism.bytes(run({ data: 8, expert: 8, sharding: 'ddp' }), device))).toBe(true);
      }
    }
  });

  it('expect other libraries only in trainers that bring them', () => {
    expect(otherLibraries.bytes(run(), A100).expected).toBe(0);
    expect(otherLibraries.bytes(run({}, { transformers: '4.50' }), A100).expected).toBeGreaterThan(0);
  });
});
