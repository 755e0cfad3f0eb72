import type { Cluster, ResourceName } from '../cluster/cluster.js';
import type { ResourceHandler, ResourceWatch, WatchedResource } from '../cluster/resource-watch.js';

export interface KindFollowerParts {
  cluster: Pick<Cluster, 'watch' | 'pathOf'>;
  failed: (what: string, error: unknown, retryMs: number) => void;
  /** How often a kind is looked for that the cluster does not have (yet). */
  lookAgainMs?: number;
}

const LOOK_AGAIN_MS = 30_000;

/** How one kind is followed, told the path under which the cluster serves it. */
export type Following = (path: string) => Omit<ResourceHandler, 'failed'> & Pick<WatchedResource, 'slim'>;

/** Follows kinds that the cluster may not have (yet): each is looked for until it is there, as CRDs may come at any time. */
export class KindFollower {
  readonly #watches: ResourceWatch[] = [];
  readonly #searches = new Set<NodeJS.Timeout>();
  #stopped = false;

  constructor(private readonly parts: KindFollowerParts) {}

  follow(kind: ResourceName, following: Following): void {
    void this.#find(kind, following);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#searches) clearTimeout(timer);
    await Promise.all(this.#watches.map((watch) => watch.stop()));
  }

  async #find(kind: ResourceName, following: Following): Promise<void> {
    const { cluster, failed, lookAgainMs = LOOK_AGAIN_MS } = this.parts;
    const path = await cluster.pathOf(kind).catch((error: unknown) => {
      failed(kind.resource, error, lookAgainMs);
      return null;
    });
    if (this.#stopped) return;
    if (path === null) this.#findLater(kind, following, lookAgainMs);
    else this.#watches.push(this.#watch(path, following));
  }

  #findLater(kind: ResourceName, following: Following, afterMs: number): void {
    const timer = setTimeout(() => {
      this.#searches.delete(timer);
      void this.#find(kind, following);
    }, afterMs);
    timer.unref();
    this.#searches.add(timer);
  }

  #watch(path: string, following: Following): ResourceWatch {
    const { slim, ...handler } = following(path);
    const failed = (error: unknown, retryMs: number) => this.parts.failed(path, error, retryMs);
    return this.parts.cluster.watch({ path, ...(slim && { slim }) }, { ...handler, failed });
  }
}
