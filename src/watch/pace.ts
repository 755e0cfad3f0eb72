import { setTimeout as pause } from 'node:timers/promises';

export interface PaceOptions {
  /** Steady rate of steps. */
  perSecond: number;
  /** Steps that may be taken at once after a rest. */
  burst: number;
  /** A clock that never jumps, in milliseconds. */
  nowMs?: () => number;
}

/** Lets steps through at a bounded rate, in the order in which they ask. */
export class Pace {
  #tokens: number;
  #atMs: number;
  #turn: Promise<void> = Promise.resolve();
  readonly #nowMs: () => number;

  constructor(private readonly options: PaceOptions) {
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#tokens = options.burst;
    this.#atMs = this.#nowMs();
  }

  /** Resolves when the next step may be taken. */
  step(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#take());
    return this.#turn;
  }

  async #take(): Promise<void> {
    const { perSecond, burst } = this.options;
    for (;;) {
      const nowMs = this.#nowMs();
      this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) / 1000) * perSecond);
      this.#atMs = nowMs;
      if (this.#tokens >= 1) break;
      await pause(Math.ceil(((1 - this.#tokens) / perSecond) * 1000));
    }
    this.#tokens -= 1;
  }
}
