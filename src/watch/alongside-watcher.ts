import type { NamespaceView } from '../admission/namespace-view.js';
import type { ResourceName } from '../cluster/cluster.js';
import type { JsonObject } from '../workload/workload.js';
import { KindFollower } from './kind-follower.js';
import type { KindFollowerParts } from './kind-follower.js';
import { identityOf } from './object-metadata.js';

/** Kinds that workloads name and that are no workloads themselves. */
export const ALONGSIDE_KINDS: readonly ResourceName[] = [
  { apiGroup: 'resource.k8s.io', versions: ['v1', 'v1beta2', 'v1beta1'], resource: 'resourceclaims' },
  { apiGroup: 'resource.k8s.io', versions: ['v1', 'v1beta2', 'v1beta1'], resource: 'resourceclaimtemplates' },
];
/** Kinds of workloads that others name. */
const NAMED_KINDS: ReadonlySet<string> = new Set(['TrainingRuntime', 'ClusterTrainingRuntime']);

export interface AlongsideWatcherParts extends KindFollowerParts {
  view: Pick<NamespaceView, 'setObject' | 'setOwner'>;
  /** Something that workloads of this namespace (null: of any) may name is another now. */
  changed: (namespace: string | null) => void;
}

/** Keeps in memory, for admission, the objects that workloads name, and which workloads there are to be named as owners. */
export class AlongsideWatcher {
  readonly #follower: KindFollower;
  readonly #specs = new Map<string, string>();

  constructor(private readonly parts: AlongsideWatcherParts) {
    this.#follower = new KindFollower(parts);
  }

  start(): void {
    for (const kind of ALONGSIDE_KINDS) {
      this.#follower.follow(kind, () => ({
        slim: withoutStatus,
        changed: (object) => this.#note(object, true),
        removed: (object) => this.#note(object, false),
      }));
    }
  }

  stop(): Promise<void> {
    return this.#follower.stop();
  }

  /** Takes note of a workload that is followed elsewhere. */
  workload(object: JsonObject, isThere: boolean): void {
    const { kind, namespace, name } = identityOf(object);
    this.parts.view.setOwner(namespace, kind, name, isThere);
    if (NAMED_KINDS.has(kind)) this.#note(object, isThere);
  }

  /** A status that changes is no news. */
  #note(object: JsonObject, isThere: boolean): void {
    const { kind, namespace, name } = identityOf(object);
    const key = `${namespace ?? ''}/${kind}/${name}`;
    const spec = isThere ? JSON.stringify(object['spec'] ?? null) : undefined;
    if (this.#specs.get(key) === spec) return;
    if (spec === undefined) this.#specs.delete(key);
    else this.#specs.set(key, spec);
    this.parts.view.setObject(namespace, kind, name, isThere ? object : null);
    this.parts.changed(namespace);
  }
}

function withoutStatus({ status: _status, ...object }: JsonObject): JsonObject {
  const { kind, namespace, name } = identityOf(object);
  return { ...object, kind, metadata: { name, ...(namespace !== null && { namespace }) } };
}
