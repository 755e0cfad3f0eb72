import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { reading } from '../../test/builders/readings.js';
import { loadFacts } from '../advisor/facts.js';
import type { Node } from './inventory.js';
import { MIB } from './reading.js';
import type { DeviceReading } from './reading.js';
import { buildSnapshot, GONE_AFTER_MS } from './snapshot.js';

const { gpus } = loadFacts();
const NOW = reading().seenAtMs;
const node = (fields: Partial<Node> = {}): Node => ({
  name: 'n1',
  labels: {},
  taints: [],
  unschedulable: false,
  ready: true,
  allocatable: { 'nvidia.com/gpu': 8 },
  requested: {},
  ...fields,
});
const build = (nodes: readonly Node[], devices: readonly DeviceReading[]) =>
  buildSnapshot({ nodes, devices, nowMs: NOW, gpus });
const labelled = (count: number): Node['labels'] => ({
  'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB',
  'nvidia.com/gpu.memory': '81920',
  'nvidia.com/gpu.count': String(count),
});

describe('a snapshot', () => {
  it('has devices under the names of the catalog and of the nodes', () => {
    const nodes = [
      node({ name: 'n1.example.com' }),
      node({ name: 'n2', labels: { 'kubernetes.io/hostname': 'host2' } }),
    ];
    const dashes = 'NVIDIA-A100-SXM4-80GB';
    const { devices } = build(nodes, [
      reading({ node: 'n1', model: dashes }),
      reading({ uuid: 'GPU-2', node: 'host2' }),
      reading({ uuid: 'GPU-3', node: 'host2.other.net', model: 'GRID A100-8C' }),
    ]);
    expect(devices.map(({ uuid, node: name, model }) => [uuid, name, model])).toEqual([
      ['GPU-1', 'n1.example.com', 'NVIDIA A100-SXM4-80GB'],
      ['GPU-2', 'n2', 'NVIDIA A100-SXM4-80GB'],
      ['GPU-3', 'n2', 'GRID A100-8C'],
    ]);
  });

  it('leaves out devices of nodes that are gone, or that a short name does not tell apart', () => {
    const nodes = [node({ name: 'a.x' }), node({ name: 'a.y' })];
    expect(build(nodes, [reading({ node: 'b' }), reading({ uuid: 'GPU-2', node: 'a' })]).devices).toEqual([]);
    expect(build(nodes, [reading({ node: 'a.y' })]).devices).toMatchObject([{ node: 'a.y' }]);
  });

  it('takes the model from the node’s label where the exporter gives none', () => {
    const { devices } = build([node({ labels: labelled(1) })], [reading({ model: '' })]);
    expect(devices[0]?.model).toBe('NVIDIA A100-SXM4-80GB');
  });

  it('keeps a device that nothing was heard of for long, with the time it was last seen', () => {
    const { devices } = build([node()], [reading({ seenAtMs: NOW - 86_400_000 })]);
    expect(devices).toMatchObject([{ seenAtMs: NOW - 86_400_000 }]);
  });

  it('shows a GPU either whole or in its instances, whichever was seen last', () => {
    const whole = reading({ seenAtMs: NOW - 60_000 });
    const slices = ['1', '2'].map((gpuInstance) => reading({ gpuInstance, migProfile: '3g.40gb' }));
    expect(build([node()], [whole, ...slices]).devices.map(({ gpuInstance }) => gpuInstance)).toEqual(['1', '2']);
    const later = { ...whole, seenAtMs: NOW + 1 };
    expect(build([node()], [later, ...slices]).devices.map(({ gpuInstance }) => gpuInstance)).toEqual([null]);
  });

  it('drops instances of an earlier slicing, but not one that was skipped once', () => {
    const at = (gpuInstance: string, agoMs: number) =>
      reading({ gpuInstance, migProfile: '1g.10gb', seenAtMs: NOW - agoMs });
    const { devices } = build([node()], [at('7', 0), at('8', 60_000), at('1', GONE_AFTER_MS + 1)]);
    expect(devices.map(({ gpuInstance }) => gpuInstance)).toEqual(['7', '8']);
  });

  it('drops a GPU that was taken out while its neighbours go on', () => {
    const { devices } = build([node()], [reading(), reading({ uuid: 'GPU-2', seenAtMs: NOW - GONE_AFTER_MS - 1 })]);
    expect(devices.map(({ uuid }) => uuid)).toEqual(['GPU-1']);
  });

  it('fills in from labels what an exporter does not show', () => {
    const { devices } = build([node({ labels: labelled(8) })], [reading()]);
    expect(devices.map(({ capacitySource }) => capacitySource)).toEqual(['dcgm', ...Array(7).fill('node-label')]);
    expect(new Set(devices.map(({ uuid }) => uuid)).size).toBe(8);
  });

  it('does not fill in on a node of several models, whose labels speak of one', () => {
    const { devices } = build(
      [node({ labels: labelled(2), allocatable: { 'nvidia.com/gpu': 4 } })],
      [reading(), reading({ uuid: 'GPU-2', model: 'NVIDIA L40S' })],
    );
    expect(devices).toHaveLength(2);
  });

  it('names MIG resources by strategy, and by what the node offers where no label says', () => {
    const slice = reading({ gpuInstance: '1', migProfile: '1g.10gb+me' });
    const resource = (fields: Partial<Node>) => build([node(fields)], [slice]).devices[0]?.resource;
    expect(resource({ labels: { 'nvidia.com/mig.strategy': 'mixed' } })).toBe('nvidia.com/mig-1g.10gb.me');
    expect(resource({ labels: { 'nvidia.com/mig.strategy': 'single' } })).toBe('nvidia.com/gpu');
    expect(resource({ allocatable: { 'nvidia.com/mig-1g.10gb.me': 1 } })).toBe('nvidia.com/mig-1g.10gb.me');
    expect(resource({ allocatable: { 'nvidia.com/gpu': 7 } })).toBe('nvidia.com/gpu');
    expect(resource({ allocatable: {} })).toBe('nvidia.com/mig-1g.10gb.me');
  });

  it('corrects a profile that the exporter misnames', () => {
    const seven = reading({ gpuInstance: '0', migProfile: '7g.79gb', capacityBytes: 80_384 * MIB });
    expect(build([node({ allocatable: { 'nvidia.com/mig-7g.80gb': 1 } })], [seven]).devices).toMatchObject([
      { migProfile: '7g.80gb', resource: 'nvidia.com/mig-7g.80gb' },
    ]);
    expect(build([node({ allocatable: {} })], [seven]).devices).toMatchObject([{ migProfile: '7g.80gb' }]);
  });

  it('makes nodes up, with what their devices add up to, where none are known', () => {
    const { nodes } = build([], [reading(), reading({ uuid: 'GPU-2', index: 1 }), reading({ uuid: 'x', node: null })]);
    expect(nodes).toMatchObject([
      {
        name: 'n1',
        allocatable: { 'nvidia.com/gpu': 2 },
        labels: { 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB' },
      },
    ]);
  });

  it('does not depend on the order of what it is made from', () => {
    const nodes = ['a', 'b', 'c'].map((name) => node({ name, labels: labelled(3) }));
    const devices = nodes.flatMap(({ name }) =>
      [0, 1].map((index) => reading({ uuid: `GPU-${name}-${index}`, node: name, index })),
    );
    const shuffled = fc.shuffledSubarray(devices, { minLength: devices.length, maxLength: devices.length });
    fc.assert(fc.property(shuffled, (order) => expect(build(nodes, order)).toEqual(build(nodes, devices))));
  });
});
