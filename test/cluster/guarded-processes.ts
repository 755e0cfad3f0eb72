import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const keptLines = 15;
const guardScript = fileURLToPath(new URL('./guard.mjs', import.meta.url));

/** Which folder the logs go to, and which folders are deleted at the end. */
export interface GuardedFolders {
  logDirectory: string;
  temporary: readonly string[];
}

/**
 * Processes that all end when `stop` is called, when the guard is told to end, or when this process ends in any way,
 * SIGKILL included. Each writes to `<name>.log` in the log folder.
 */
export class GuardedProcesses {
  readonly #guard: ChildProcess;
  readonly #logDirectory: string;
  /** Resolves with the first process that ended by itself, told with the last lines of its log. */
  readonly failed: Promise<Error>;

  constructor({ logDirectory, temporary }: GuardedFolders) {
    this.#logDirectory = logDirectory;
    this.#guard = fork(guardScript, [...temporary], {
      detached: true, // out of reach of Ctrl-C, which must not end it before its children
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#guard.unref();
    this.#guard.channel?.unref();
    this.failed = new Promise((resolve) => {
      this.#guard.on('message', (message) => void this.#failureOf(message).then(resolve));
    });
  }

  /** Starts `program`; that it could not be started is told by `failed`. */
  start(name: string, program: string, args: string[]): void {
    this.#guard.send({ name, program, args, log: this.#logOf(name) });
  }

  /** The last lines that the process of this name has written. */
  async lastLines(name: string): Promise<string> {
    const text = await readFile(this.#logOf(name), 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-keptLines).join('\n');
  }

  /** Ends all processes and deletes the temporary folders. May be called more than once. */
  async stop(): Promise<void> {
    if (this.#guard.exitCode !== null || this.#guard.signalCode !== null) return;
    this.#guard.ref();
    const exit = once(this.#guard, 'exit');
    if (this.#guard.connected) this.#guard.disconnect();
    await exit;
  }

  async #failureOf(message: unknown): Promise<Error> {
    const { name, reason } = message as { name: string; reason: string };
    const lines = await this.lastLines(name);
    return new Error(`${name} ended by itself (${reason}); the last lines of its log:\n${lines}`);
  }

  #logOf(name: string): string {
    return join(this.#logDirectory, `${name}.log`);
  }
}
