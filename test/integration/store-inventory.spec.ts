import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { currentReading, DAY_MS, observed } from '../../src/inventory/device-record.js';
import type { DeviceRecord } from '../../src/inventory/device-record.js';
import type { Node } from '../../src/inventory/inventory.js';
import { InventoryRepository } from '../../src/store/inventory-repository.js';
import type { SampleWindow } from '../../src/store/inventory-repository.js';
import { migrate, schemaDrift } from '../../src/store/migrations.js';
import { reading } from '../builders/readings.js';
import { startTestPostgres } from './postgres.js';
import type { TestPostgres } from './postgres.js';

const NOON = Date.UTC(2026, 10, 20, 12);
const QUARTER_S = 900;

const record = (fields: Parameters<typeof reading>[0] = {}): DeviceRecord => observed(undefined, reading(fields), NOON);
const window = (fields: Partial<SampleWindow> = {}): SampleWindow => ({
  uuid: 'GPU-1',
  gpuInstance: null,
  startMs: NOON,
  seconds: QUARTER_S,
  capacityBytes: 80e9,
  usedMinBytes: 1e9,
  usedMaxBytes: 2e9,
  samples: 3,
  ...fields,
});
const node = (fields: Partial<Node> = {}): Node => ({
  name: 'n1',
  labels: { 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB' },
  taints: [{ key: 'nvidia.com/gpu', value: '', effect: 'NoSchedule' }],
  unschedulable: false,
  ready: true,
  allocatable: { 'nvidia.com/gpu': 8, cpu: 95.82 },
  requested: { 'nvidia.com/gpu': 1 },
  ...fields,
});

describe('the inventory in Postgres', () => {
  let postgres: TestPostgres;
  let repository: InventoryRepository;
  beforeAll(async () => {
    postgres = await startTestPostgres();
    repository = new InventoryRepository(postgres.database);
  }, 60_000);
  afterAll(() => postgres.stop());
  beforeEach(() => postgres.database.pool.query('TRUNCATE nodes, devices, sample_windows'));

  const windows = () =>
    postgres.database.client.sampleWindow.findMany({ orderBy: [{ deviceId: 'asc' }, { startAt: 'asc' }] });

  it('is what the migrations make of an empty database, and they are applied once', async () => {
    expect(await schemaDrift(postgres.server.url)).toBe('');
    expect(await migrate(postgres.server.url)).toEqual([]);
    const { rows } = await postgres.database.pool.query(
      'SELECT migration_name FROM _prisma_migrations ORDER BY migration_name',
    );
    expect(rows).toEqual([
      { migration_name: '20261123000000_inventory_and_assessments' },
      { migration_name: '20261130120000_pod_observations' },
    ]);
  });

  it('comes back after a restart as it was', async () => {
    const records = [
      record({ pods: ['research/a', 'research/b'], usedBytes: 5e9 }),
      record({ uuid: 'GPU-2', gpuInstance: '7', migProfile: '1g.10gb', driverVersion: null, usedBytes: null }),
      record({ uuid: 'GPU-3', node: null, vendor: 'amd' }),
    ];
    await repository.saveNodes([node(), node({ name: 'n2', taints: [], labels: {}, ready: false })], NOON);
    await repository.saveDevices(records, NOON);
    const stored = await repository.load(NOON - DAY_MS);
    expect(stored.nodes).toEqual([node(), node({ name: 'n2', taints: [], labels: {}, ready: false })]);
    expect(stored.records).toEqual(records.map((each) => ({ ...each, days: [] })));
  });

  it('has only the nodes of the latest list', async () => {
    await repository.saveNodes([node(), node({ name: 'gone' })], NOON);
    await repository.saveNodes([node({ unschedulable: true })], NOON + 1);
    const { nodes } = await repository.load(0);
    expect(nodes).toEqual([node({ unschedulable: true })]);
  });

  it('does not let an older reading overwrite a newer one', async () => {
    await repository.saveDevices([record({ usedBytes: 2e9, seenAtMs: NOON + 30_000 })], NOON);
    await repository.saveDevices([record({ usedBytes: 1e9, seenAtMs: NOON })], NOON);
    const { records } = await repository.load(0);
    expect(records[0]?.last.usedBytes).toBe(2e9);
  });

  it('takes the same window any number of times, and keeps the widest of what was said', async () => {
    await repository.saveDevices([record()], NOON);
    await repository.saveWindows([window()]);
    await repository.saveWindows([window({ usedMinBytes: null, usedMaxBytes: 3e9, samples: 5 })]);
    await repository.saveWindows([window({ capacityBytes: 79e9, samples: 4 })]);
    expect(await windows()).toMatchObject([
      { capacityBytes: 80_000_000_000n, usedMinBytes: 1_000_000_000n, usedMaxBytes: 3_000_000_000n, samples: 5 },
    ]);
  });

  it('remembers the largest capacity by day, over the time since the device is what it is', async () => {
    const sliced = record({ gpuInstance: '1', seenAtMs: NOON });
    await repository.saveDevices([record({ seenAtMs: NOON - 3 * DAY_MS }), sliced], NOON);
    await repository.saveWindows([
      window({ startMs: NOON - 2 * DAY_MS, capacityBytes: 81e9 }),
      window({ startMs: NOON - 2 * DAY_MS + 60_000, capacityBytes: 80.5e9 }),
      window({ startMs: NOON, capacityBytes: 70e9 }),
      window({ gpuInstance: '1', startMs: NOON - DAY_MS, capacityBytes: 40e9 }),
    ]);
    const { records } = await repository.load(NOON - 7 * DAY_MS);
    expect(records.map(({ days }) => days.map((day) => day.capacityBytes))).toEqual([[81e9, 70e9], []]);
    expect(currentReading({ ...records[0]!, last: reading({ capacityBytes: 70e9 }) }).capacityBytes).toBe(81e9);
  });

  it('folds old windows into days without losing a peak', async () => {
    await repository.saveDevices([record()], NOON);
    const midnight = Math.floor(NOON / DAY_MS) * DAY_MS;
    await repository.saveWindows([
      window({ startMs: midnight, usedMaxBytes: 4e9, samples: 10 }),
      window({ startMs: midnight + 900_000, usedMinBytes: 0, samples: 20 }),
      window({ startMs: midnight + DAY_MS }),
    ]);
    await repository.foldWindows(midnight + DAY_MS, 86_400);
    expect(await windows()).toMatchObject([
      { seconds: 86_400, usedMinBytes: 0n, usedMaxBytes: 4_000_000_000n, samples: 30 },
      { seconds: QUARTER_S },
    ]);
    await repository.saveWindows([window({ startMs: midnight + 1_800_000, usedMaxBytes: 9e9, samples: 1 })]);
    await repository.foldWindows(midnight + DAY_MS, 86_400);
    expect(await windows()).toMatchObject([{ usedMaxBytes: 9_000_000_000n, samples: 31 }, { seconds: QUARTER_S }]);
  });

  it('forgets what was not seen for long, windows with their device', async () => {
    await repository.saveNodes([node()], NOON);
    await repository.saveDevices([record(), record({ uuid: 'GPU-2', seenAtMs: NOON + DAY_MS })], NOON);
    await repository.saveWindows([window(), window({ uuid: 'GPU-2', startMs: NOON + DAY_MS })]);
    await repository.forget(NOON + 1);
    expect((await repository.load(0)).records.map(({ last }) => last.uuid)).toEqual(['GPU-2']);
    expect(await windows()).toHaveLength(1);
  });

  it('stores text that Postgres would refuse', async () => {
    await repository.saveNodes([node({ labels: { odd: 'a\0b\uD800c' } })], NOON);
    await repository.saveDevices([record({ model: 'GPU\0\uDC00' })], NOON);
    const stored = await repository.load(0);
    expect(stored.nodes[0]?.labels).toEqual({ odd: 'a\uFFFDb\uFFFDc' });
    expect(stored.records[0]?.last.model).toBe('GPU\uFFFD\uFFFD');
  });

  it('takes 5,000 devices with their windows in bulk, twice over', async () => {
    const fleet = Array.from({ length: 5_000 }, (_, i) =>
      record({ uuid: `GPU-${i}`, node: `n${i >> 3}`, index: i & 7, pods: [`ns/pod-${i >> 3}`] }),
    );
    const started = performance.now();
    for (const startMs of [NOON, NOON + 900_000]) {
      await repository.saveDevices(fleet, NOON);
      await repository.saveWindows(fleet.map(({ last }) => window({ uuid: last.uuid, startMs })));
    }
    const elapsedMs = performance.now() - started;
    expect(await postgres.database.client.device.count()).toBe(5_000);
    expect(await postgres.database.client.sampleWindow.count()).toBe(10_000);
    expect(elapsedMs).toBeLessThan(5_000);
  }, 30_000);
});
