import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

interface Ended {
  status: number | null;
  stderr: string;
}

let folder: string;
let occupied: Server | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-start-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => void occupied?.close());

/** Runs the service until it ends by itself. A database that is not there keeps it from nothing. */
function run(settings: Record<string, string>): Promise<Ended> {
  expect(existsSync(PROGRAM)).toBe(true);
  const env = {
    PATH: process.env['PATH'],
    PORT: '0',
    WEBHOOK_PORT: '0',
    PLIMSOLL_DATA_DIR: folder,
    DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none',
    PLIMSOLL_LOG_LEVEL: 'fatal',
    ...settings,
  };
  const child = spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  return new Promise((resolve) => child.on('exit', (status) => resolve({ status, stderr })));
}

async function takenPort(): Promise<number> {
  occupied = createServer();
  await new Promise<void>((listening) => occupied!.listen(0, '127.0.0.1', listening));
  return (occupied.address() as AddressInfo).port;
}

describe('the service does not start', () => {
  it('where the port of the REST API is taken, and says so', async () => {
    const port = await takenPort();
    const { status, stderr } = await run({ PORT: String(port) });
    expect(status).toBe(1);
    expect(stderr).toBe(
      `plimsoll: the REST API cannot start: port ${port} is taken by another program. Stop that one, or set PORT to a free port (0 takes any).\n`,
    );
  }, 60_000);

  it('where the port of the webhook is taken, and says so', async () => {
    const port = await takenPort();
    const { status, stderr } = await run({ WEBHOOK_PORT: String(port) });
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(`port ${port} is taken`) });
    expect(stderr).toContain('set WEBHOOK_PORT to a free port');
  }, 60_000);

  it('where settings are not usable, and names them all', async () => {
    const { status, stderr } = await run({ PORT: 'http', PLIMSOLL_HOST: '0.0.0.0', PLIMSOLL_WORKERS: '0' });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^plimsoll: PORT: "http" is not usable\..*\nplimsoll: PLIMSOLL_WORKERS: "0" is not usable\./,
    );
  }, 60_000);

  it('where the kubeconfig cannot be read, or lacks the context', async () => {
    const missing = await run({ PLIMSOLL_KUBECONFIG: join(folder, 'none') });
    expect(missing).toEqual({ status: 1, stderr: expect.stringContaining('none cannot be read as a kubeconfig') });
    const file = join(folder, 'kubeconfig');
    await writeFile(file, 'apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n');
    const { stderr } = await run({ PLIMSOLL_KUBECONFIG: file, PLIMSOLL_CONTEXT: 'prod' });
    expect(stderr).toContain('has no context "prod"; it has none.');
  }, 60_000);

  it('where the data folder cannot be written to', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    const { status, stderr } = await run({ PLIMSOLL_DATA_DIR: file });
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('set PLIMSOLL_DATA_DIR') });
    const embedded = await run({ PLIMSOLL_DATA_DIR: file, DATABASE_URL: '' });
    expect(embedded).toEqual({ status: 1, stderr: expect.stringMatching(/^plimsoll: [^\n]*a-file/) });
  }, 60_000);
});
