import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

/** How long to wait, and the words for what is waited for: "the Job has a pod". */
export interface Wait {
  timeoutMs: number;
  what: string;
  intervalMs?: number;
  /** Gives up early when aborted. */
  signal?: AbortSignal;
}

type Falsy = false | 0 | '' | null | undefined;

/**
 * Asks `predicate` again and again until it answers with something truthy, and returns that. An error that it throws
 * counts as "not yet". Throws after `timeoutMs`, with what was waited for and the last error, and when aborted.
 */
export async function waitFor<T>(predicate: () => T | Promise<T>, wait: Wait): Promise<Exclude<T, Falsy>> {
  const end = Date.now() + wait.timeoutMs;
  let lastError: unknown;
  while (Date.now() < end) {
    try {
      const answer = await predicate();
      if (answer) return answer as Exclude<T, Falsy>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await sleep(wait.intervalMs ?? 100, undefined, { signal: wait.signal });
  }
  throw new Error(`waited ${wait.timeoutMs / 1000} s in vain until ${wait.what}${because(lastError)}`, {
    cause: lastError,
  });
}

function because(error: unknown): string {
  if (error === undefined) return '';
  return `; the last try failed: ${error instanceof Error ? error.message : inspect(error)}`;
}
