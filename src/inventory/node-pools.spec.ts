import { describe, expect, it } from '@jest/globals';
import { loadFacts } from '../advisor/facts.js';
import type { Node } from './inventory.js';
import { potentialNodes, readNodePools } from './node-pools.js';
import { buildSnapshot } from './snapshot.js';

const { gpus } = loadFacts();
const present = (name: string, labels: Node['labels']): Node => ({
  name,
  labels,
  taints: [],
  unschedulable: false,
  ready: true,
  allocatable: { 'nvidia.com/gpu': 8 },
  requested: {},
});
const LABELS = { 'cloud.google.com/gke-nodepool': 'a100' };
const A100 = {
  name: 'a100',
  maxNodes: 3,
  labels: LABELS,
  allocatable: { cpu: '96', memory: '1360Gi' },
  gpus: { model: 'NVIDIA A100-SXM4-80GB', count: 8 },
};

describe('node pools that may grow', () => {
  it('give the nodes that are not there yet, with the devices that they will have', () => {
    const pools = readNodePools([A100]);
    const snapshot = buildSnapshot({ nodes: [present('n1', LABELS)], devices: [], nowMs: 0, gpus, pools });
    expect(snapshot.nodes.map(({ name, potential }) => [name, potential ?? false])).toEqual([
      ['n1', false],
      ['a100-potential-2', true],
      ['a100-potential-3', true],
    ]);
    const [device] = snapshot.devices.filter(({ node }) => node === 'a100-potential-2');
    expect(device).toMatchObject({ model: 'NVIDIA A100-SXM4-80GB', resource: 'nvidia.com/gpu' });
    expect(snapshot.devices.filter(({ node }) => node.startsWith('a100'))).toHaveLength(16);
  });

  it('may be described by the instance type alone', () => {
    const labels = { 'node.kubernetes.io/instance-type': 'p4d.24xlarge' };
    const pools = readNodePools([{ name: 'p4d', maxNodes: 1, labels, allocatable: { 'nvidia.com/gpu': 8 } }]);
    const { devices } = buildSnapshot({ nodes: [present('n1', {})], devices: [], nowMs: 0, gpus, pools });
    expect(devices.filter(({ model }) => model === 'NVIDIA A100-SXM4-40GB')).toHaveLength(8);
  });

  it('do not grow past their size, however many nodes there are', () => {
    const nodes = ['n1', 'n2', 'n3', 'n4'].map((name) => present(name, LABELS));
    expect(potentialNodes(readNodePools([A100]), nodes)).toEqual([]);
  });

  it('are refused with the field that is wrong', () => {
    expect(() => readNodePools([{ ...A100, maxNodes: -1 }])).toThrow('maxNodes');
    expect(() => readNodePools([{ ...A100, labels: {} }])).toThrow('[0].labels: name a label');
    expect(() => readNodePools({ pools: [] })).toThrow('pools: ');
  });
});
