import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadFacts } from '../../src/advisor/facts.js';
import { InventoryHolder } from '../../src/advisor/inventory-holder.js';
import { Collector, COLLECTOR_DEFAULTS } from '../../src/ingest/collector.js';
import { exporters } from '../../src/ingest/exporters.js';
import { IngestLock } from '../../src/store/ingest-lock.js';
import { InventoryRepository } from '../../src/store/inventory-repository.js';
import { FLEET_MODELS, fleetDevicesOf, fleetModelOf, fleetNodeName, fleetStateOf } from '../builders/fleet.js';
import { startFleet } from '../builders/fleet-server.js';
import type { FleetServer } from '../builders/fleet-server.js';
import { silent, startTestPostgres } from './postgres.js';
import type { TestPostgres } from './postgres.js';

const NODES = 500;
const MIB = 1024 ** 2;
const NOON = Date.UTC(2026, 0, 1, 12);
const ROUNDS = 4;
const nodes = Array.from({ length: NODES }, (_, node) => node);
const devices = nodes.reduce((sum, node) => sum + fleetDevicesOf(node), 0);

describe('a fleet of 500 nodes with eight models, MIG, failures and restarts', () => {
  let postgres: TestPostgres;
  let fleet: FleetServer;
  let nowMs = NOON;
  let collector: Collector;
  let lock: IngestLock;
  const holder = new InventoryHolder();

  beforeAll(async () => {
    [postgres, fleet] = await Promise.all([startTestPostgres(), startFleet()]);
    const { database } = postgres;
    lock = new IngestLock(database);
    const addresses = nodes.map((node) => `http://127.0.0.1:${fleet.port}/${node}/metrics`);
    const limits = { timeoutMs: 60_000, maxBytes: 32 * MIB };
    collector = new Collector(
      {
        sources: [exporters(addresses, null, limits)],
        pools: [],
        nodeSource: null,
        holder,
        repository: new InventoryRepository(database),
        lock,
        gpus: loadFacts().gpus,
        now: () => nowMs,
        log: silent,
      },
      COLLECTOR_DEFAULTS,
    );
    for (let round = 0; round < ROUNDS; round += 1) {
      await fetch(`http://127.0.0.1:${fleet.port}/round/${round}`);
      nowMs = NOON + round * 60_000;
      await collector.collect();
    }
  }, 300_000);

  afterAll(async () => {
    await collector.close();
    await lock.release();
    await fleet.close();
    await postgres.stop();
  });

  it('is known whole, whatever failed or was restarted meanwhile', () => {
    const failed = nodes.filter((node) => fleetStateOf(node, ROUNDS - 1) !== 'well').length;
    expect(failed).toBeGreaterThan(0);
    expect(collector.state.results.filter(({ outcome }) => outcome !== 'ok')).toHaveLength(failed);
    const snapshot = holder.current();
    expect(snapshot.nodes).toHaveLength(NODES);
    expect(snapshot.devices).toHaveLength(devices);
  });

  it('has the true capacity of every device: free and used together, of whole GPUs and of instances', () => {
    const wrong = holder.current().devices.filter(({ node, capacityBytes }) => {
      const { freeMib, mig } = fleetModelOf(Number(node.replace(fleetNodeName(0).slice(0, -1), '')));
      return capacityBytes !== (mig?.freeMib ?? freeMib) * MIB;
    });
    expect(wrong).toEqual([]);
    const classes = new Set(holder.current().devices.map(({ model, migProfile }) => `${model} ${migProfile ?? ''}`));
    expect(classes.size).toBe(FLEET_MODELS.length);
  });

  it('is in Postgres, one window for each device, and comes back after a restart', async () => {
    const { rows } = await postgres.database.pool.query<{ count: string }>('SELECT count(*) FROM sample_windows');
    expect(Number(rows[0]?.count)).toBe(devices);
    const stored = await new InventoryRepository(postgres.database).load(0);
    expect(stored.records).toHaveLength(devices);
  });
});
