import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { AssessmentSink } from '../admission/assessment-sink.js';
import { NamespaceView } from '../admission/namespace-view.js';
import type { Assessor } from '../advisor/assessor.js';
import { Knowledge } from '../advisor/knowledge.js';
import type { Cluster } from '../cluster/cluster.js';
import { ApiError } from '../cluster/api-client.js';
import { WORKLOAD_KINDS } from '../workload/kinds.js';
import { UnreadableManifest } from '../workload/workload.js';
import type { JsonObject } from '../workload/workload.js';
import { AlongsideWatcher } from './alongside-watcher.js';
import { Leadership } from './leadership.js';
import { NamespaceWatcher } from './namespace-watcher.js';
import { Pace } from './pace.js';
import { ToldVerdicts } from './told-verdicts.js';
import { WorkloadDirectory } from './workload-directory.js';
import { WorkloadKeeper } from './workload-keeper.js';
import type { WatchedObject } from './workload-keeper.js';
import { WorkloadWatcher } from './workload-watcher.js';

/** A workload is told of a changed verdict at most once in this time. */
const QUIET_MS = 60_000;
/** A look that finds nothing new costs some microseconds; what is written goes slower. */
const LOOKS_PER_SECOND = 500;
/** How long changes of what runs were seen to use are gathered before workloads are looked at again. */
const LOOK_AGAIN_MS = 300_000;
const WRITES = { perSecond: 20, burst: 40 };

/** The parts that follow one cluster. */
export interface Following {
  cluster: Cluster;
  assessor: Assessor;
  sink: AssessmentSink;
}

/** What is kept in memory of the cluster: for admission, and to know whose pods are whose. */
@Injectable()
export class Surroundings {
  constructor(
    readonly view: NamespaceView,
    readonly directory: WorkloadDirectory,
  ) {}
}

/** Injection token of what is followed. */
export const FOLLOWING = Symbol('following');

/** Starts and stops the watchers with the application, and passes changes of the inventory on to them. */
@Injectable()
export class WatchService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('Watch');
  readonly #keeper: WorkloadKeeper;
  readonly #workloads: WorkloadWatcher;
  readonly #namespaces: NamespaceWatcher;
  readonly #alongside: AlongsideWatcher;
  private readonly directory: WorkloadDirectory;
  #stopListening: () => void = () => undefined;
  #lookAgain: NodeJS.Timeout | undefined;

  constructor(
    @Inject(FOLLOWING) following: Following,
    private readonly known: Knowledge,
    { view, directory }: Surroundings,
    private readonly leadership: Leadership,
  ) {
    this.directory = directory;
    const failed = (what: string, error: unknown, retryMs: number | null) => this.#failed(what, error, retryMs);
    this.#keeper = new WorkloadKeeper({
      ...following,
      namespaces: view,
      told: new ToldVerdicts(QUIET_MS),
      pace: new Pace(WRITES),
      nowMs: Date.now,
    });
    this.#workloads = new WorkloadWatcher({
      cluster: following.cluster,
      kinds: WORKLOAD_KINDS,
      keep: (watched) => this.#keep(watched),
      seen: (object, isThere) => this.#seen(object, isThere),
      failed,
      perSecond: LOOKS_PER_SECOND,
    });
    this.#namespaces = new NamespaceWatcher({
      cluster: following.cluster,
      view,
      changed: (namespace) => this.#workloads.lookAgain(namespace),
      failed,
    });
    this.#alongside = new AlongsideWatcher({
      cluster: following.cluster,
      view,
      changed: (namespace) => this.#workloads.lookAgain(namespace),
      failed,
    });
  }

  onApplicationBootstrap(): void {
    this.#namespaces.start();
    this.#alongside.start();
    this.#workloads.start();
    this.leadership.onChange((isLeader) => isLeader && this.#workloads.lookAgain());
    const stops = [
      this.known.inventory.onChange(() => this.#workloads.lookAgain()),
      this.known.observations.onChange(() => this.#lookAgainLater()),
    ];
    this.#stopListening = () => stops.forEach((stop) => stop());
  }

  /** What is seen of one run concerns few others, and is seen again and again. */
  #lookAgainLater(): void {
    this.#lookAgain ??= setTimeout(() => {
      this.#lookAgain = undefined;
      this.#workloads.lookAgain();
    }, LOOK_AGAIN_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopListening();
    clearTimeout(this.#lookAgain);
    await Promise.all([this.#workloads.stop(), this.#namespaces.stop(), this.#alongside.stop()]);
  }

  #seen(object: JsonObject, isThere: boolean): void {
    this.#alongside.workload(object, isThere);
    this.directory.note(object, isThere);
    if (!isThere) this.#keeper.forget(object);
  }

  /** Before the first inventory nothing can be said; the first swap has everything looked at, and so has leadership. */
  async #keep(watched: WatchedObject): Promise<number | null> {
    if (!this.known.inventory.isKnown() || !this.leadership.isLeader) return null;
    try {
      return await this.#keeper.keep(watched);
    } catch (error) {
      if (error instanceof UnreadableManifest) return null;
      if (error instanceof ApiError && error.status === 404) return null; // it is gone; the watch will say so
      throw error;
    }
  }

  #failed(what: string, error: unknown, retryMs: number | null): void {
    const message = retryMs === null ? `${what}: given up until it changes` : `${what}: tried again in ${retryMs} ms`;
    this.#logger.warn({ err: error }, message);
  }
}
