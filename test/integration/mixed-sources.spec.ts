import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadFacts } from '../../src/advisor/facts.js';
import { InventoryHolder } from '../../src/advisor/inventory-holder.js';
import { Collector, COLLECTOR_DEFAULTS } from '../../src/ingest/collector.js';
import { exporters } from '../../src/ingest/exporters.js';
import type { InventorySource } from '../../src/ingest/sources.js';
import { readNode } from '../../src/inventory/node-object.js';
import type { InventorySnapshot, Node } from '../../src/inventory/inventory.js';
import { Database } from '../../src/store/database.js';
import { IngestLock } from '../../src/store/ingest-lock.js';
import { InventoryRepository } from '../../src/store/inventory-repository.js';
import { gpuLines, startExporter, text } from './exporter.js';
import type { TestExporter } from './exporter.js';
import { silent, startTestPostgres } from './postgres.js';
import type { TestPostgres } from './postgres.js';

const MIB = 2 ** 20;
const NOON = Date.UTC(2026, 10, 20, 12);

jest.setTimeout(60_000);

/** A node as the API server gives it. */
function nodeObject(name: string, labels: Record<string, string>, allocatable: Record<string, string>): Node {
  const metadata = { name, labels: { 'kubernetes.io/hostname': name, ...labels } };
  const conditions = [{ type: 'Ready', status: 'True' }];
  return readNode({
    metadata,
    status: { allocatable: { cpu: '96', memory: '1Ti', pods: '110', ...allocatable }, conditions },
  })!;
}

/** Lines of one Instinct card as AMD's device-metrics-exporter prints them; it says MB and means MiB. */
function amdLines(card: { node: string; index: number; total: number; used: number; pod?: string }): string {
  const { node, index, total, used, pod = '' } = card;
  const namespace = pod === '' ? '' : 'research';
  const labels =
    `card_model="AMD Instinct MI300X",card_series="AMD INSTINCT MI300 (MCM) OAM AC MBA",card_vendor="Advanced Micro Devices",` +
    `gpu_compute_partition_type="spx",gpu_id="${index}",gpu_partition_id="0",hostname="${node}",` +
    `namespace="${namespace}",pod="${pod}",serial_number="SN-${node}-${index}"`;
  const lines = { gpu_total_vram: total, gpu_used_vram: used, gpu_free_vram: total - used };
  return Object.entries(lines)
    .map(([metric, value]) => `# TYPE ${metric} gauge\n${metric}{${labels}} ${value}\n`)
    .join('');
}

const FEATURES = {
  'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB',
  'nvidia.com/gpu.memory': '81920',
  'nvidia.com/gpu.count': '8',
  'nvidia.com/gpu.replicas': '1',
  'nvidia.com/mig.strategy': 'mixed',
};
const SLICED = {
  ...FEATURES,
  'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-40GB',
  'nvidia.com/gpu.memory': '40960',
  'nvidia.com/mig-3g.20gb.count': '4',
  'nvidia.com/mig-3g.20gb.memory': '19968',
};
const NODES = [
  nodeObject('amd-1', { 'amd.com/gpu.product-name': 'AMD_Instinct_MI300X_OAM' }, { 'amd.com/gpu': '2' }),
  nodeObject('measured', { ...FEATURES }, { 'nvidia.com/gpu': '2' }),
  nodeObject('features-only', FEATURES, { 'nvidia.com/gpu': '8' }),
  nodeObject('sliced', SLICED, { 'nvidia.com/mig-3g.20gb': '4' }),
  nodeObject('gke', { 'cloud.google.com/gke-accelerator': 'nvidia-l4' }, { 'nvidia.com/gpu': '2' }),
  nodeObject('aws', { 'node.kubernetes.io/instance-type': 'p4d.24xlarge' }, { 'nvidia.com/gpu': '8' }),
  nodeObject(
    'amd-labels',
    { 'amd.com/gpu.product-name': 'AMD_Instinct_MI300X_OAM', 'amd.com/gpu.vram': '192G' },
    { 'amd.com/gpu': '8' },
  ),
  nodeObject('plain', {}, {}),
];

