import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chown, constants, cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { postgresBinaries } from './postgres-binaries.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { PostgresProblem } from './postgres-problem.js';
import { barrierFor, serverAccount } from './server-account.js';
import type { ServerAccount } from './server-account.js';

export interface EmbeddedPostgresOptions {
  /** Kept between runs; the server's files are in `postgres` below it. */
  dataFolder: string;
  /** Default: any free one. */
  port?: number;
  /** Told what takes long. */
  say?: (text: string) => void;
}

/** A Postgres that is up, on loopback, with an empty or kept database. */
export interface EmbeddedPostgres {
  url: string;
  port: number;
  /** Stops the server, unless another process uses it still. */
  stop(): Promise<void>;
}

const USER = 'plimsoll';
const DATABASE = 'plimsoll';
const START_SECONDS = 60;
const TRIES = 3;

/** Where everything of one server is, and who runs it. */
interface Place {
  folder: string;
  data: string;
  log: string;
  passwordFile: string;
  ownerFile: string;
  account: ServerAccount | null;
  binaries: PostgresBinaries;
}

/**
 * Starts the embedded Postgres on a data folder, making it first where it is new; a server that a crashed run left
 * behind is taken over, one that a living run uses is shared. Throws PostgresProblem, with the remedy, where the folder
 * cannot be written to, a given port is taken, or the server does not come up.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const say = options.say ?? (() => undefined);
  const place = await placeFor(resolve(options.dataFolder), say);
  if ((await stat(join(place.data, 'PG_VERSION')).catch(() => null)) === null) {
    say('making a Postgres data folder (about a second)');
    await initialise(place);
  }
  const running = await runningPort(place);
  const port = running ?? (await startServer(place, options.port));
  const isShared = running !== null && (await hasLivingOwner(place));
  const stop = isShared ? () => Promise.resolve() : await own(place);
  const password = (await readFile(place.passwordFile, 'utf8')).trim();
  const url = `postgresql://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`;
  await createDatabase(url);
  return { url, port, stop };
}

async function placeFor(dataFolder: string, say: (text: string) => void): Promise<Place> {
  const account = await serverAccount();
  let binaries = await postgresBinaries();
  let folder = join(dataFolder, 'postgres');
  await makeWritable(dataFolder);
  if (account !== null && (await barrierFor(account, dataFolder)) !== null) {
    folder = await detour(account, dataFolder, say);
  }
  if (account !== null && (await barrierFor(account, binaries.folder)) !== null) {
    binaries = await copiedBinaries(binaries, account);
  }
  await makeOwn(folder, account);
  return {
    folder,
    data: join(folder, 'data'),
    log: join(folder, 'server.log'),
    passwordFile: join(folder, 'password'),
    ownerFile: join(folder, 'owner.pid'),
    account,
    binaries,
  };
}

async function makeWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new PostgresProblem(
      `The data folder ${folder} cannot be written to by ${userInfo().username} (${(error as Error).message}).`,
      'Set PLIMSOLL_DATA_DIR to a folder that can be, or DATABASE_URL to a Postgres of your own.',
    );
  }
}

async function makeOwn(folder: string, account: ServerAccount | null): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (account !== null) await chown(folder, account.uid, account.gid);
}

/** Run as root in a folder of root's own, Postgres (as another account) does not get there: it gets a folder that it can. */
async function detour(account: ServerAccount, dataFolder: string, say: (text: string) => void): Promise<string> {
  const folder = join(tmpdir(), `plimsoll-postgres-${Buffer.from(dataFolder).toString('base64url').slice(-40)}`);
  const barrier = await barrierFor(account, tmpdir());
  if (barrier !== null) {
    throw new PostgresProblem(
      `Postgres does not run as root, and as ${account.name} it cannot reach ${dataFolder}.`,
      'Set PLIMSOLL_DATA_DIR to a folder that every account can reach, or start Plimsoll as another user.',
    );
  }
  say(`${dataFolder} is closed to the account ${account.name} that Postgres runs as; using ${folder}`);
  return folder;
}

async function copiedBinaries(binaries: PostgresBinaries, account: ServerAccount): Promise<PostgresBinaries> {
  const folder = join(tmpdir(), `plimsoll-postgres-programs-${account.uid}`);
  await cp(binaries.folder, folder, { recursive: true, verbatimSymlinks: true, force: true });
  const moved = (program: string): string => program.replace(binaries.folder, folder);
  return { folder, initdb: moved(binaries.initdb), pgCtl: moved(binaries.pgCtl) };
}

