import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GuardedProcesses } from './guarded-processes.js';
import { waitFor } from './wait-for.js';

const guard = fileURLToPath(new URL('./guard.mjs', import.meta.url));

/** Forks the guard as a test does, and has it run a shell that tells its process id and sleeps. */
const testProcess = `
  const [guard, folder] = process.argv.slice(1);
  const child = require('node:child_process').fork(guard, [folder], { detached: true, execArgv: [] });
  child.send({ name: 'sleeper', program: '/bin/sh', args: ['-c', 'echo $$; exec sleep 300'], log: folder + '/sleeper.log' });
  setInterval(() => {}, 1000);
`;

let parent: ChildProcess | undefined;
afterEach(() => void parent?.kill('SIGKILL'));

describe('the guard of the control plane', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'ends its processes and deletes their folder on %s of the test',
    async (signal) => {
      const folder = await temporaryFolder();
      parent = spawn(process.execPath, ['-e', testProcess, guard, folder], { stdio: 'ignore' });
      const sleeper = await pidIn(folder);
      expect(isRunning(sleeper)).toBe(true);
      parent.kill(signal);
      await waitFor(() => !isRunning(sleeper), { timeoutMs: 5_000, what: 'the process has ended' });
      await waitFor(() => !existsSync(folder), { timeoutMs: 5_000, what: 'the folder is gone' });
    },
  );

  it('ends them when stopped, twice as well as once', async () => {
    const folder = await temporaryFolder();
    const processes = new GuardedProcesses({ logDirectory: folder, temporary: [folder] });
    processes.start('sleeper', '/bin/sh', ['-c', 'echo $$; exec sleep 300']);
    const sleeper = await pidIn(folder);
    await Promise.all([processes.stop(), processes.stop()]);
    expect({ running: isRunning(sleeper), folder: existsSync(folder) }).toEqual({ running: false, folder: false });
    await processes.stop();
  });

  it('tells of a program that cannot be started', async () => {
    const folder = await temporaryFolder();
    const processes = new GuardedProcesses({ logDirectory: folder, temporary: [folder] });
    processes.start('etcd', '/no/such/program', []);
    expect((await processes.failed).message).toContain('etcd ended by itself (spawn /no/such/program ENOENT)');
    await processes.stop();
  });
});

function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'plimsoll-guard-'));
}

function pidIn(folder: string): Promise<number> {
  const read = async () => Number(await readFile(join(folder, 'sleeper.log'), 'utf8'));
  return waitFor(read, { timeoutMs: 5_000, what: 'the process has told its id' });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