describe('a cluster whose nodes are known from different sources', () => {
  let postgres: TestPostgres;
  let amd: TestExporter;
  let dcgm: TestExporter;

  beforeAll(async () => {
    postgres = await startTestPostgres();
    amd = await startExporter(
      text(
        amdLines({ node: 'amd-1', index: 0, total: 196_592, used: 283 }) +
          amdLines({ node: 'amd-1', index: 1, total: 196_592, used: 120_000, pod: 'sft-0' }),
      ),
    );
    dcgm = await startExporter(
      text([0, 1].map((index) => gpuLines({ node: 'measured', index, free: 80_000, used: 1_226 })).join('')),
    );
  }, 60_000);
  afterAll(async () => {
    for (const exporter of [amd, dcgm]) await exporter.close();
    await postgres.stop();
  });

  /** What a replica knows after one collection. */
  async function collected(sources: readonly InventorySource[]): Promise<InventorySnapshot> {
    const database = new Database(postgres.server.url, silent);
    await database.connect();
    const [holder, lock] = [new InventoryHolder(), new IngestLock(database)];
    const nodeSource = { nodes: () => NODES };
    const repository = new InventoryRepository(database);
    const outside = { sources, pools: [], nodeSource, gpus: loadFacts().gpus, now: () => NOON, log: silent };
    const collector = new Collector({ ...outside, holder, lock, repository }, COLLECTOR_DEFAULTS);
    await collector.restore();
    await collector.collect();
    await collector.close();
    await lock.release();
    await database.close();
    return holder.current();
  }

  /** How many devices of which size a node has, and from where that is known. */
  const summary = ({ devices }: InventorySnapshot, of: string): unknown[] => {
    const own = devices.filter(({ node }) => node === of);
    const kinds = new Map(own.map((device) => [`${device.model} ${device.capacityBytes}`, device]));
    return [...kinds.values()].map(({ model, migProfile, resource, capacityBytes, capacitySource }) => [
      own.length,
      model,
      migProfile,
      resource,
      capacityBytes / MIB,
      capacitySource,
    ]);
  };

  const expected: [string, unknown[]][] = [
    ['amd-1', [[2, 'AMD Instinct MI300X', null, 'amd.com/gpu', 196_307, 'dcgm']]],
    ['measured', [[2, 'NVIDIA A100-SXM4-80GB', null, 'nvidia.com/gpu', 81_226, 'dcgm']]],
    ['features-only', [[8, 'NVIDIA A100-SXM4-80GB', null, 'nvidia.com/gpu', 80_998, 'node-label']]],
    ['sliced', [[4, 'NVIDIA A100-SXM4-40GB', '3g.20gb', 'nvidia.com/mig-3g.20gb', 19_968, 'node-label']]],
    ['gke', [[2, 'NVIDIA L4', null, 'nvidia.com/gpu', 22_528, 'instance-type']]],
    ['aws', [[8, 'NVIDIA A100-SXM4-40GB', null, 'nvidia.com/gpu', 40_509, 'instance-type']]],
    ['amd-labels', [[8, expect.stringContaining('MI300X'), null, 'amd.com/gpu', expect.any(Number), 'node-label']]],
    ['plain', []],
  ];

  it('has of each node what its best source says', async () => {
    const now = await collected([exporters([amd.url, dcgm.url], null, { timeoutMs: 2_000, maxBytes: 100_000 })]);
    expect(expected.map(([node]) => [node, summary(now, node)])).toEqual(expected);
    const cards = now.devices.filter(({ node }) => node === 'amd-1');
    expect(cards.map(({ usedBytes, pods }) => [(usedBytes ?? 0) / MIB, pods])).toEqual([
      [283, []],
      [120_000, ['research/sft-0']],
    ]);
  });

  it('is the same for a replica that starts while no exporter answers', async () => {
    const now = await collected([]);
    expect(expected.map(([node]) => [node, summary(now, node)])).toEqual(expected);
  });
});
