import type { Cluster, ResourceName } from '../cluster/cluster.js';
import type { ResourceWatch } from '../cluster/resource-watch.js';
import type { JsonObject } from '../workload/workload.js';
import type { WatchedObject } from './workload-keeper.js';
import { WorkQueue } from './work-queue.js';

export interface WorkloadWatcherParts {
  cluster: Pick<Cluster, 'watch' | 'pathOf'>;
  kinds: readonly ResourceName[];
  /** Looks at one object; gives the time after which to look again, or null. */
  keep: (watched: WatchedObject) => Promise<number | null>;
  forget: (object: JsonObject) => void;
  failed: (what: string, error: unknown, retryMs: number | null) => void;
  /** Most objects looked at per second. */
  perSecond: number;
}

/** How often a kind is looked for that the cluster does not have (yet). */
const LOOK_AGAIN_MS = 30_000;
const RETRY_MS = [1_000, 5_000, 30_000, 120_000] as const;

/** Follows the workloads of every handled kind that the cluster has, and has each looked at when it may have changed. */
export class WorkloadWatcher {
  readonly #objects = new Map<string, WatchedObject>();
  readonly #watches: ResourceWatch[] = [];
  readonly #searches = new Set<NodeJS.Timeout>();
  readonly #queue: WorkQueue;
  #stopped = false;

  constructor(private readonly parts: WorkloadWatcherParts) {
    this.#queue = new WorkQueue({
      handle: (key) => this.#handle(key),
      perSecond: parts.perSecond,
      retryMs: RETRY_MS,
      failed: (key, error, retryMs) => parts.failed(key, error, retryMs),
    });
  }

  start(): void {
    for (const kind of this.parts.kinds) void this.#find(kind);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#searches) clearTimeout(timer);
    await Promise.all([this.#queue.stop(), ...this.#watches.map((watch) => watch.stop())]);
  }

  /** Has every workload looked at again: what they are held against changed. */
  lookAgain(namespace: string | null = null): void {
    for (const [key, { object }] of this.#objects) {
      if (namespace === null || metadataOf(object)['namespace'] === namespace) this.#queue.add(key);
    }
  }

  /** Kinds are looked for until the cluster has them: CRDs may be installed at any time. */
  async #find(kind: ResourceName): Promise<void> {
    const path = await this.parts.cluster.pathOf(kind).catch((error: unknown) => {
      this.parts.failed(kind.resource, error, LOOK_AGAIN_MS);
      return null;
    });
    if (this.#stopped) return;
    if (path === null) this.#findLater(kind);
    else this.#watches.push(this.#follow(path, kind.resource));
  }

  #findLater(kind: ResourceName): void {
    const timer = setTimeout(() => {
      this.#searches.delete(timer);
      void this.#find(kind);
    }, LOOK_AGAIN_MS);
    timer.unref();
    this.#searches.add(timer);
  }

  #follow(path: string, resource: string): ResourceWatch {
    const keyOf = (object: JsonObject) => `${path} ${textAt(object, 'namespace')}/${textAt(object, 'name')}`;
    return this.parts.cluster.watch(
      { path },
      {
        changed: (object) => {
          this.#objects.set(keyOf(object), { object, resource });
          this.#queue.add(keyOf(object));
        },
        removed: (object) => {
          this.#objects.delete(keyOf(object));
          this.parts.forget(object);
        },
        failed: (error, retryMs) => this.parts.failed(path, error, retryMs),
      },
    );
  }

  async #handle(key: string): Promise<void> {
    const watched = this.#objects.get(key);
    const againMs = watched ? await this.parts.keep(watched) : null;
    if (againMs !== null) this.#queue.add(key, againMs);
  }
}

function metadataOf(object: JsonObject): JsonObject {
  return (object['metadata'] ?? {}) as JsonObject;
}

function textAt(object: JsonObject, field: string): string {
  const value = metadataOf(object)[field];
  return typeof value === 'string' ? value : '';
}
