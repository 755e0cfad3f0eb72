import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../../src/store/database.js';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../src/store/embedded-postgres.js';

/** A Postgres of its own for one test file, in a folder that goes with it. */
export interface TestPostgres {
  dataFolder: string;
  server: EmbeddedPostgres;
  database: Database;
  stop(): Promise<void>;
}

export const silent = { log: (): void => undefined, warn: (): void => undefined };

export async function startTestPostgres(): Promise<TestPostgres> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'plimsoll-test-postgres-'));
  const server = await startEmbeddedPostgres({ dataFolder });
  const database = new Database(server.url, silent);
  await database.connect();
  return {
    dataFolder,
    server,
    database,
    stop: async () => {
      await database.close();
      await server.stop();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
