import type { ResourceName } from '../cluster/cluster.js';
import type { JsonObject } from '../workload/workload.js';
import { KindFollower } from './kind-follower.js';
import type { KindFollowerParts } from './kind-follower.js';
import { identityOf } from './object-metadata.js';
import type { WatchedObject } from './workload-keeper.js';
import { WorkQueue } from './work-queue.js';

export interface WorkloadWatcherParts extends Pick<KindFollowerParts, 'cluster'> {
  kinds: readonly ResourceName[];
  /** Looks at one object; gives the time after which to look again, or null. */
  keep: (watched: WatchedObject) => Promise<number | null>;
  /** Told of every workload that is there, and of every one that is gone. */
  seen: (object: JsonObject, isThere: boolean) => void;
  failed: (what: string, error: unknown, retryMs: number | null) => void;
  /** Most objects looked at per second. */
  perSecond: number;
}

const RETRY_MS = [1_000, 5_000, 30_000, 120_000] as const;

/** Follows the workloads of every handled kind that the cluster has, and has each looked at when it may have changed. */
export class WorkloadWatcher {
  readonly #objects = new Map<string, WatchedObject>();
  readonly #follower: KindFollower;
  readonly #queue: WorkQueue;

  constructor(private readonly parts: WorkloadWatcherParts) {
    this.#follower = new KindFollower(parts);
    this.#queue = new WorkQueue({
      handle: (key) => this.#handle(key),
      perSecond: parts.perSecond,
      retryMs: RETRY_MS,
      failed: (key, error, retryMs) => parts.failed(key, error, retryMs),
    });
  }

  start(): void {
    for (const kind of this.parts.kinds) this.#follow(kind);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#queue.stop(), this.#follower.stop()]);
  }

  /** Has every workload looked at again: what they are held against changed. */
  lookAgain(namespace: string | null = null): void {
    for (const [key, { object }] of this.#objects) {
      if (namespace === null || identityOf(object).namespace === namespace) this.#queue.add(key);
    }
  }

  #follow(kind: ResourceName): void {
    const { resource } = kind;
    this.#follower.follow(kind, (path) => {
      const keyOf = (object: JsonObject) => {
        const { namespace, name } = identityOf(object);
        return `${path} ${namespace ?? ''}/${name}`;
      };
      return {
        changed: (object) => {
          this.#objects.set(keyOf(object), { object, resource });
          this.parts.seen(object, true);
          this.#queue.add(keyOf(object));
        },
        removed: (object) => {
          this.#objects.delete(keyOf(object));
          this.parts.seen(object, false);
        },
      };
    });
  }

  async #handle(key: string): Promise<void> {
    const watched = this.#objects.get(key);
    const againMs = watched ? await this.parts.keep(watched) : null;
    if (againMs !== null) this.#queue.add(key, againMs);
  }
}
