import { currentReading } from '../inventory/device-record.js';
import type { CapacityWindow, DeviceRecord } from '../inventory/device-record.js';
import type { Node, Taint } from '../inventory/inventory.js';
import { deviceKey } from '../inventory/reading.js';
import type { DeviceReading } from '../inventory/reading.js';
import { AHEAD_MS } from '../inventory/wall-clock.js';
import type { Database } from './database.js';
import { storableJson, storableText } from './storable.js';

/** What a device showed over a stretch of time. */
export interface SampleWindow {
  uuid: string;
  gpuInstance: string | null;
  startMs: number;
  seconds: number;
  capacityBytes: number;
  usedMinBytes: number | null;
  usedMaxBytes: number | null;
  samples: number;
}

/** Everything that is needed to have the inventory again after a restart. */
export interface StoredInventory {
  nodes: readonly Node[];
  records: readonly DeviceRecord[];
}

const DEVICES_AT_A_TIME = 10_000;

const UPSERT_DEVICES = `
INSERT INTO devices (uuid, gpu_instance, vendor, node, index, model, mig_profile, driver_version, capacity_bytes,
  capacity_source, capacity_note, capacity_since, used_bytes, pods, seen_at)
SELECT uuid, gpu_instance, vendor, node, index, model, mig_profile, driver_version, capacity_bytes,
  capacity_source, capacity_note, to_timestamp(capacity_since / 1000.0), used_bytes,
  string_to_array(pods, E'\\n'), to_timestamp(seen_at / 1000.0)
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::bigint[],
  $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::text[], $15::bigint[])
  AS given (uuid, gpu_instance, vendor, node, index, model, mig_profile, driver_version, capacity_bytes,
    capacity_source, capacity_note, capacity_since, used_bytes, pods, seen_at)
ON CONFLICT (uuid, gpu_instance) DO UPDATE SET
  vendor = EXCLUDED.vendor, node = EXCLUDED.node, index = EXCLUDED.index, model = EXCLUDED.model,
  mig_profile = EXCLUDED.mig_profile, driver_version = EXCLUDED.driver_version,
  capacity_bytes = EXCLUDED.capacity_bytes, capacity_source = EXCLUDED.capacity_source,
  capacity_note = EXCLUDED.capacity_note, capacity_since = EXCLUDED.capacity_since,
  used_bytes = EXCLUDED.used_bytes, pods = EXCLUDED.pods, seen_at = EXCLUDED.seen_at
WHERE devices.seen_at <= EXCLUDED.seen_at OR devices.seen_at > to_timestamp($16::bigint / 1000.0)`;

/** Written twice or by two writers, a window holds the widest of what was said of it: nothing is counted double. */
const UPSERT_WINDOWS = `
INSERT INTO sample_windows (device_id, start_at, seconds, capacity_bytes, used_min_bytes, used_max_bytes, samples)
SELECT devices.id, to_timestamp(given.start_at / 1000.0), given.seconds, given.capacity_bytes, given.used_min,
  given.used_max, given.samples
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::int[])
  AS given (uuid, gpu_instance, start_at, seconds, capacity_bytes, used_min, used_max, samples)
JOIN devices ON devices.uuid = given.uuid AND devices.gpu_instance = given.gpu_instance
ON CONFLICT (device_id, start_at) DO UPDATE SET
  seconds = GREATEST(sample_windows.seconds, EXCLUDED.seconds),
  capacity_bytes = GREATEST(sample_windows.capacity_bytes, EXCLUDED.capacity_bytes),
  used_min_bytes = LEAST(sample_windows.used_min_bytes, EXCLUDED.used_min_bytes),
  used_max_bytes = GREATEST(sample_windows.used_max_bytes, EXCLUDED.used_max_bytes),
  samples = GREATEST(sample_windows.samples, EXCLUDED.samples)`;

const UPSERT_NODES = `
INSERT INTO nodes (name, labels, taints, unschedulable, ready, allocatable, requested, seen_at)
SELECT name, labels::jsonb, taints::jsonb, unschedulable, ready, allocatable::jsonb, requested::jsonb,
  to_timestamp($8::bigint / 1000.0)
FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::bool[], $6::text[], $7::text[])
  AS given (name, labels, taints, unschedulable, ready, allocatable, requested)
ON CONFLICT (name) DO UPDATE SET
  labels = EXCLUDED.labels, taints = EXCLUDED.taints, unschedulable = EXCLUDED.unschedulable, ready = EXCLUDED.ready,
  allocatable = EXCLUDED.allocatable, requested = EXCLUDED.requested, seen_at = EXCLUDED.seen_at`;

/** Lists that were written before the clock was set back: they would pass for the latest. */
const FORGET_NODES_TO_COME = 'DELETE FROM nodes WHERE seen_at > to_timestamp($1::bigint / 1000.0)';

const LATEST_NODES = `
SELECT name, labels, taints, unschedulable, ready, allocatable, requested
FROM nodes WHERE seen_at = (SELECT max(seen_at) FROM nodes)`;

