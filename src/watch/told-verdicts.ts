import type { Verdict } from '../fit/assessment.js';

/** What to do about a verdict that was found. */
export type Telling = { what: 'nothing' } | { what: 'later'; inMs: number } | { what: 'now'; before: string | null };

interface Told {
  verdict: string;
  atMs: number;
}

/**
 * Which verdict each workload was last told, so that a verdict that flickers is told at most once in a while, and only
 * if it is still another one then.
 */
export class ToldVerdicts {
  readonly #told = new Map<string, Told>();

  constructor(private readonly quietMs: number) {}

  /** `carried`: the verdict that the object carries already, from admission or from before a restart. */
  decide(uid: string, verdict: Verdict, carried: string | null, nowMs: number): Telling {
    const told = this.#told.get(uid);
    const before = told?.verdict ?? carried;
    if (before === verdict) return { what: 'nothing' };
    const leftMs = told === undefined ? 0 : this.quietLeftMs(told, nowMs);
    return leftMs > 0 ? { what: 'later', inMs: leftMs } : { what: 'now', before };
  }

  private quietLeftMs(told: Told, nowMs: number): number {
    // A clock that was set back: nobody waits for it to come round again.
    if (told.atMs > nowMs) told.atMs = nowMs;
    return told.atMs + this.quietMs - nowMs;
  }

  told(uid: string, verdict: Verdict, nowMs: number): void {
    this.#told.set(uid, { verdict, atMs: nowMs });
  }

  forget(uid: string): void {
    this.#told.delete(uid);
  }
}
