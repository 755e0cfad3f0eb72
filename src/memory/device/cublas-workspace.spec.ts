import { describe, expect, it } from '@jest/globals';
import type { RunValues } from '../../run/training-run.js';
import { tinyRun } from '../tiny-run.spec-data.js';
import type { MemoryEvents } from '../events.js';
import { cublasWorkspaces } from './cublas-workspace.js';
import { withInjected } from './injection.js';

const withTorch = (version: string): RunValues =>
  tinyRun({ framework: { name: 'pytorch', packages: { torch: version } } });
const RUN = withTorch('2.7.0');

const OPERATIONS = ['to', 'embedding', 'mm', 'mul'];

/** Parameters, then embedding and product in forward, then two products in backward. */
const LIST: MemoryEvents = {
  sizes: [100, 200, 300, 400, 500],
  streams: new Uint8Array(5),
  categories: ['parameters', 'activations', 'activations', 'temporaries', 'gradients'],
  operations: Uint16Array.from([0, 1, 2, 3, 2]),
  operationNames: OPERATIONS,
  events: Int32Array.from([0, 1, 2, 3, -4, 4]),
  phases: [
    { name: 'model', iteration: 1, firstEvent: 0 },
    { name: 'forward', iteration: 1, firstEvent: 1 },
    { name: 'backward', iteration: 1, firstEvent: 3 },
  ],
};

describe('cuBLAS workspaces', () => {
  it('appear at the first product of forward and of backward', () => {
    const blocks = cublasWorkspaces(LIST, RUN, {
      model: 'NVIDIA A100-SXM4-40GB',
      vendor: 'nvidia',
      computeCapability: 8,
    });
    expect(blocks.map(({ beforeEvent, bytes }) => [beforeEvent, bytes])).toEqual([
      [2, 8_519_680],
      [5, 8_519_680],
    ]);
  });

  it.each([
    ['NVIDIA H100 80GB HBM3', 'nvidia', 9.0, 32],
    ['NVIDIA B200', 'nvidia', 10.0, 32],
    ['AMD Instinct MI300X', 'amd', null, 32],
    ['unknown', 'nvidia', null, 8.125],
  ] as const)('on %s take their size', (model, vendor, computeCapability, mib) => {
    expect(cublasWorkspaces(LIST, RUN, { model, vendor, computeCapability })[0]?.bytes).toBe(mib * 2 ** 20);
  });

  it('belong to the library itself before PyTorch took them over', () => {
    const amd = { model: 'AMD Instinct MI300X', vendor: 'amd', computeCapability: null } as const;
    const nvidia = { model: 'NVIDIA A100-SXM4-40GB', vendor: 'nvidia', computeCapability: 8 } as const;
    expect(cublasWorkspaces(LIST, withTorch('1.12.1'), nvidia)).toEqual([]);
    expect(cublasWorkspaces(LIST, withTorch('2.5.1'), nvidia)).toHaveLength(2);
    expect(cublasWorkspaces(LIST, withTorch('2.5.1'), amd)).toEqual([]);
  });

  it('have one of Transformer Engine beside them', () => {
    const run = tinyRun({ kernels: ['transformer-engine'] });
    const sizes = [8, 9].map(
      (computeCapability) =>
        cublasWorkspaces(LIST, run, { model: '', vendor: 'nvidia', computeCapability }).find(
          ({ operation }) => operation === 'transformer engine workspace',
        )?.bytes,
    );
    expect(sizes).toEqual([4 * 2 ** 20, 32 * 2 ** 20]);
  });

  it('are not there without products', () => {
    const none = { ...LIST, operationNames: ['to', 'embedding', 'add', 'mul'] };
    expect(cublasWorkspaces(none, RUN, { model: '', vendor: 'nvidia', computeCapability: 8 })).toEqual([]);
  });
});

describe('injected blocks', () => {
  const block = { bytes: 64, stream: 3, category: 'workspaces', operation: 'library' } as const;

  it('come in before their event, shift what follows, and leave the list as it was', () => {
    const events = withInjected(LIST, [{ ...block, beforeEvent: 3, freedBeforeEvent: 5 }]);
    expect([...events.events]).toEqual([0, 1, 2, 5, 3, -4, -6, 4]);
    expect(events.phases.map(({ firstEvent }) => firstEvent)).toEqual([0, 1, 3]);
    expect([...LIST.events]).toEqual([0, 1, 2, 3, -4, 4]);
  });

  it('are described like all others', () => {
    const events = withInjected(LIST, [{ ...block, beforeEvent: 0, freedBeforeEvent: null }]);
    expect(events.sizes[5]).toBe(64);
    expect(events.streams[5]).toBe(3);
    expect(events.categories[5]).toBe('workspaces');
    expect(events.operationNames[events.operations[5] ?? 0]).toBe('library');
    expect(events.phases.map(({ firstEvent }) => firstEvent)).toEqual([0, 2, 4]);
  });
});