/** Makes the data folder beside its place and moves it there, so that an interrupted start leaves nothing half-made. */
async function initialise(place: Place): Promise<void> {
  const fresh = `${place.data}.new`;
  await rm(fresh, { recursive: true, force: true });
  await writeFile(place.passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  if (place.account !== null) await chown(place.passwordFile, place.account.uid, place.account.gid);
  const result = await run(place, place.binaries.initdb, [
    `--pgdata=${fresh}`,
    '--auth=scram-sha-256',
    `--username=${USER}`,
    `--pwfile=${place.passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
  ]);
  if (result.status !== 0) {
    const remedy = 'See what it said below; or set DATABASE_URL to a Postgres of your own.';
    throw new PostgresProblem(`Postgres could not make its data folder ${place.data}.`, remedy, result.said);
  }
  await rename(fresh, place.data);
}

/** The port of the server that runs on this data folder already; null where none does. */
async function runningPort(place: Place): Promise<number | null> {
  const { status } = await run(place, place.binaries.pgCtl, ['status', `--pgdata=${place.data}`]);
  if (status !== 0) return null;
  // Line 4 of postmaster.pid: https://www.postgresql.org/docs/18/storage-file-layout.html
  const lines = (await readFile(join(place.data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return Number(lines[3]) || null;
}

async function hasLivingOwner(place: Place): Promise<boolean> {
  const pid = Number(await readFile(place.ownerFile, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function startServer(place: Place, given: number | undefined): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = given ?? (await freePort());
    const said = await tryStart(place, port);
    if (said === null) return port;
    const isTaken = /could not bind|Address already in use/i.test(said);
    if (isTaken && given === undefined && attempt < TRIES) continue;
    throw isTaken ? portTaken(port, said) : didNotStart(place, said);
  }
}

/** null where the server is up, else what it said. pg_ctl puts it in a session of its own: Ctrl-C does not reach it. */
async function tryStart(place: Place, port: number): Promise<string | null> {
  await rm(place.log, { force: true });
  const options = [`-p ${port}`, '-c listen_addresses=127.0.0.1', "-c unix_socket_directories=''"];
  const { status, said } = await run(place, place.binaries.pgCtl, [
    'start',
    `--pgdata=${place.data}`,
    `--log=${place.log}`,
    '--wait',
    `--timeout=${START_SECONDS}`,
    `--options=${options.join(' ')}`,
  ]);
  if (status === 0) return null;
  return (await readFile(place.log, 'utf8').catch(() => '')) || said;
}

const portTaken = (port: number, said: string): PostgresProblem =>
  new PostgresProblem(`Port ${port} for Postgres is taken.`, 'Stop what uses it, or leave the port open.', said);

function didNotStart(place: Place, said: string): PostgresProblem {
  const problem = `Postgres did not come up on ${place.data}.`;
  if (/incompatible with server/.test(said)) {
    const remedy = 'Another version made this folder: move it away to begin anew, or set DATABASE_URL.';
    return new PostgresProblem(problem, remedy, said);
  }
  return new PostgresProblem(problem, `Its log is ${place.log}; or set DATABASE_URL to a Postgres of your own.`, said);
}

/** Makes this process the server's owner; returns how to stop it, which happens at the latest when the process exits. */
async function own(place: Place): Promise<() => Promise<void>> {
  await writeFile(place.ownerFile, String(process.pid));
  const stopArgs = ['stop', `--pgdata=${place.data}`, '--mode=fast'];
  const lastChance = (): void => {
    spawnSync(place.binaries.pgCtl, [...stopArgs, '--no-wait'], { ...identityOf(place), cwd: place.folder });
  };
  process.once('exit', lastChance);
  return async () => {
    process.off('exit', lastChance);
    await rm(place.ownerFile, { force: true });
    await run(place, place.binaries.pgCtl, [...stopArgs, '--wait']);
  };
}

async function createDatabase(url: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const client = new pg.Client({ connectionString: maintenance.href });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(DATABASE)}`);
  } catch (error) {
    const duplicate = (error as { code?: string }).code === '42P04';
    if (!duplicate) throw error;
  } finally {
    await client.end();
  }
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const probe = createServer();
    probe.once('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => done(port));
    });
  });
}

const identityOf = ({ account }: Place): { uid?: number; gid?: number } =>
  account === null ? {} : { uid: account.uid, gid: account.gid };

interface ProgramResult {
  status: number | null;
  said: string;
}

/** Runs one of Postgres's programs as its account; never rejects. */
function run(place: Place, program: string, args: readonly string[]): Promise<ProgramResult> {
  return new Promise((done) => {
    const options = { ...identityOf(place), cwd: place.folder, env: { ...process.env, LC_ALL: 'C' } };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`;
      done({
        status: error === null ? 0 : (child.exitCode ?? null),
        said: said === '' ? (error?.message ?? '') : said,
      });
    });
  });
}
