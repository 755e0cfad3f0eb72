import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadFacts } from '../../src/advisor/facts.js';
import { InventoryHolder } from '../../src/advisor/inventory-holder.js';
import { Collector, COLLECTOR_DEFAULTS } from '../../src/ingest/collector.js';
import { exporters } from '../../src/ingest/exporters.js';
import { Database } from '../../src/store/database.js';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { IngestLock } from '../../src/store/ingest-lock.js';
import { InventoryRepository } from '../../src/store/inventory-repository.js';
import { fleetDevicesOf } from '../../test/builders/fleet.js';
import type { Benchmark, Finding } from './benchmark.js';
import { finding, shown } from './benchmark.js';
import { integerLoop, LOOP_STEPS, paired } from './measure.js';

const NODES = 500;
const ROUNDS = 8;
const SCRAPE_SECONDS = 30;
const GPUS_OF_A_LARGE_CLUSTER = 40_000;
const WINDOWS_OF_A_DAY = 86_400 / COLLECTOR_DEFAULTS.windowSeconds;
const DEVICES = Array.from({ length: NODES }, (_, node) => fleetDevicesOf(node)).reduce((sum, count) => sum + count, 0);
const silent = { log: () => undefined, warn: () => undefined };

/** Exporters on loopback, scraped, read and written down by the collector of the service. */
export const fleet: Benchmark = {
  name: 'fleet',
  about: `a collection of ${NODES} exporters with ${DEVICES} devices of eight models, over HTTP into Postgres`,
  async run(): Promise<readonly Finding[]> {
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-bench-'));
    const [server, exporting] = [await startEmbeddedPostgres({ dataFolder: folder }), startExporters()];
    const database = new Database(server.url, silent);
    try {
      await database.connect();
      return await measured(database, await exporting.port);
    } finally {
      await database.close();
      await server.stop();
      exporting.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function startExporters(): { port: Promise<number>; stop: () => void } {
  const script = join(import.meta.dirname, 'fleet-exporters.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const port = once(child.stdout, 'data').then(([data]) => Number(String(data)));
  return { port, stop: () => child.stdin.end() };
}

interface Round {
  wallMs: number;
  cpuMs: number;
  loopMs: number;
}

async function measured(database: Database, port: number): Promise<readonly Finding[]> {
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  const lock = new IngestLock(database);
  const collector = collectorOf({ database, lock, port, clock });
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await fetch(`http://127.0.0.1:${port}/round/${round}`);
    rounds.push(await timed(() => collector.collect()));
    clock.nowMs += SCRAPE_SECONDS * 1000;
  }
  const bytes = await windowBytes(database);
  await collector.close();
  await lock.release();
  return [findingOf(rounds.slice(1), bytes)];
}

function collectorOf(of: { database: Database; lock: IngestLock; port: number; clock: { nowMs: number } }): Collector {
  const addresses = Array.from({ length: NODES }, (_, node) => `http://127.0.0.1:${of.port}/${node}/metrics`);
  return new Collector({
    sources: [exporters(addresses, null, { timeoutMs: 60_000, maxBytes: 32 * 1024 ** 2 })],
    pools: [],
    nodeSource: null,
    holder: new InventoryHolder(),
    repository: new InventoryRepository(of.database),
    lock: of.lock,
    gpus: loadFacts().gpus,
    now: () => of.clock.nowMs,
    log: silent,
  });
}

async function timed(work: () => Promise<void>): Promise<Round> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - start;
  const loop = performance.now();
  integerLoop();
  return { wallMs, cpuMs: (user + system) / 1000, loopMs: performance.now() - loop };
}

/** Bytes on disk, indexes with them, of one window of one device. */
async function windowBytes(database: Database): Promise<number> {
  await database.pool.query('VACUUM FULL sample_windows');
  const { rows } = await database.pool.query<{ bytes: string; windows: string }>(
    "SELECT pg_total_relation_size('sample_windows') AS bytes, (SELECT count(*) FROM sample_windows) AS windows",
  );
  return Number(rows[0]?.bytes) / Number(rows[0]?.windows);
}

function findingOf(rounds: readonly Round[], bytes: number): Finding {
  const pairs = paired(
    rounds.map(({ wallMs }) => wallMs),
    rounds.map(({ loopMs }) => loopMs),
  );
  const cpuMs = rounds.reduce((sum, round) => sum + round.cpuMs, 0) / rounds.length;
  const share = (cpuMs / DEVICES) * (GPUS_OF_A_LARGE_CLUSTER / (SCRAPE_SECONDS * 1000));
  return finding(
    'one collection, every second one written',
    pairs,
    `a loop of ${LOOP_STEPS / 1e6} million integer steps`,
    `${shown((DEVICES / pairs.subject.median) * 1000)} devices/s`,
    `${shown(share * 100)} % of a core for ${GPUS_OF_A_LARGE_CLUSTER} GPUs each ${SCRAPE_SECONDS} s (by proportion)`,
    `${shown(bytes * WINDOWS_OF_A_DAY)} bytes of Postgres per device and day, ${shown(bytes)} once a day is folded`,
  );
}