const FORGET = [
  'DELETE FROM sample_windows WHERE start_at < to_timestamp($1::bigint / 1000.0)',
  'DELETE FROM devices WHERE seen_at < to_timestamp($1::bigint / 1000.0)',
  'DELETE FROM nodes WHERE seen_at < to_timestamp($1::bigint / 1000.0)',
];

/** Without Prisma, which takes ten times as long for tens of thousands of rows. Columns are named as in DeviceReading. */
const DEVICES_SINCE = `
SELECT uuid, gpu_instance AS "gpuInstance", vendor, node, index, model, mig_profile AS "migProfile",
  driver_version AS "driverVersion", capacity_bytes::float8 AS "capacityBytes", capacity_source AS "capacitySource",
  capacity_note AS "capacityNote", used_bytes::float8 AS "usedBytes", pods,
  (extract(epoch FROM seen_at) * 1000)::float8 AS "seenAtMs",
  (extract(epoch FROM capacity_since) * 1000)::float8 AS "capacitySinceMs"
FROM devices WHERE seen_at >= to_timestamp($1::bigint / 1000.0) ORDER BY id`;

/** Capacity by day, of the time since each device is what it is. */
const CAPACITY_BY_DAY = `
SELECT devices.uuid, devices.gpu_instance,
  (extract(epoch FROM date_trunc('day', start_at)) * 1000)::float8 AS start_ms,
  max(sample_windows.capacity_bytes)::float8 AS capacity_bytes
FROM sample_windows JOIN devices ON devices.id = device_id
WHERE start_at >= to_timestamp($1::bigint / 1000.0)
  AND start_at + make_interval(secs => seconds) > capacity_since
GROUP BY 1, 2, 3 ORDER BY 3`;

/** Puts windows that ended before $1 together, one per device and $2 seconds. */
const FOLD_WINDOWS = `
WITH old AS (
  DELETE FROM sample_windows WHERE start_at < to_timestamp($1::bigint / 1000.0) AND seconds < $2::int RETURNING *
)
INSERT INTO sample_windows (device_id, start_at, seconds, capacity_bytes, used_min_bytes, used_max_bytes, samples)
SELECT device_id, to_timestamp(floor(extract(epoch FROM start_at) / $2::int) * $2::int), $2::int, max(capacity_bytes),
  min(used_min_bytes), max(used_max_bytes), sum(samples)
FROM old GROUP BY 1, 2
ON CONFLICT (device_id, start_at) DO UPDATE SET
  seconds = EXCLUDED.seconds,
  capacity_bytes = GREATEST(sample_windows.capacity_bytes, EXCLUDED.capacity_bytes),
  used_min_bytes = LEAST(sample_windows.used_min_bytes, EXCLUDED.used_min_bytes),
  used_max_bytes = GREATEST(sample_windows.used_max_bytes, EXCLUDED.used_max_bytes),
  samples = sample_windows.samples + EXCLUDED.samples`;

/** Nodes, devices and their windows in the database. Every method throws StoreUnavailable where it cannot be reached. */
export class InventoryRepository {
  constructor(private readonly database: Database) {}

  /** Writes devices in bulk at the time `nowMs`; an older state than what is stored is left out. */
  async saveDevices(records: readonly DeviceRecord[], nowMs: number): Promise<void> {
    for (let from = 0; from < records.length; from += DEVICES_AT_A_TIME) {
      const part = records.slice(from, from + DEVICES_AT_A_TIME);
      await this.database.run(() =>
        this.database.pool.query(UPSERT_DEVICES, [...deviceColumns(part), nowMs + AHEAD_MS]),
      );
    }
  }

  /** Writes windows of devices that are stored; the same window may be written any number of times. */
  async saveWindows(windows: readonly SampleWindow[]): Promise<void> {
    for (let from = 0; from < windows.length; from += DEVICES_AT_A_TIME) {
      const part = windows.slice(from, from + DEVICES_AT_A_TIME);
      await this.database.run(() => this.database.pool.query(UPSERT_WINDOWS, windowColumns(part)));
    }
  }

  /** Writes the nodes that there are now; others remain as history until they are cleared. */
  async saveNodes(nodes: readonly Node[], seenAtMs: number): Promise<void> {
    await this.database.run(async () => {
      await this.database.pool.query(FORGET_NODES_TO_COME, [seenAtMs + AHEAD_MS]);
      await this.database.pool.query(UPSERT_NODES, [...nodeColumns(nodes), seenAtMs]);
    });
  }

  /** What was known last: the nodes of the latest list, and every device with its capacities since `sinceMs`. */
  async load(sinceMs: number): Promise<StoredInventory> {
    return this.database.run(async () => {
      const { rows: nodes } = await this.database.pool.query<NodeRow>(LATEST_NODES);
      const { rows: devices } = await this.database.pool.query<DeviceRow>(DEVICES_SINCE, [sinceMs]);
      const days = await this.capacityByDay(sinceMs);
      return {
        nodes: nodes.map(nodeOf),
        records: devices.map((row) => recordOf(row, days.get(deviceKey(keyOf(row))) ?? [])),
      };
    });
  }

