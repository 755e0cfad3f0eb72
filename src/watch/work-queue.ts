import { setTimeout as pause } from 'node:timers/promises';

export interface WorkQueueOptions {
  /** Works on one key. A rejection has it tried again later. */
  handle: (key: string) => Promise<void>;
  /** Most keys handled per second. */
  perSecond: number;
  /** Pauses before the second, third, ... try; after the last of them the key is given up. */
  retryMs: readonly number[];
  /** Told of every rejection; `retryMs` null: it was the last try. */
  failed: (key: string, error: unknown, retryMs: number | null) => void;
}

/** Keys to work on, each at most once in the queue, one at a time, not faster than allowed. */
export class WorkQueue {
  readonly #waiting = new Set<string>();
  readonly #delayed = new Map<string, NodeJS.Timeout>();
  readonly #tries = new Map<string, number>();
  #working: Promise<void> | null = null;
  #stopped = false;

  constructor(private readonly options: WorkQueueOptions) {}

  /** Adds a key; one that waits already is not added again. With a delay, it counts from the first such call on. */
  add(key: string, delayMs = 0): void {
    if (this.#stopped) return;
    if (delayMs > 0) {
      this.#addLater(key, delayMs);
      return;
    }
    this.#waiting.add(key);
    this.#begin();
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Nothing more is begun; what is under way is waited for. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    for (const timer of this.#delayed.values()) clearTimeout(timer);
    this.#delayed.clear();
    await this.#working;
  }

  #addLater(key: string, delayMs: number): void {
    if (this.#delayed.has(key)) return;
    const timer = setTimeout(() => {
      this.#delayed.delete(key);
      this.add(key);
    }, delayMs);
    timer.unref();
    this.#delayed.set(key, timer);
  }

  #begin(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      if (this.#waiting.size > 0) this.#begin();
    });
  }

  async #work(): Promise<void> {
    await Promise.resolve(); // what is added in one go is sorted out before the first is begun
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      const startMs = performance.now(); // a clock that never jumps: the next one would wait for the difference
      await this.#handle(key);
      const left = 1000 / this.options.perSecond - (performance.now() - startMs);
      if (left > 0) await pause(left);
    }
  }

  async #handle(key: string): Promise<void> {
    try {
      await this.options.handle(key);
      this.#tries.delete(key);
    } catch (error) {
      const tries = this.#tries.get(key) ?? 0;
      const retryMs = this.options.retryMs[tries] ?? null;
      if (retryMs === null) this.#tries.delete(key);
      else {
        this.#tries.set(key, tries + 1);
        this.add(key, retryMs);
      }
      this.options.failed(key, error, retryMs);
    }
  }
}
