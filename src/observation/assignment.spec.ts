import { describe, expect, it } from '@jest/globals';
import type { Device } from '../inventory/inventory.js';
import { heldDevices } from './assignment.js';
import { readHolderPod } from './holder-pod.js';
import type { HolderPod } from './holder-pod.js';

const device = (index: number, change: Partial<Device> = {}): Device => ({
  uuid: `GPU-${index}`,
  gpuInstance: null,
  node: 'n',
  index,
  model: 'NVIDIA L4',
  migProfile: null,
  resource: 'nvidia.com/gpu',
  replicas: 1,
  capacityBytes: 22e9,
  capacitySource: 'dcgm',
  usedBytes: 5e9,
  seenAtMs: 0,
  pods: [],
  ...change,
});

interface PodChange {
  gpus?: number;
  resource?: string;
  ids?: readonly string[];
}

function pod(name: string, { gpus = 1, resource = 'nvidia.com/gpu', ids = [] }: PodChange = {}): HolderPod {
  const resources = ids.map((resourceID) => ({ resourceID, health: 'Healthy' }));
  return readHolderPod({
    metadata: { uid: name, namespace: 'team', name },
    spec: { nodeName: 'n', containers: [{ name: 'main', resources: { limits: { [resource]: String(gpus) } } }] },
    status: {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'main',
          restartCount: 0,
          state: { running: {} },
          allocatedResourcesStatus: [{ name: resource, resources }],
        },
      ],
    },
  })!;
}

function table(devices: readonly Device[], pods: readonly HolderPod[]): Record<string, [number, string, string][]> {
  const held = heldDevices(devices, pods);
  return Object.fromEntries(
    [...held].map(([{ name }, all]) => [name, all.map((one) => [one.device.index, one.source, one.sharing])]),
  );
}

describe('which devices a pod holds', () => {
  it('is what the labels of the exporter say', () => {
    const devices = [device(0, { pods: ['team/a'] }), device(1, { pods: ['team/b'] }), device(2)];
    expect(table(devices, [pod('a'), pod('b')])).toEqual({ a: [[0, 'label', 'alone']], b: [[1, 'label', 'alone']] });
  });

  it('is not what a label says of a pod that is not there, or that asks for no device', () => {
    const devices = [device(0, { pods: ['team/gone'] }), device(1, { pods: ['team/a'] })];
    expect(table(devices, [pod('a')])).toEqual({ a: [[1, 'label', 'alone']] });
  });

  it('is what the kubelet says, whatever a label says', () => {
    const devices = [device(0, { pods: ['team/a'] }), device(1)];
    expect(table(devices, [pod('a', { ids: ['GPU-1'] })])).toEqual({ a: [[1, 'kubelet', 'alone']] });
  });

  it('is shared where two pods are given replicas of one device', () => {
    const pods = [pod('a', { ids: ['GPU-0::0'] }), pod('b', { ids: ['GPU-0::1'] })];
    expect(table([device(0)], pods)).toEqual({ a: [[0, 'kubelet', 'mixed']], b: [[0, 'kubelet', 'mixed']] });
  });

  it('is shared where the device is handed out to several, also while one pod alone is on it', () => {
    expect(table([device(0, { replicas: 4, pods: ['team/a'] })], [pod('a')])).toEqual({ a: [[0, 'label', 'mixed']] });
  });

  it('is shared where the pod asks for a part of a device', () => {
    const part = pod('a', { resource: 'nvidia.com/gpumem', gpus: 3000 });
    expect(table([device(0, { pods: ['team/a'] })], [part])).toEqual({ a: [[0, 'label', 'mixed']] });
  });

  it('has a figure of its own where the exporter tells pods apart', () => {
    const shared = device(0, { replicas: 2, pods: ['team/a', 'team/b'], usedByPod: { 'team/a': 2e9, 'team/b': 0 } });
    const held = heldDevices([shared], [pod('a'), pod('b')]);
    expect([...held.values()].flat().map(({ usedBytes, sharing }) => [usedBytes, sharing])).toEqual([
      [2e9, 'own-figure'],
      [0, 'own-figure'],
    ]);
  });

  it('are all of the node where nobody is named and one pod asks for all of them', () => {
    expect(table([device(0), device(1)], [pod('a', { gpus: 2 })])).toEqual({
      a: [
        [0, 'only-holder', 'alone'],
        [1, 'only-holder', 'alone'],
      ],
    });
  });

  it('are not known where nobody is named and others may hold them', () => {
    expect(table([device(0), device(1)], [pod('a')])).toEqual({});
    expect(table([device(0), device(1)], [pod('a'), pod('b')])).toEqual({});
  });
});
