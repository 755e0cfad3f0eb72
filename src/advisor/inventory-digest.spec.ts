import { describe, expect, it } from '@jest/globals';
import { node, snapshot } from '../../test/builders/cluster.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import { inventoryDigest } from './inventory-digest.js';

const cluster = (...usedGib: number[]): InventorySnapshot =>
  snapshot(...usedGib.map((used, index) => node(`n${index}`, [{ gib: 79.2, count: 8, usedGib: used }])));
const before = cluster(0, 0);
const digest = inventoryDigest(before);

describe('the digest of an inventory', () => {
  it('stays while only use, pods and ages change', () => {
    const { nodes, devices } = cluster(3, 40);
    const busy = {
      takenAtMs: 9,
      nodes: nodes.map((each) => ({ ...each, requested: { 'nvidia.com/gpu': 8 } })),
      devices: devices.map((device) => ({ ...device, pods: ['a/b'], seenAtMs: 9 })),
    };
    expect(inventoryDigest(busy)).toBe(digest);
  });

  it('stays whatever the order of nodes and devices, and for capacities a few MiB apart', () => {
    const turned = { ...before, nodes: before.nodes.toReversed(), devices: before.devices.toReversed() };
    expect(inventoryDigest(turned)).toBe(digest);
    const apart = before.devices.map((device) => ({ ...device, capacityBytes: device.capacityBytes + 2 ** 20 }));
    expect(inventoryDigest({ ...before, devices: apart })).toBe(digest);
  });

  it.each<[string, (given: InventorySnapshot) => InventorySnapshot]>([
    ['a label', (given) => ({ ...given, nodes: given.nodes.map((each) => ({ ...each, labels: { a: 'b' } })) })],
    ['a cordon', (given) => ({ ...given, nodes: given.nodes.map((each) => ({ ...each, unschedulable: true })) })],
    ['a device less', (given) => ({ ...given, devices: given.devices.slice(1) })],
    ['a capacity', (given) => ({ ...given, devices: given.devices.map((each) => ({ ...each, capacityBytes: 1 })) })],
    ['sharing', (given) => ({ ...given, devices: given.devices.map((each) => ({ ...each, replicas: 4 })) })],
    ['a node that may come', (given) => ({ ...given, nodes: given.nodes.map((n) => ({ ...n, potential: true })) })],
  ])('changes with %s', (_, change) => {
    expect(inventoryDigest(change(before))).not.toBe(digest);
  });
});
