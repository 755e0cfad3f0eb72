import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { AssessmentRepository } from '../../src/store/assessment-repository.js';
import { AssessmentWriter } from '../../src/store/assessment-writer.js';
import { Database } from '../../src/store/database.js';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { serverAccount } from '../../src/store/server-account.js';
import { startTcpProxy } from '../builders/tcp-proxy.js';
import type { TcpProxy } from '../builders/tcp-proxy.js';
import { waitFor } from '../cluster/wait-for.js';
import { assessmentWith } from '../fixtures/assessments.js';
import { silent } from './postgres.js';

const ANSWER_MS = 2_000;

let dataFolder: string;
let server: EmbeddedPostgres;
let proxy: TcpProxy;
let database: Database;
let repository: AssessmentRepository;
let writer: AssessmentWriter;
/** A session of somebody else, past the proxy. */
let other: pg.Client;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'plimsoll-faults-'));
  server = await startEmbeddedPostgres({ dataFolder });
  proxy = await startTcpProxy(server.port);
  database = new Database(server.url.replace(`:${server.port}/`, `:${proxy.port}/`), silent, ANSWER_MS);
  await database.connect();
  repository = new AssessmentRepository(database);
}, 60_000);

afterAll(async () => {
  await database.close();
  await proxy.close();
  await server.stop();
  await rm(dataFolder, { recursive: true, force: true });
}, 30_000);

beforeEach(async () => {
  writer = new AssessmentWriter(repository, database, { delayMs: 10, retryMs: 200 });
  await connectOther();
  await other.query('TRUNCATE assessments');
});

afterEach(async () => {
  await other.end().catch(() => undefined);
});

async function connectOther(): Promise<void> {
  other = new pg.Client({ connectionString: server.url });
  other.on('error', () => undefined);
  await other.connect();
}

/** Ends the server as a power cut does: no session may finish what it does. */
async function breakDown(session: pg.Client): Promise<void> {
  const { rows } = await session.query<{ data_directory: string }>('SHOW data_directory');
  const pidFile = join(rows[0]!.data_directory, 'postmaster.pid');
  const [pid] = (await readFile(pidFile, 'utf8')).split('\n');
  process.kill(Number(pid), 'SIGQUIT');
  await waitFor(async () => (await readFile(pidFile, 'utf8').catch(() => '')) === '', {
    timeoutMs: 20_000,
    what: 'the server is gone',
  });
}

const stored = async (): Promise<string[]> => {
  const { rows } = await other.query<{ id: string }>('SELECT id FROM assessments ORDER BY id');
  return rows.map(({ id }) => id);
};

const take = (...ids: readonly string[]): void => {
  for (const id of ids) writer.take(assessmentWith('fits', { id }));
};

const allWritten = (): Promise<boolean> =>
  waitFor(() => Promise.resolve(writer.waiting === 0), { timeoutMs: 60_000, what: 'everything is written' });

describe('assessments that are to be written, where Postgres', () => {
  it('is slow, keep nobody waiting and are all written', async () => {
    proxy.delayMs = 300;
    const startMs = performance.now();
    take('a', 'b', 'c');
    expect(performance.now() - startMs).toBeLessThan(100);
    expect(writer.find('c')?.id).toBe('c');
    await allWritten();
    proxy.delayMs = 0;
    expect(await stored()).toEqual(['a', 'b', 'c']);
    expect(writer.counts).toEqual({ written: 3, dropped: 0, failed: 0 });
  }, 90_000);

  it('says nothing any more, are kept until it does again', async () => {
    proxy.silent = true;
    take('a');
    await waitFor(() => Promise.resolve(database.state === 'down'), { timeoutMs: 30_000, what: 'it is given up' });
    expect(writer.waiting).toBe(1);
    take('b');
    proxy.silent = false;
    proxy.cut();
    await allWritten();
    expect(await stored()).toEqual(['a', 'b']);
    expect(writer.counts).toMatchObject({ dropped: 0, failed: 0 });
  }, 90_000);

  it('is restarted in the middle of the write, are written once it is back, each once', async () => {
    await other.query('BEGIN');
    await other.query('LOCK TABLE assessments IN ACCESS EXCLUSIVE MODE');
    take('a', 'b');
    const waitsForLock =
      "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO assess%'";
    const watcher = new pg.Client({ connectionString: server.url });
    watcher.on('error', () => undefined);
    await watcher.connect();
    await waitFor(async () => (await watcher.query(waitsForLock)).rowCount === 1, {
      timeoutMs: 20_000,
      what: 'the write is under way',
    });
    const { port } = server;
    await breakDown(watcher);
    expect(writer.waiting).toBe(2);
    server = await startEmbeddedPostgres({ dataFolder, port });
    await allWritten();
    await connectOther();
    expect(await stored()).toEqual(['a', 'b']);
    expect(writer.counts).toEqual({ written: 2, dropped: 0, failed: 0 });
  }, 120_000);

  it('takes no writes for a while, as a standby, wait and say why', async () => {
    await other.query('ALTER DATABASE plimsoll SET default_transaction_read_only = on');
    proxy.cut();
    await waitFor(async () => (await database.connect()) && database.state === 'up', { timeoutMs: 20_000, what: 'up' });
    take('a');
    await waitFor(() => Promise.resolve(database.problem?.includes('read-only') ?? false), {
      timeoutMs: 20_000,
      what: 'the refusal is told',
    });
    expect(writer.counts).toEqual({ written: 0, dropped: 0, failed: 0 });
    await other.query('SET default_transaction_read_only = off');
    await other.query('ALTER DATABASE plimsoll RESET default_transaction_read_only');
    proxy.cut();
    await allWritten();
    expect(await stored()).toEqual(['a']);
  }, 120_000);
});

const mountSmall = (folder: string): void =>
  void execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' });
const unmount = (folder: string): void => void execFileSync('umount', ['-l', folder]);

/** Mounting takes rights that not every machine gives: then there is no disk to fill. */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-mount-'));
  try {
    mountSmall(folder);
    unmount(folder);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

(mayMount() ? describe : describe.skip)(
  'assessments that are to be written, where the disk of Postgres is full',
  () => {
    it('wait, say why, and are written once there is room', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'plimsoll-full-'));
      await chmod(folder, 0o755);
      mountSmall(folder);
      try {
        const place = join(folder, 'space');
        await mkdir(place);
        const account = await serverAccount();
        if (account !== null) execFileSync('chown', [`${account.uid}:${account.gid}`, place]);
        await other.query(`CREATE TABLESPACE small LOCATION '${place}'`);
        await other.query('ALTER TABLE assessments SET TABLESPACE small');
        execFileSync('sh', ['-c', `head -c 16m /dev/zero > ${join(folder, 'filling')} || true`], { stdio: 'ignore' });
        const ids = Array.from({ length: 40 }, (_, index) => `id-${String(index).padStart(2, '0')}`);
        take(...ids);
        await waitFor(() => Promise.resolve(database.problem?.includes('No space left') ?? false), {
          timeoutMs: 30_000,
          what: 'the refusal is told',
        });
        expect(database.state).toBe('up');
        expect(writer.counts).toMatchObject({ dropped: 0, failed: 0 });
        await pause(500);
        await rm(join(folder, 'filling'));
        await allWritten();
        expect(await stored()).toEqual(ids);
      } finally {
        await other.query('ALTER TABLE assessments SET TABLESPACE pg_default').catch(() => undefined);
        await other.query('DROP TABLESPACE small').catch(() => undefined);
        unmount(folder);
        await rm(folder, { recursive: true, force: true });
      }
    }, 120_000);
  },
);
