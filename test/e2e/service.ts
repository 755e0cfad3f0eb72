import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../cluster/wait-for.js';

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Plimsoll as a process of its own, as it runs in production. */
export interface Service {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** What it has printed so far. */
  output(): string;
  /** GET of a path; the status and the JSON body. */
  get<T = unknown>(path: string): Promise<{ status: number; body: T }>;
  /** Ends it as a kubelet does; gives the exit status. */
  stop(): Promise<number | null>;
  /** Ends it as a power cut does. */
  kill(): Promise<void>;
}

/** Starts dist/main.js with these settings on free ports and waits until it is ready. */
export async function startService(settings: Record<string, string>): Promise<Service> {
  if (!existsSync(PROGRAM)) throw new Error('dist/main.js is missing: build it with npm run build');
  const dataFolder = await mkdtemp(join(tmpdir(), 'plimsoll-service-'));
  const [port, webhookPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: String(port),
      WEBHOOK_PORT: String(webhookPort),
      PLIMSOLL_WEBHOOK_URL: `https://127.0.0.1:${webhookPort}`,
      PLIMSOLL_DATA_DIR: dataFolder,
      ...settings,
    },
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => printed.push(String(chunk)));
  const ended = endOf(child).finally(() => rm(dataFolder, { recursive: true, force: true }));
  const service: Service = {
    url,
    output: () => printed.join(''),
    get: <T>(path: string) => get<T>(url + path),
    stop: () => end(child, ended, 'SIGTERM'),
    kill: async () => void (await end(child, ended, 'SIGKILL')),
  };
  await ready(service, child);
  return service;
}

async function ready(service: Service, child: ChildProcess): Promise<void> {
  try {
    await waitFor(async () => child.exitCode !== null || (await service.get('/readyz')).status === 200, {
      timeoutMs: 60_000,
      what: 'Plimsoll is ready',
    });
    if (child.exitCode !== null) throw new Error('it ended by itself');
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`Plimsoll did not start:\n${service.output()}`, { cause: error });
  }
}

async function get<T>(url: string): Promise<{ status: number; body: T }> {
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as T };
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on('exit', resolve));
}

function end(child: ChildProcess, ended: Promise<number | null>, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null) child.kill(signal);
  return ended;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
