import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../../../src/store/embedded-postgres.js';
import { migrate } from '../../../src/store/migrations.js';

const root = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
/** Ticks of the clock that /proc counts in. */
const TICKS_PER_SECOND = 100;

/** Pepr waits up to 3 s before it reads its store, and answers no review before that. */
const PEPR_STORE_MS = 8_000;

/** A server in a process of its own. */
export interface Server {
  pid: number;
  port: number;
  ca: string;
  folder: string;
  /** CPU time so far, in milliseconds, of all its threads. */
  cpuMs(): number;
  residentMib(): number;
  /** What Prometheus would scrape; empty where it has no metrics. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

/** How the image starts the service: node with its options and the program. */
function production(): readonly string[] {
  const command = /^CMD (\[.*\])$/m.exec(readFileSync(root('Dockerfile'), 'utf8'))?.[1];
  const [, ...args] = JSON.parse(command ?? '[]') as string[];
  return args;
}

/**
 * Plimsoll as it runs in production: its own process and worker threads, a Postgres that was migrated before by somebody
 * else, and an inventory. `nodeOptions` come on top of the image's.
 */
export async function startWebhook(
  settings: Record<string, string> = {},
  nodeOptions: readonly string[] = [],
): Promise<Server> {
  if (!existsSync(root('dist/main.js'))) throw new Error('dist/main.js is missing: npm run build');
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-bench-'));
  const postgres = await startEmbeddedPostgres({ dataFolder: folder });
  await migrate(postgres.url);
  const [port, webhookPort] = [20_000 + (process.pid % 20_000), 40_000 + (process.pid % 20_000)];
  const env = {
    ...process.env,
    PORT: String(port),
    WEBHOOK_PORT: String(webhookPort),
    DATABASE_URL: postgres.url,
    PLIMSOLL_DATA_DIR: folder,
    PLIMSOLL_EXAMPLE_CLUSTER: root('examples/cluster'),
    PLIMSOLL_LOG_LEVEL: 'warn',
    ...settings,
  };
  const child = spawn(process.execPath, [...nodeOptions, ...production()], {
    cwd: root(''),
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const base = `http://127.0.0.1:${port}`;
  await ready(child, `${base}/readyz`);
  return {
    ...serverOf(child, join(folder, 'tls'), webhookPort),
    metrics: async () => (await fetch(`${base}/metrics`)).text(),
    stop: async () => {
      await ended(child);
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A bare HTTPS server with the same certificate, whose answers are as long. */
export async function startEcho({ folder }: Server, size: number): Promise<Server> {
  const program = fileURLToPath(new URL('./echo-server.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, folder, String(size)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const [text] = (await once(child.stdout!, 'data')) as [Buffer];
  return { ...serverOf(child, folder, Number(text)), metrics: () => Promise.resolve(''), stop: () => ended(child) };
}

/**
 * Pepr with one capability that puts fixed annotations on every Job, with the same certificate. `installed` is a folder in
 * which `npm install pepr` was run: no part of this package.
 */
export async function startPepr({ folder, ca }: Server, installed: string): Promise<Server & { path: string }> {
  const program = fileURLToPath(new URL('./pepr-server.mjs', import.meta.url));
  const port = 10_000 + (process.pid % 10_000);
  const tls = { SSL_CERT_PATH: join(folder, 'server.crt'), SSL_KEY_PATH: join(folder, 'server.key') };
  const child = spawn(process.execPath, [program, installed, String(port)], {
    env: { ...process.env, ...tls, NODE_ENV: 'production', PEPR_API_PATH: 'bench', LOG_LEVEL: 'error' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await listening(child, { port, ca });
  await pause(PEPR_STORE_MS);
  return {
    ...serverOf(child, folder, port),
    path: '/mutate/bench',
    metrics: () => Promise.resolve(''),
    stop: () => killed(child),
  };
}

async function listening(child: ChildProcess, { port, ca }: { port: number; ca: string }): Promise<void> {
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' });
    const isUp = await once(socket, 'secureConnect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isUp) return;
    await pause(100);
  }
  throw new Error('the server did not start');
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function serverOf(child: ChildProcess, folder: string, port: number): Omit<Server, 'metrics' | 'stop'> {
  const { pid } = child;
  const proc = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');
  return {
    pid: pid ?? 0,
    port,
    folder,
    ca: readFileSync(join(folder, 'ca.crt'), 'utf8'),
    cpuMs: () => {
      const fields = proc('stat').split(') ')[1]!.split(' ');
      return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000;
    },
    residentMib: () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(proc('status'))![1]) / 1024,
  };
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await pause(100);
  }
  throw new Error('Plimsoll did not start');
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
