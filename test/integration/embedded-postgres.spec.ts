import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { PostgresProblem } from '../../src/store/postgres-problem.js';

describe('the embedded Postgres', () => {
  let dataFolder: string;
  beforeEach(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'plimsoll-test-embedded-'));
    await chmod(dataFolder, 0o755);
  });
  afterEach(() => rm(dataFolder, { recursive: true, force: true }));

  const answer = async (url: string, sql: string): Promise<unknown[]> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql);
    await client.end();
    return rows;
  };

  it('keeps what was written, is shared while it runs, and says what it does', async () => {
    const said: string[] = [];
    const first = await startEmbeddedPostgres({ dataFolder, say: (text) => said.push(text) });
    await answer(first.url, 'CREATE TABLE kept AS SELECT 42 AS value');
    const second = await startEmbeddedPostgres({ dataFolder, say: (text) => said.push(text) });
    expect(second.url).toBe(first.url);
    await second.stop();
    expect(await answer(first.url, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
    await first.stop();
    const third = await startEmbeddedPostgres({ dataFolder });
    expect(await answer(third.url, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
    await third.stop();
    expect(said).toEqual(['making a Postgres data folder (about a second)']);
  }, 60_000);

  it('takes over the server that a killed run left behind', async () => {
    const left = await startEmbeddedPostgres({ dataFolder });
    await writeFile(join(dataFolder, 'postgres', 'owner.pid'), '999999999');
    const taken = await startEmbeddedPostgres({ dataFolder });
    expect(taken.port).toBe(left.port);
    await taken.stop();
    await expect(answer(taken.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
  }, 60_000);

  it('names the port that is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => blocker.once('listening', done));
    const { port } = blocker.address() as AddressInfo;
    const starting = startEmbeddedPostgres({ dataFolder, port });
    await expect(starting).rejects.toThrow(PostgresProblem);
    await expect(starting).rejects.toThrow(
      new RegExp(`Port ${port} for Postgres is taken.*Address already in use`, 's'),
    );
    blocker.close();
  }, 60_000);

  it('names the folder that cannot be written to', async () => {
    const file = join(dataFolder, 'a-file');
    await writeFile(file, '');
    await expect(startEmbeddedPostgres({ dataFolder: join(file, 'data') })).rejects.toThrow(
      /The data folder .*a-file\/data cannot be written to .*Set PLIMSOLL_DATA_DIR/,
    );
  });

  it('quotes the server where it does not come up', async () => {
    const data = join(dataFolder, 'postgres', 'data');
    await mkdir(data, { recursive: true });
    await writeFile(join(data, 'PG_VERSION'), '9.6\n');
    await chmod(join(dataFolder, 'postgres'), 0o755);
    await expect(startEmbeddedPostgres({ dataFolder })).rejects.toThrow(
      /Postgres did not come up on .*Postgres said:\n.*(postgres|FATAL|pg_ctl)/s,
    );
  }, 60_000);
});
