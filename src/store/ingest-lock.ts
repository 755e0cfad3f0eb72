import type pg from 'pg';
import type { Database } from './database.js';

/** Any number that nothing else uses as an advisory lock in this database: "plim" in ASCII. */
const LOCK_KEY = 0x706c696d;

/**
 * Chooses the one replica that ingests: an advisory lock of the session, which Postgres gives up by itself when the
 * holder or its connection dies.
 */
export class IngestLock {
  #holder: pg.PoolClient | null = null;

  constructor(private readonly database: Database) {}

  /** Whether this process may ingest now; takes the lock where it is free. Throws StoreUnavailable. */
  async hold(): Promise<boolean> {
    if (this.#holder !== null) return true;
    return this.database.run(async () => {
      const client = await this.database.pool.connect();
      const isHeld = await takeLock(client);
      if (isHeld) this.keep(client);
      else client.release();
      return isHeld;
    });
  }

  async release(): Promise<void> {
    const client = this.#holder;
    this.#holder = null;
    if (client === null) return;
    await client.query('SELECT pg_advisory_unlock($1)', [LOCK_KEY]).catch(() => undefined);
    client.release();
  }

  private keep(client: pg.PoolClient): void {
    this.#holder = client;
    const lost = (error?: Error): void => {
      if (this.#holder !== client) return;
      this.#holder = null;
      client.release(error ?? true);
    };
    client.once('error', lost);
    client.once('end', () => lost());
  }
}

async function takeLock(client: pg.PoolClient): Promise<boolean> {
  try {
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [LOCK_KEY]);
    return rows[0]?.held ?? false;
  } catch (error) {
    client.release(true);
    throw error;
  }
}
