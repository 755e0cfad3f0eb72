import type { Assessment } from '../fit/assessment.js';
import type { AssessmentRepository } from './assessment-repository.js';
import type { Database } from './database.js';
import { StoreUnavailable } from './store-unavailable.js';

export interface AssessmentWriterLimits {
  /** Assessments that wait at most; beyond, the oldest are let go and counted. */
  mostWaiting: number;
  /** How long one waits for others to be written with it. */
  delayMs: number;
  /** When it is tried again after the database refused, as one that is full does. */
  retryMs: number;
}

export interface AssessmentWriterCounts {
  written: number;
  dropped: number;
  failed: number;
}

const DEFAULT_LIMITS: AssessmentWriterLimits = { mostWaiting: 2_000, delayMs: 200, retryMs: 5_000 };
/** Each is tens of kilobytes of JSON: a batch is one text, and a long one lies in memory until the next full collection. */
const AT_A_TIME = 16;

/**
 * Writes assessments behind the answers: taking one never waits and never fails. While the database is away they wait
 * in memory, up to a bound; what is let go then is counted.
 */
export class AssessmentWriter {
  readonly counts: AssessmentWriterCounts = { written: 0, dropped: 0, failed: 0 };
  readonly #waiting = new Map<string, Assessment>();
  readonly #limits: AssessmentWriterLimits;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly repository: AssessmentRepository,
    database: Pick<Database, 'onUp'>,
    limits: Partial<AssessmentWriterLimits> = {},
  ) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    database.onUp(() => this.schedule());
  }

  /** How many wait to be written. */
  get waiting(): number {
    return this.#waiting.size;
  }

  take(assessment: Assessment): void {
    this.#waiting.delete(assessment.id);
    this.#waiting.set(assessment.id, assessment);
    this.letGo();
    this.schedule();
  }

  /** One that still waits, so that an answer can be read back before it is written. */
  find(id: string): Assessment | undefined {
    return this.#waiting.get(id);
  }

  /** Writes what waits; resolves when that is done or the database is found to be away. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.write());
    return this.#writing;
  }

  private schedule(delayMs = this.#limits.delayMs): void {
    if (this.#waiting.size === 0) return;
    this.#timer ??= setTimeout(() => void this.flush(), delayMs).unref();
  }

  private letGo(): void {
    const excess = this.#waiting.size - this.#limits.mostWaiting;
    for (const id of [...this.#waiting.keys()].slice(0, Math.max(0, excess))) {
      this.#waiting.delete(id);
      this.counts.dropped += 1;
    }
  }

  private async write(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting.values()].slice(0, AT_A_TIME);
      const isWritten = await this.writeBatch(batch);
      if (!isWritten) {
        this.schedule(this.#limits.retryMs);
        return;
      }
      for (const assessment of batch) {
        if (this.#waiting.get(assessment.id) === assessment) this.#waiting.delete(assessment.id);
      }
    }
  }

  /** false: the database is away, keep them. What the database refuses is tried one by one, then let go and counted. */
  private async writeBatch(batch: readonly Assessment[]): Promise<boolean> {
    try {
      await this.repository.save(batch);
      this.counts.written += batch.length;
      return true;
    } catch (error) {
      if (error instanceof StoreUnavailable) return false;
      if (batch.length === 1) this.counts.failed += 1;
      return batch.length === 1 || this.writeSingly(batch);
    }
  }

  private async writeSingly(batch: readonly Assessment[]): Promise<boolean> {
    for (const assessment of batch) {
      if (!(await this.writeBatch([assessment]))) return false;
    }
    return true;
  }
}