  /** Folds windows that began before `beforeMs` into windows of `seconds`; returns how many there are after that. */
  async foldWindows(beforeMs: number, seconds: number): Promise<number> {
    const { rowCount } = await this.database.run(() => this.database.pool.query(FOLD_WINDOWS, [beforeMs, seconds]));
    return rowCount ?? 0;
  }

  /** Forgets windows, devices and nodes that were not seen since `beforeMs`. */
  async forget(beforeMs: number): Promise<void> {
    await this.database.run(async () => {
      for (const statement of FORGET) await this.database.pool.query(statement, [beforeMs]);
    });
  }

  private async capacityByDay(sinceMs: number): Promise<ReadonlyMap<string, readonly CapacityWindow[]>> {
    interface Row {
      uuid: string;
      gpu_instance: string;
      start_ms: number;
      capacity_bytes: number;
    }
    const { rows } = await this.database.pool.query<Row>(CAPACITY_BY_DAY, [sinceMs]);
    const days = new Map<string, CapacityWindow[]>();
    for (const row of rows) {
      const key = deviceKey(keyOf({ uuid: row.uuid, gpuInstance: row.gpu_instance }));
      const list = days.get(key) ?? [];
      days.set(key, list);
      list.push({ startMs: row.start_ms, capacityBytes: row.capacity_bytes });
    }
    return days;
  }
}

/** In the database a whole GPU has the instance '' (part of a key cannot be null). */
const keyOf = ({
  uuid,
  gpuInstance,
}: {
  uuid: string;
  gpuInstance: string;
}): Pick<DeviceReading, 'uuid' | 'gpuInstance'> => ({
  uuid,
  gpuInstance: gpuInstance === '' ? null : gpuInstance,
});

const textOrNull = (text: string | null): string | null => (text === null ? null : storableText(text));

function deviceColumns(records: readonly DeviceRecord[]): unknown[][] {
  const rows = records.map((record) => ({ ...currentReading(record), capacitySinceMs: record.capacitySinceMs }));
  return [
    rows.map(({ uuid }) => storableText(uuid)),
    rows.map(({ gpuInstance }) => storableText(gpuInstance ?? '')),
    rows.map(({ vendor }) => vendor),
    rows.map(({ node }) => textOrNull(node)),
    rows.map(({ index }) => index),
    rows.map(({ model }) => storableText(model)),
    rows.map(({ migProfile }) => textOrNull(migProfile)),
    rows.map(({ driverVersion }) => textOrNull(driverVersion)),
    rows.map(({ capacityBytes }) => Math.round(capacityBytes)),
    rows.map(({ capacitySource }) => capacitySource),
    rows.map(({ capacityNote }) => storableText(capacityNote)),
    rows.map(({ capacitySinceMs }) => Math.round(capacitySinceMs)),
    rows.map(({ usedBytes }) => (usedBytes === null ? null : Math.round(usedBytes))),
    rows.map(({ pods }) => storableText(pods.join('\n'))),
    rows.map(({ seenAtMs }) => Math.round(seenAtMs)),
  ];
}

function windowColumns(windows: readonly SampleWindow[]): unknown[][] {
  return [
    windows.map(({ uuid }) => storableText(uuid)),
    windows.map(({ gpuInstance }) => storableText(gpuInstance ?? '')),
    windows.map(({ startMs }) => startMs),
    windows.map(({ seconds }) => seconds),
    windows.map(({ capacityBytes }) => Math.round(capacityBytes)),
    windows.map(({ usedMinBytes }) => usedMinBytes),
    windows.map(({ usedMaxBytes }) => usedMaxBytes),
    windows.map(({ samples }) => samples),
  ];
}

function nodeColumns(nodes: readonly Node[]): unknown[][] {
  return [
    nodes.map(({ name }) => storableText(name)),
    nodes.map(({ labels }) => storableJson(labels)),
    nodes.map(({ taints }) => storableJson(taints)),
    nodes.map(({ unschedulable }) => unschedulable),
    nodes.map(({ ready }) => ready),
    nodes.map(({ allocatable }) => storableJson(allocatable)),
    nodes.map(({ requested }) => storableJson(requested)),
  ];
}

type NodeRow = Pick<Node, 'name' | 'unschedulable' | 'ready'> & {
  [column in 'labels' | 'taints' | 'allocatable' | 'requested']: unknown;
};
type DeviceRow = Omit<DeviceReading, 'gpuInstance'> & { gpuInstance: string; capacitySinceMs: number };

/** What `saveNodes` wrote. */
const nodeOf = (row: NodeRow): Node => ({
  name: row.name,
  labels: row.labels as Record<string, string>,
  taints: row.taints as Taint[],
  unschedulable: row.unschedulable,
  ready: row.ready,
  allocatable: row.allocatable as Record<string, number>,
  requested: row.requested as Record<string, number>,
});

/** What `saveDevices` wrote. */
function recordOf({ capacitySinceMs, ...row }: DeviceRow, days: readonly CapacityWindow[]): DeviceRecord {
  return { last: { ...row, ...keyOf(row) }, capacitySinceMs, days };
}
