import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { loadFacts } from '../../src/advisor/facts.js';
import { InventoryHolder } from '../../src/advisor/inventory-holder.js';
import { Collector, COLLECTOR_DEFAULTS } from '../../src/ingest/collector.js';
import type { CollectorOptions, CollectorParts } from '../../src/ingest/collector.js';
import { exporters } from '../../src/ingest/exporters.js';
import { folder } from '../../src/ingest/files.js';
import { Database } from '../../src/store/database.js';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { IngestLock } from '../../src/store/ingest-lock.js';
import { InventoryRepository } from '../../src/store/inventory-repository.js';
import { gpuLines, startExporter, text } from './exporter.js';
import type { TestExporter } from './exporter.js';
import { silent, startTestPostgres } from './postgres.js';
import type { TestPostgres } from './postgres.js';

const MIB = 2 ** 20;
const LIMITS = { timeoutMs: 1_500, maxBytes: 100_000 };
const NOON = Date.UTC(2026, 10, 20, 12);

jest.setTimeout(30_000);

describe('ingesting from exporters into Postgres', () => {
  let postgres: TestPostgres;
  let nowMs: number;
  const opened: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    postgres = await startTestPostgres();
  }, 60_000);
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    nowMs = NOON;
    await postgres.database.pool.query('TRUNCATE nodes, devices, sample_windows');
  });
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });

  const exporter = async (...args: Parameters<typeof startExporter>): Promise<TestExporter> => {
    const started = await startExporter(...args);
    opened.push(started);
    return started;
  };

  /** A replica with a connection of its own. */
  const replica = async (
    sources: CollectorParts['sources'],
    options: Partial<CollectorOptions> = {},
  ): Promise<{ collector: Collector; holder: InventoryHolder; database: Database }> => {
    const database = new Database(postgres.server.url, silent);
    await database.connect();
    const holder = new InventoryHolder();
    const lock = new IngestLock(database);
    const gpus = loadFacts().gpus;
    const parts = { sources, pools: [], nodeSource: null, holder, lock, gpus, now: () => nowMs, log: silent };
    const collector = new Collector(
      { ...parts, repository: new InventoryRepository(database) },
      { ...COLLECTOR_DEFAULTS, writeEveryMs: 0, ...options },
    );
    opened.push({
      close: () =>
        collector
          .close()
          .then(() => lock.release())
          .then(() => database.close()),
    });
    return { collector, holder, database };
  };

  it('takes what good exporters say, whatever the others do', async () => {
    const good = await exporter(text(gpuLines({ node: 'good', index: 0, free: 81_000, used: 226 })));
    const zipped = await exporter((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(gpuLines({ node: 'zipped', index: 0, free: 22_563, used: 0, model: 'NVIDIA L4' })));
    });
    const hangs = await exporter(() => undefined);
    const drips = await exporter((_, response) => {
      const drip = setInterval(() => response.write('#\n'), 50);
      response.once('close', () => clearInterval(drip));
    });
    const garbage = await exporter(text(`\u0000{{{"\n${'x'.repeat(9_000)}\nDCGM_FI_DEV_FB_FREE{gpu="0 12`));
    const dies = await exporter((request) => request.socket.destroy());
    const floods = await exporter(text('# much\n'.repeat(100_000)));
    const refuses = await exporter((_, response) => response.writeHead(503).end());
    const redirects = await exporter((_, response) => response.writeHead(302, { location: good.url }).end());
    const silentOnes = [await exporter(() => undefined), await exporter(() => undefined)];
    const closed = await exporter(text(''));
    await closed.close();
    const all = [good, zipped, hangs, drips, garbage, dies, floods, refuses, redirects, closed, ...silentOnes];
    const { collector, holder } = await replica([
      exporters(
        all.map(({ url }) => url),
        null,
        LIMITS,
      ),
    ]);

    const started = performance.now();
    await collector.collect();
    // One after the other, the four that hang would take four times the limit by themselves.
    expect(performance.now() - started).toBeLessThan(3 * LIMITS.timeoutMs);
    expect(collector.state.results.map(({ outcome }) => outcome)).toEqual([
      'ok',
      'ok',
      'timeout',
      'timeout',
      'empty',
      'unreachable',
      'too-large',
      'refused',
      'unreachable',
      'unreachable',
      'timeout',
      'timeout',
    ]);
    expect(collector.state.results[4]?.malformedLines).toBe(1);
    expect(collector.state.results[2]?.problem).toBe('it did not answer within 1500 ms');
    expect(collector.state.results[9]?.problem).toMatch(/ECONNREFUSED/);
    const devices = holder.current().devices.map(({ node, capacityBytes }) => [node, capacityBytes / MIB]);
    expect(devices).toEqual([
      ['good', 81_226],
      ['zipped', 22_563],
    ]);
    expect(await postgres.database.client.device.count()).toBe(2);
  }, 30_000);

  it('keeps the last known capacity of an exporter that is gone, with its age', async () => {
    const source = await exporter(text(gpuLines({ node: 'a', index: 0, free: 81_000, used: 226 })));
    const { collector, holder } = await replica([exporters([source.url], null, LIMITS)]);
    await collector.collect();
    nowMs += 3_600_000;
    source.answer((_, response) => response.writeHead(500).end());
    await collector.collect();
    expect(holder.current()).toMatchObject({
      takenAtMs: NOON + 3_600_000,
      devices: [{ capacityBytes: 81_226 * MIB, seenAtMs: NOON }],
    });
  });

  it('does not shrink a device that shows less for a while, and stores its windows', async () => {
    const source = await exporter(text(gpuLines({ node: 'a', index: 0, free: 81_000, used: 226 })));
    const { collector, holder } = await replica([exporters([source.url], null, LIMITS)]);
    await collector.collect();
    await collector.collect();
    nowMs += 900_000;
    source.answer(text(gpuLines({ node: 'a', index: 0, free: 0, used: 70_000 })));
    await collector.collect();
    expect(holder.current().devices).toMatchObject([{ capacityBytes: 81_226 * MIB, usedBytes: 70_000 * MIB }]);
    const windows = await postgres.database.client.sampleWindow.findMany({ orderBy: { startAt: 'asc' } });
    expect(windows).toMatchObject([
      { startAt: new Date(NOON), seconds: 900, samples: 2, usedMaxBytes: BigInt(226 * MIB) },
      { startAt: new Date(NOON + 900_000), samples: 1, usedMaxBytes: BigInt(70_000 * MIB) },
    ]);
  });

  it.each([-48, 48])('goes on showing and writing use though the clock jumps by %d hours', async (hours) => {
    const source = await exporter(text(gpuLines({ node: 'a', index: 0, free: 81_000, used: 226 })));
    const { collector, holder } = await replica([exporters([source.url], null, LIMITS)], { writeEveryMs: 60_000 });
    await collector.collect();
    nowMs += hours * 3_600_000;
    source.answer(text(gpuLines({ node: 'a', index: 0, free: 226, used: 81_000 })));
    await collector.collect();
    expect(holder.current().devices).toMatchObject([{ usedBytes: 81_000 * MIB, seenAtMs: nowMs }]);
    const [device] = await postgres.database.client.device.findMany();
    expect(device).toMatchObject({ usedBytes: BigInt(81_000 * MIB), seenAt: new Date(nowMs) });
  });

  it('has the inventory again after a restart, before any exporter has answered', async () => {
    const example = folder('examples/cluster');
    const before = await replica([example]);
    await before.collector.collect();
    expect(before.collector.state.results).toMatchObject([{ outcome: 'ok' }]);
    const known = before.holder.current();
    await opened.pop()?.close();
    const after = await replica([]);
    await after.collector.restore();
    expect(after.holder.current().devices).toEqual(known.devices);
    expect(
      after.holder
        .current()
        .nodes.map(({ name }) => name)
        .sort(),
    ).toEqual(known.nodes.map(({ name }) => name).sort());
  });

  it('lets one replica collect and the others follow, and another takes over', async () => {
    const source = await exporter(text(gpuLines({ node: 'a', index: 0, free: 81_000, used: 226 })));
    const first = await replica([exporters([source.url], null, LIMITS)]);
    const second = await replica([exporters([source.url], null, LIMITS)]);
    await first.collector.collect();
    await second.collector.collect();
    expect([first.collector.state.role, second.collector.state.role]).toEqual(['leader', 'follower']);
    expect(source.scrapes).toBe(1);
    expect(second.holder.current().devices).toMatchObject([{ node: 'a', capacityBytes: 81_226 * MIB }]);
    await opened.splice(1, 1)[0]?.close();
    await second.collector.collect();
    expect(second.collector.state.role).toBe('leader');
    expect(source.scrapes).toBe(2);
  });

  it('goes on without the database, loses nothing within bounds, and counts what was merged', async () => {
    const source = await exporter(text(gpuLines({ node: 'a', index: 0, free: 81_000, used: 226 })));
    const { collector, holder, database } = await replica([exporters([source.url], null, LIMITS)], {
      mostWindowsWaiting: 3,
    });
    await collector.collect();
    await postgres.server.stop();
    for (let i = 0; i < 6; i += 1) {
      nowMs += 900_000;
      source.answer(text(gpuLines({ node: 'a', index: 0, free: 80_000, used: 1_000 * i })));
      await collector.collect();
    }
    expect(collector.state.role).toBe('alone');
    expect(holder.current().takenAtMs).toBe(nowMs);
    expect(collector.windows.waiting).toBe(3);
    expect(collector.windows.merged).toBeGreaterThan(0);

    postgres.server = await startEmbeddedPostgres({ dataFolder: postgres.dataFolder, port: postgres.server.port });
    await new Promise<void>((done) => database.onUp(done));
    nowMs += 900_000;
    await collector.collect();
    expect(collector.state.role).toBe('leader');
    const { rows } = await database.pool.query<{ samples: number; most: string }>(
      'SELECT sum(samples)::int AS samples, max(used_max_bytes) AS most FROM sample_windows',
    );
    expect(rows).toEqual([{ samples: 8, most: String(5_000 * MIB) }]);
  }, 60_000);
});
