import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadFacts } from '../../src/advisor/facts.js';
import { InventoryHolder } from '../../src/advisor/inventory-holder.js';
import { Collector, COLLECTOR_DEFAULTS } from '../../src/ingest/collector.js';
import { prometheus } from '../../src/ingest/prometheus.js';
import { Database } from '../../src/store/database.js';
import { IngestLock } from '../../src/store/ingest-lock.js';
import { InventoryRepository } from '../../src/store/inventory-repository.js';
import { startExporter, text } from './exporter.js';
import type { TestExporter } from './exporter.js';
import { silent, startTestPostgres } from './postgres.js';
import type { TestPostgres } from './postgres.js';
import { hasPrometheus, startPrometheus } from './real-prometheus.js';
import type { RealPrometheus } from './real-prometheus.js';

jest.setTimeout(90_000);

const MIB = 2 ** 20;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LIMITS = { timeoutMs: 5_000, maxBytes: 10_000_000 };

/** What dcgm-exporter prints of one GPU, at a moment of the past. */
const linesAt = (atMs: number, gpu: { index: number; free: number; used: number }): string => {
  const { index, free, used } = gpu;
  const labels = `gpu="${index}",UUID="GPU-${index}",modelName="NVIDIA A100-SXM4-80GB",Hostname="a"`;
  return `DCGM_FI_DEV_FB_FREE{${labels}} ${free} ${atMs}\nDCGM_FI_DEV_FB_USED{${labels}} ${used} ${atMs}\n`;
};

(hasPrometheus() ? describe : describe.skip)('the past that a real Prometheus keeps', () => {
  const nowMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  let postgres: TestPostgres;
  let exporter: TestExporter;
  let server: RealPrometheus;
  const opened: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    // Thirty hours: GPU 0 in use, for two minutes six hours ago nearly full; GPU 1 was there until three hours ago.
    const lines: string[] = [];
    for (let ago = 30 * 60; ago > 0; ago -= 1) {
      const used = ago === 360 || ago === 359 ? 79_000 : 30_000;
      // The two fields are not read at one moment: mostly the sum is a little small.
      lines.push(linesAt(nowMs - ago * MINUTE_MS, { index: 0, free: 81_226 - used - (ago % 7 === 0 ? 0 : 40), used }));
      if (ago > 180) lines.push(linesAt(nowMs - ago * MINUTE_MS, { index: 1, free: 81_226, used: 0 }));
    }
    exporter = await startExporter(text(lines.join('')));
    server = await startPrometheus([new URL(exporter.url).host]);
    postgres = await startTestPostgres();
    await hasScraped();
  });
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });
  afterAll(async () => {
    await postgres.stop();
    await server.stop();
    await exporter.close();
  });

  /** Waits for a first scrape with all of its samples. */
  const hasScraped = async (): Promise<void> => {
    const deadline = Date.now() + 45_000;
    const query = `${server.url}/api/v1/query?query=count_over_time(DCGM_FI_DEV_FB_USED{gpu="0"}[29h])`;
    for (;;) {
      const answer = await fetch(query)
        .then((response) => response.text())
        .catch((error: Error) => error.message);
      if (answer.includes('"17')) return;
      if (Date.now() > deadline) throw new Error(`Prometheus did not scrape: ${answer}`);
      await new Promise((done) => setTimeout(done, 300));
    }
  };

  const replica = async (backfillMs: number): Promise<{ collector: Collector; holder: InventoryHolder }> => {
    const database = new Database(postgres.server.url, silent);
    await database.connect();
    const holder = new InventoryHolder();
    const lock = new IngestLock(database);
    const { gpus } = loadFacts();
    const range = { stepMs: MINUTE_MS, limits: LIMITS };
    const sources = [prometheus({ url: server.url, matchers: 'job="dcgm"', tokenFile: null, limits: LIMITS, range })];
    const parts = { sources, pools: [], nodeSource: null, holder, lock, gpus, now: () => nowMs, log: silent };
    const repository = new InventoryRepository(database);
    const collector = new Collector({ ...parts, repository }, { ...COLLECTOR_DEFAULTS, backfillMs });
    const close = (): Promise<unknown> =>
      collector
        .close()
        .then(() => lock.release())
        .then(() => database.close());
    opened.push({ close });
    return { collector, holder };
  };

  const windows = async (): Promise<readonly Record<string, unknown>[]> => {
    const { rows } = await postgres.database.pool.query<Record<string, unknown>>(
      `SELECT uuid, extract(epoch FROM start_at)::float8 * 1000 AS start, seconds, sample_windows.capacity_bytes / ${MIB} AS capacity,
         used_max_bytes / ${MIB} AS most, samples
       FROM sample_windows JOIN devices ON devices.id = device_id ORDER BY uuid, start_at`,
    );
    return rows;
  };

  it('is taken in hour by hour, one day at most, with its peaks, and taking it twice changes nothing', async () => {
    const { collector, holder } = await replica(24 * HOUR_MS);
    await collector.collect();
    expect(collector.pastRemainingMs).toBeGreaterThan(22 * HOUR_MS);
    let collections = 1;
    for (; collector.pastRemainingMs > 0 && collections < 30; collections += 1) await collector.collect();
    expect(collections).toBeLessThanOrEqual(25);
    const stored = await windows();
    const ofFirst = stored.filter(({ uuid }) => uuid === 'GPU-0');
    expect(ofFirst.length).toBeGreaterThanOrEqual(95);
    expect(ofFirst.length).toBeLessThanOrEqual(97);
    expect(Number(ofFirst[0]?.['start'])).toBeGreaterThanOrEqual(nowMs - 24 * HOUR_MS);
    const peaks = ofFirst.filter(({ most }) => Number(most) === 79_000);
    expect(peaks.length).toBeGreaterThan(0);
    for (const { start } of peaks) {
      expect(Math.abs(Number(start) - (nowMs - 6 * HOUR_MS))).toBeLessThanOrEqual(20 * MINUTE_MS);
    }
    expect(new Set(ofFirst.slice(1, -1).map(({ samples }) => samples))).toEqual(new Set([15]));
    // The largest sum counts, and what is gone is known with its age.
    expect(holder.current().devices.map(({ uuid, capacityBytes }) => [uuid, capacityBytes / MIB])).toContainEqual([
      'GPU-0',
      81_226,
    ]);
    const [gone] = await postgres.database.client.device.findMany({ where: { uuid: 'GPU-1' } });
    expect(nowMs - Number(gone?.seenAt)).toBeGreaterThan(2.9 * HOUR_MS);

    for (const each of opened.splice(0).reverse()) await each.close();
    const again = await replica(24 * HOUR_MS);
    do await again.collector.collect();
    while (again.collector.pastRemainingMs > 0);
    expect(again.collector.state.pastReadings).toBe(collector.state.pastReadings);
    expect(await windows()).toEqual(stored);
  });

  it('is left alone where that is asked for', async () => {
    const { collector } = await replica(0);
    await collector.collect();
    expect(collector.state.pastReadings).toBe(0);
    expect(collector.pastRemainingMs).toBe(0);
  });
});
