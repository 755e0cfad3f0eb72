import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { loadFacts } from '../advisor/facts.js';
import { isInventoryFile, readInventoryFiles } from './files.js';
import type { InventoryFile } from './files.js';
import { inventoryDocumentOf, UnreadableInventory } from './inventory-document.js';
import type { Device } from './inventory.js';

const gpus = loadFacts().gpus;
const context = { nowMs: 1_795_000_000_000, gpus };
const FOLDER = new URL('../../examples/cluster/', import.meta.url);
const exampleFiles = (): InventoryFile[] =>
  readdirSync(FOLDER)
    .filter(isInventoryFile)
    .map((name) => ({ name, text: readFileSync(new URL(name, FOLDER), 'utf8') }));

const summary = (devices: readonly Device[]): string[] => {
  const counts = new Map<string, number>();
  for (const { node, model, migProfile, resource, replicas, capacityBytes } of devices) {
    const line = [node, model, migProfile ?? 'whole', resource, `×${replicas}`, `${capacityBytes / 2 ** 20} MiB`];
    counts.set(line.join(' | '), (counts.get(line.join(' | ')) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => `${count} × ${line}`);
};

describe('the example cluster', () => {
  const snapshot = readInventoryFiles(exampleFiles(), context);

  it('has the devices that its README lists', () => {
    expect(summary(snapshot.devices)).toEqual([
      '8 × gpu-a100-80-1 | NVIDIA A100-SXM4-80GB | whole | nvidia.com/gpu | ×1 | 81226 MiB',
      '8 × gpu-a100-80-2 | NVIDIA A100-SXM4-80GB | whole | nvidia.com/gpu | ×1 | 81226 MiB',
      '8 × gpu-a100-40-1 | NVIDIA A100-SXM4-40GB | whole | nvidia.com/gpu | ×1 | 40536 MiB',
      '4 × gpu-l4-1 | NVIDIA L4 | whole | nvidia.com/gpu | ×1 | 22563 MiB',
      '4 × gpu-l4-2 | NVIDIA L4 | whole | nvidia.com/gpu | ×1 | 22563 MiB',
      '4 × gpu-t4-1 | Tesla T4 | whole | nvidia.com/gpu | ×1 | 14912 MiB',
      '1 × gpu-t4-2 | Tesla T4 | whole | nvidia.com/gpu | ×4 | 14912 MiB',
      '6 × gpu-h100-1 | NVIDIA H100 80GB HBM3 | whole | nvidia.com/gpu | ×1 | 81091 MiB',
      '7 × gpu-h100-1 | NVIDIA H100 80GB HBM3 | 1g.10gb | nvidia.com/mig-1g.10gb | ×1 | 9984 MiB',
      '1 × gpu-h100-1 | NVIDIA H100 80GB HBM3 | 3g.40gb | nvidia.com/mig-3g.40gb | ×1 | 40448 MiB',
      '2 × gpu-h100-1 | NVIDIA H100 80GB HBM3 | 2g.20gb | nvidia.com/mig-2g.20gb | ×1 | 20096 MiB',
      '2 × gpu-mixed-1 | NVIDIA A100 80GB PCIe | whole | nvidia.com/gpu | ×1 | 80998 MiB',
      '2 × gpu-mixed-1 | NVIDIA L40S | whole | nvidia.com/gpu | ×1 | 45459 MiB',
    ]);
  });

  it('has as many devices on each node as the node offers', () => {
    for (const node of snapshot.nodes) {
      const offered: Record<string, number> = {};
      for (const device of snapshot.devices.filter((each) => each.node === node.name)) {
        offered[device.resource] = (offered[device.resource] ?? 0) + device.replicas;
      }
      const listed = Object.entries(node.allocatable).filter(([resource]) => resource.startsWith('nvidia.com/'));
      expect(offered).toEqual(Object.fromEntries(listed));
    }
  });

  it('counts what its pods ask for', () => {
    const node = snapshot.nodes.find(({ name }) => name === 'gpu-h100-1');
    expect(node?.requested).toMatchObject({ 'nvidia.com/gpu': 2, 'nvidia.com/mig-1g.10gb': 1, cpu: 28 });
    expect(snapshot.devices.find(({ pods }) => pods.includes('notebooks/jupyter-lin'))?.gpuInstance).toBe('7');
  });

  it('reads the same from one inventory document', () => {
    const text = JSON.stringify(inventoryDocumentOf(snapshot));
    expect(readInventoryFiles([{ name: 'inventory.json', text }], context)).toEqual(snapshot);
  });

  it('falls back on labels where exporters are silent', () => {
    const labelled = readInventoryFiles(
      exampleFiles().filter(({ name }) => name.endsWith('.json')),
      context,
    );
    expect(summary(labelled.devices)).toEqual([
      '8 × gpu-a100-80-1 | NVIDIA A100-SXM4-80GB | whole | nvidia.com/gpu | ×1 | 80998 MiB',
      '8 × gpu-a100-80-2 | NVIDIA A100-SXM4-80GB | whole | nvidia.com/gpu | ×1 | 80998 MiB',
      '8 × gpu-a100-40-1 | NVIDIA A100-SXM4-40GB | whole | nvidia.com/gpu | ×1 | 40509 MiB',
      '4 × gpu-l4-1 | NVIDIA L4 | whole | nvidia.com/gpu | ×1 | 22528 MiB',
      '4 × gpu-l4-2 | NVIDIA L4 | whole | nvidia.com/gpu | ×1 | 22528 MiB',
      '4 × gpu-t4-1 | Tesla T4 | whole | nvidia.com/gpu | ×1 | 14912 MiB',
      '1 × gpu-t4-2 | Tesla T4 | whole | nvidia.com/gpu | ×4 | 14912 MiB',
      '6 × gpu-h100-1 | NVIDIA H100 80GB HBM3 | whole | nvidia.com/gpu | ×1 | 81090 MiB',
      '7 × gpu-h100-1 | NVIDIA H100 80GB HBM3 | 1g.10gb | nvidia.com/mig-1g.10gb | ×1 | 9984 MiB',
      '2 × gpu-h100-1 | NVIDIA H100 80GB HBM3 | 2g.20gb | nvidia.com/mig-2g.20gb | ×1 | 20096 MiB',
      '1 × gpu-h100-1 | NVIDIA H100 80GB HBM3 | 3g.40gb | nvidia.com/mig-3g.40gb | ×1 | 40448 MiB',
      '2 × gpu-mixed-1 | NVIDIA L40S | whole | nvidia.com/gpu | ×1 | 45459 MiB',
    ]);
  });

  it('makes nodes up where only exporters are known', () => {
    const scraped = readInventoryFiles(
      exampleFiles().filter(({ name }) => name.endsWith('.prom')),
      context,
    );
    expect(scraped.nodes).toHaveLength(9);
    expect(scraped.nodes.find(({ name }) => name === 'gpu-h100-1')?.allocatable).toEqual({
      'nvidia.com/gpu': 6,
      'nvidia.com/mig-1g.10gb': 7,
      'nvidia.com/mig-2g.20gb': 2,
      'nvidia.com/mig-3g.40gb': 1,
    });
  });
});

const document = (rest: object): InventoryFile => ({
  name: 'my.json',
  text: JSON.stringify({ apiVersion: 'plimsoll.dev/v1', kind: 'Inventory', ...rest }),
});

describe('an inventory document', () => {
  it('can be as short as a node, a model and a count', () => {
    const devices = [{ node: 'a', model: 'a100-80gb', count: 8 }];
    const snapshot = readInventoryFiles([document({ devices })], context);
    expect(snapshot.devices).toHaveLength(8);
    expect(snapshot.devices[7]).toMatchObject({ uuid: 'a/7', index: 7, capacityBytes: 80998 * 2 ** 20 });
    expect(snapshot.nodes).toMatchObject([{ name: 'a', ready: true, allocatable: { 'nvidia.com/gpu': 8 } }]);
  });

  it('is read from YAML as well', () => {
    const text = [
      'apiVersion: plimsoll.dev/v1',
      'kind: Inventory',
      'devices: [{node: b, model: Odd GPU, capacity: 10Gi}]',
    ];
    const snapshot = readInventoryFiles([{ name: 'my.yaml', text: text.join('\n') }], context);
    expect(snapshot.devices).toMatchObject([{ model: 'Odd GPU', capacityBytes: 10 * 2 ** 30 }]);
  });

  it.each([
    [
      { devices: [{ node: 'a', model: 'Odd GPU' }] },
      /my\.json: devices\[0\]\.capacity: "Odd GPU" is not in the GPU cat/,
    ],
    [
      { devices: [{ node: 'a', model: 't4', capacity: 'much' }] },
      /my\.json: devices\[0\]\.capacity "much" is not an am/,
    ],
    [{ devices: [{ model: 't4' }] }, /my\.json: devices\[0\]\.node: /],
    [{ nodes: [{ name: 'a', taint: [] }] }, /my\.json: nodes\[0\]: .*"taint"/],
  ])('names the file, the field and the remedy: %j', (rest, message) => {
    expect(() => readInventoryFiles([document(rest)], context)).toThrow(message);
  });
});

describe('files that are no inventory', () => {
  it.each([
    [[{ name: 'a.prom', text: 'garbage' }], 'a.prom: no GPU memory in it'],
    [[{ name: 'a.json', text: '{' }], 'a.json: cannot be parsed'],
    [[{ name: 'a.json', text: '{"a": 1}' }], 'a.json: neither an Inventory nor a list of nodes and pods'],
    [[], 'inventory: no nodes and no GPU metrics in it'],
  ])('are refused by name', (files, message) => {
    expect(() => readInventoryFiles(files, context)).toThrow(UnreadableInventory);
    expect(() => readInventoryFiles(files, context)).toThrow(message);
  });
});
