import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/client.js';
import { migrate } from './migrations.js';
import { StoreUnavailable } from './store-unavailable.js';

export type DatabaseState = 'connecting' | 'up' | 'down';

export interface DatabaseLog {
  log(message: string): void;
  warn(message: string): void;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
const PING_MS = 2_000;
/** The server gives a statement up after this long. */
const STATEMENT_MS = 60_000;
/** And here no answer is waited for any longer: a server behind a broken network path says nothing at all. */
const ANSWER_MS = 65_000;
/** How long a refusal is told of after the last one. */
const REFUSAL_MS = 60_000;

/**
 * What Postgres refuses for want of something that comes back, by SQLSTATE (Appendix A of its manual): class 53 is a full
 * disk, too little memory or too many connections, class 57 an operator who stops it, 25006 a standby that does not write.
 */
const PASSING = /^(53...|57...|25006)$/;

/**
 * The connection to Postgres. It is sought in the background and sought again when it is lost, so that the service
 * starts and answers without it; what needs it goes through `run` and fails with StoreUnavailable at once meanwhile.
 */
export class Database {
  readonly pool: pg.Pool;
  #client: PrismaClient | null = null;
  #state: DatabaseState = 'connecting';
  #problem = 'not connected yet';
  #migrated = false;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;
  #refusal: { problem: string; atMs: number } | null = null;
  readonly #onUp = new Set<() => void>();

  constructor(
    private readonly url: string,
    private readonly log: DatabaseLog,
    answerMs = ANSWER_MS,
  ) {
    this.pool = new pg.Pool({
      connectionString: url,
      max: 8,
      connectionTimeoutMillis: 5_000,
      statement_timeout: STATEMENT_MS,
      query_timeout: answerMs,
      keepAlive: true,
      // The driver adapter reads times as if the session were in UTC.
      options: '-c TimeZone=UTC',
    });
    this.pool.on('error', (error) => this.lost(error));
  }

  /**
   * For questions that people put together from parts. Its query compiler takes some 20 MiB from the first question on,
   * so what every replica asks goes to the pool in SQL.
   */
  get client(): PrismaClient {
    this.#client ??= new PrismaClient({ adapter: new PrismaPg(this.pool) });
    return this.#client;
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** Why it is not up, or what it refused a moment ago; null where it does what it is asked. */
  get problem(): string | null {
    if (this.#state !== 'up') return this.#problem;
    const isRecent = this.#refusal !== null && performance.now() - this.#refusal.atMs < REFUSAL_MS;
    return isRecent ? this.#refusal!.problem : null;
  }

  /** Tries to connect and to bring the schema up to date; resolves with whether that worked. Goes on trying if not. */
  async connect(): Promise<boolean> {
    if (this.#closed || this.#state === 'up') return !this.#closed;
    try {
      await this.pool.query('SELECT 1');
      await this.migrateOnce();
    } catch (error) {
      this.failed(error as Error);
      this.retryAfter(FIRST_RETRY_MS);
      return false;
    }
    this.found();
    return true;
  }

  /** Calls `listener` each time the connection is there (again); returns how to stop that. */
  onUp(listener: () => void): () => void {
    this.#onUp.add(listener);
    return () => this.#onUp.delete(listener);
  }

  /**
   * Does something in the database. Throws StoreUnavailable where it cannot be reached or has no room, else what `work`
   * throws.
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state !== 'up') throw new StoreUnavailable(this.#problem);
    try {
      return await work();
    } catch (error) {
      if (await this.answers()) throw this.refused(error as Error);
      this.lost(error as Error);
      throw new StoreUnavailable(this.#problem);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#client?.$disconnect();
    if (!this.pool.ended) await this.pool.end();
  }

  private async migrateOnce(): Promise<void> {
    if (this.#migrated) return;
    const applied = await migrate(this.url);
    if (applied.length > 0) this.log.log(`applied migrations: ${applied.join(', ')}`);
    this.#migrated = true;
  }

  private async answers(): Promise<boolean> {
    const late = new Promise<false>((done) => setTimeout(done, PING_MS, false).unref());
    const ping = this.pool.query('SELECT 1').then(
      () => true,
      () => false,
    );
    return Promise.race([ping, late]);
  }

  private found(): void {
    if (this.#state === 'down') this.log.log('the database is back');
    this.#state = 'up';
    for (const listener of this.#onUp) listener();
  }

  /** The same error; where it passes by itself, that it cannot be done now. */
  private refused(error: Error & { code?: unknown }): Error {
    if (typeof error.code !== 'string' || !PASSING.test(error.code)) return error;
    const problem = problemOf(error);
    if (this.problem !== problem) this.log.warn(`the database refuses: ${problem}`);
    this.#refusal = { problem, atMs: performance.now() };
    return new StoreUnavailable(problem);
  }

  private lost(error: Error): void {
    if (this.#closed || this.#state !== 'up') return;
    this.failed(error);
    this.retryAfter(FIRST_RETRY_MS);
  }

  private failed(error: Error): void {
    const problem = problemOf(error);
    if (problem !== this.#problem) this.log.warn(`the database is not available: ${problem}`);
    this.#problem = problem;
    this.#state = 'down';
  }

  private retryAfter(delayMs: number): void {
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.tryAgain(delayMs), delayMs).unref();
  }

  private async tryAgain(delayMs: number): Promise<void> {
    try {
      await this.pool.query('SELECT 1');
      await this.migrateOnce();
    } catch (error) {
      this.failed(error as Error);
      this.retryAfter(Math.min(delayMs * 2, LONGEST_RETRY_MS));
      return;
    }
    if (!this.#closed) this.found();
  }
}

/** What is wrong, without the password: drivers name host and port only. Several addresses make an AggregateError. */
function problemOf(error: Error): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((each) => (each as Error).message).join('; ');
  }
  return error.message.split('\n', 1)[0] ?? error.name;
}
