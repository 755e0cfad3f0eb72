import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { InventoryHolder } from '../../src/advisor/inventory-holder.js';
import { readSettings } from '../../src/config/read-settings.js';
import { SettingsModule } from '../../src/config/settings.module.js';
import { Collector } from '../../src/ingest/collector.js';
import { IngestModule } from '../../src/ingest/ingest.module.js';
import { DAY_MS } from '../../src/inventory/device-record.js';
import { Database } from '../../src/store/database.js';
import { InventoryRepository } from '../../src/store/inventory-repository.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { Readiness } from '../../src/telemetry/readiness.js';

/** Metrics and readiness without the log and the HTTP parts that go with them in the service. */
@Global()
@Module({ providers: [Metrics, Readiness], exports: [Metrics, Readiness] })
class Telemetry {}

const boot = async (environment: Record<string, string>): Promise<TestingModule> => {
  const settings = readSettings({ PLIMSOLL_LOG_LEVEL: 'silent', PLIMSOLL_SCRAPE_INTERVAL_MS: '1000', ...environment });
  const imports = [SettingsModule.with(settings), Telemetry, IngestModule];
  const app = await Test.createTestingModule({ imports }).compile();
  app.useLogger(false);
  return app.init();
};

describe('the ingest module', () => {
  let dataFolder: string;
  beforeAll(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'plimsoll-test-module-'));
  });
  afterAll(() => rm(dataFolder, { recursive: true, force: true }));

  it('has an inventory when it is up, stored in the embedded Postgres, and goes on collecting', async () => {
    const app = await boot({ PLIMSOLL_DATA_DIR: dataFolder, PLIMSOLL_EXAMPLE_CLUSTER: 'examples/cluster' });
    const holder = app.get(InventoryHolder);
    const first = holder.current();
    expect(first.devices).toHaveLength(57);
    expect(await app.get(Database).client.device.count()).toBe(57);
    const text = await app.get(Metrics).registry.metrics();
    expect(text).toContain('plimsoll_ingest_devices 57');
    expect(text).toContain('plimsoll_ingest_targets{outcome="ok"} 1');
    expect(text).toContain('plimsoll_store_up 1');
    await new Promise((done) => holder.onSwap(done));
    expect(holder.current().takenAtMs).toBeGreaterThan(first.takenAtMs);
    await app.close();
  }, 60_000);

  it('folds and forgets what is older than the settings say', async () => {
    const environment = { PLIMSOLL_DATA_DIR: dataFolder, PLIMSOLL_EXAMPLE_CLUSTER: 'examples/cluster' };
    const before = await boot(environment);
    const daysAgo = (days: number): number => Math.floor(Date.now() / DAY_MS - days) * DAY_MS;
    const repository = before.get(InventoryRepository);
    const [device] = before.get(InventoryHolder).current().devices;
    const window = { ...device!, seconds: 900, usedMinBytes: 1, usedMaxBytes: 2, samples: 3 };
    const quarters = [0, 900_000].map((offsetMs) => [2, 4, 10].map((days) => daysAgo(days) + offsetMs)).flat();
    await repository.saveWindows(quarters.map((startMs) => ({ ...window, startMs })));
    await before.close();

    const app = await boot({ ...environment, PLIMSOLL_FOLD_AFTER_DAYS: '3', PLIMSOLL_KEEP_DAYS: '8' });
    const old = { where: { startAt: { lt: new Date(daysAgo(1)) } }, orderBy: { startAt: 'asc' } } as const;
    const kept = async (): Promise<number[]> =>
      (await app.get(Database).client.sampleWindow.findMany(old)).map(({ seconds }) => seconds);
    await app.get(Collector).collect();
    expect(await kept()).toEqual([86_400, 900, 900]);
    await app.close();
  }, 60_000);

  it('starts and answers without its database', async () => {
    const app = await boot({
      DATABASE_URL: 'postgresql://nobody:secret@127.0.0.1:1/nothing',
      PLIMSOLL_EXAMPLE_CLUSTER: 'examples/cluster',
    });
    expect(app.get(InventoryHolder).current().devices).toHaveLength(57);
    const check = await app.get(Readiness).checks.get('database')?.();
    expect(check).toEqual({ status: 'degraded', message: expect.stringContaining('ECONNREFUSED') });
    expect(JSON.stringify(check)).not.toContain('secret');
    await app.close();
  }, 60_000);
});
