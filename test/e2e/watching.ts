import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { startService } from './service.js';
import type { Service } from './service.js';

/** Plimsoll beside a control plane, on a Postgres of its own. */
export interface Watching {
  service: Service;
  /** Ends Plimsoll, then Postgres, and deletes what it kept. */
  stop(): Promise<void>;
}

/** Starts Plimsoll with an exporter's GPUs as the inventory, scraped every so many milliseconds. */
export async function startWatching(
  { kubeconfig }: ControlPlane,
  exporter: { url: string },
  scrapeIntervalMs: number,
): Promise<Watching> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'plimsoll-postgres-'));
  const postgres = await startEmbeddedPostgres({ dataFolder });
  const service = await startService({
    DATABASE_URL: postgres.url,
    PLIMSOLL_KUBECONFIG: kubeconfig,
    PLIMSOLL_DCGM_TARGETS: exporter.url,
    PLIMSOLL_SCRAPE_INTERVAL_MS: String(scrapeIntervalMs),
    PLIMSOLL_ADMISSION_BUDGET_MS: '20000',
  });
  return {
    service,
    async stop() {
      await service.stop();
      await postgres.stop();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
