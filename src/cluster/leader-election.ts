import type { LeaseRecord, LeaseStore } from './lease.js';

export interface LeaderElectionOptions {
  /** Unique among the replicas. */
  identity: string;
  /** How long a holder that is not heard of is waited for. */
  leaseSeconds: number;
  /** Time between two looks at the lease. */
  everyMs: number;
  /** Without a renewal for this long the holder steps down; less than the lease. */
  renewWithinMs: number;
  /** A clock that never jumps, in milliseconds: the one on the wall may be set at any time. */
  nowMs?: () => number;
  /** Told of what fails; it is tried again. */
  failed: (error: unknown) => void;
}

export const ELECTION_DEFAULTS = { leaseSeconds: 15, everyMs: 2_000, renewWithinMs: 10_000 } as const;

/**
 * Chooses the one replica that works, by a Lease: the rules of client-go's leader election. Whether a holder is still
 * there is told by whether its record changes, never by comparing clocks of two machines.
 */
export class LeaderElection {
  readonly #listeners = new Set<(isLeader: boolean) => void>();
  readonly #nowMs: () => number;
  #seen: { record: LeaseRecord; atMs: number } | null = null;
  #renewedAtMs = 0;
  #isLeader = false;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    private readonly store: LeaseStore,
    private readonly options: LeaderElectionOptions,
  ) {
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Also false while the API server keeps the holder waiting for longer than it may rely on its lease. */
  get isLeader(): boolean {
    return this.#isLeader && this.#nowMs() - this.#renewedAtMs <= this.options.renewWithinMs;
  }

  /** Calls back whenever this replica becomes the one that works, and when it is so no longer. */
  onChange(listener: (isLeader: boolean) => void): void {
    this.#listeners.add(listener);
  }

  start(): void {
    this.#looking = this.#look();
  }

  /** Gives the lease up, so that another replica need not wait for its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
    if (!this.#isLeader || this.#seen === null) return;
    this.#become(false);
    const { transitions } = this.#seen.record;
    await this.store.write({ holder: '', transitions, seconds: 1 }, this.#seen.record).catch(this.options.failed);
  }

  async #look(): Promise<void> {
    try {
      await this.#once();
    } catch (error) {
      this.options.failed(error);
    }
    if (this.#isLeader && this.#nowMs() - this.#renewedAtMs > this.options.renewWithinMs) this.#become(false);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.start(), this.options.everyMs);
    this.#timer.unref();
  }

  async #once(): Promise<void> {
    const askedAtMs = this.#nowMs();
    const record = await this.store.read();
    this.#note(record);
    const { identity, leaseSeconds: seconds } = this.options;
    if (record !== null && record.holder !== identity && !this.#isFree(record)) {
      this.#become(false);
      return;
    }
    const transitions = (record?.transitions ?? -1) + (record?.holder === identity ? 0 : 1);
    if (!(await this.store.write({ holder: identity, transitions, seconds }, record))) return;
    this.#renewedAtMs = askedAtMs;
    // What was just written, so that it can be given up without another look.
    this.#note(await this.store.read());
    this.#become(true);
  }

  #note(record: LeaseRecord | null): void {
    if (record === null) this.#seen = null;
    else if (this.#seen?.record.resourceVersion !== record.resourceVersion) {
      this.#seen = { record, atMs: this.#nowMs() };
    }
  }

  #isFree({ holder }: LeaseRecord): boolean {
    if (holder === '') return true;
    return this.#seen !== null && this.#nowMs() - this.#seen.atMs > this.options.leaseSeconds * 1000;
  }

  #become(isLeader: boolean): void {
    if (this.#isLeader === isLeader) return;
    this.#isLeader = isLeader;
    for (const listener of this.#listeners) listener(isLeader);
  }
}
