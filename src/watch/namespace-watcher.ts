import { NamespaceView } from '../admission/namespace-view.js';
import type { Cluster } from '../cluster/cluster.js';
import type { ResourceWatch } from '../cluster/resource-watch.js';
import type { Json, JsonObject } from '../workload/workload.js';

export interface NamespaceWatcherParts {
  cluster: Pick<Cluster, 'watch'>;
  view: NamespaceView;
  /** Something of this namespace changed that verdicts may rest on: its mode, or a ConfigMap. */
  changed: (namespace: string) => void;
  failed: (what: string, error: unknown, retryMs: number) => void;
}

/** Keeps modes of namespaces, and the ConfigMaps of those that allow it, in memory for admission. */
export class NamespaceWatcher {
  #namespaces: ResourceWatch | null = null;
  readonly #configMaps = new Map<string, ResourceWatch>();

  constructor(private readonly parts: NamespaceWatcherParts) {}

  start(): void {
    this.#namespaces = this.parts.cluster.watch(
      { path: '/api/v1/namespaces' },
      {
        changed: (object) => this.#changed(object),
        removed: (object) => this.#removed(nameOf(object)),
        failed: (error, retryMs) => this.parts.failed('namespaces', error, retryMs),
      },
    );
  }

  async stop(): Promise<void> {
    await this.#namespaces?.stop();
    await Promise.all([...this.#configMaps.values()].map((watch) => watch.stop()));
  }

  #changed(object: JsonObject): void {
    const name = nameOf(object);
    this.parts.view.setNamespace(name, stringsIn(metadataOf(object)['labels']));
    if (this.parts.view.mayReadConfigMaps(name)) this.#readConfigMaps(name);
    else this.#leaveConfigMaps(name);
    this.parts.changed(name);
  }

  #removed(name: string): void {
    this.#leaveConfigMaps(name);
    this.parts.view.removeNamespace(name);
  }

  #readConfigMaps(namespace: string): void {
    if (this.#configMaps.has(namespace)) return;
    const { cluster, view, changed, failed } = this.parts;
    const tell = (object: JsonObject, data: Readonly<Record<string, string>> | null) => {
      view.setConfigMap(namespace, nameOf(object), data);
      changed(namespace);
    };
    const watch = cluster.watch(
      { path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps` },
      {
        changed: (object) => tell(object, stringsIn(object['data'])),
        removed: (object) => tell(object, null),
        failed: (error, retryMs) => failed(`ConfigMaps of ${namespace}`, error, retryMs),
      },
    );
    this.#configMaps.set(namespace, watch);
  }

  #leaveConfigMaps(namespace: string): void {
    void this.#configMaps.get(namespace)?.stop();
    this.#configMaps.delete(namespace);
  }
}

function metadataOf(object: JsonObject): JsonObject {
  return (object['metadata'] ?? {}) as JsonObject;
}

function nameOf(object: JsonObject): string {
  const { name } = metadataOf(object);
  return typeof name === 'string' ? name : '';
}

function stringsIn(value: Json | undefined): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
