import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import type { ExporterDiscovery, ExporterTarget, NodeSource } from '../ingest/sources.js';
import type { Node } from '../inventory/inventory.js';
import { readBoundPod, readNode, withRequested } from '../inventory/node-object.js';
import { Cluster } from './cluster.js';
import { exporterTarget, parseSelectors } from './exporter-pods.js';
import type { ResourceHandler, ResourceWatch } from './resource-watch.js';
import { slimPod } from './slim.js';

type Settings = Pick<SettingValues, 'dcgmDiscovery' | 'dcgmSelector'>;

/** The nodes of the cluster, what their pods ask for, and the exporters among those pods; kept in memory by informers. */
@Injectable()
export class ClusterInventory implements NodeSource, ExporterDiscovery, OnModuleInit, BeforeApplicationShutdown {
  readonly #logger = new Logger('Cluster');
  readonly #listed = new Set<string>();
  #nodes: ResourceWatch | null = null;
  #pods: ResourceWatch | null = null;

  constructor(
    private readonly cluster: Cluster,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    this.#nodes = this.cluster.watch({ path: '/api/v1/nodes' }, this.#handler('nodes'));
    const running = 'status.phase!=Succeeded,status.phase!=Failed';
    this.#pods = this.cluster.watch(
      { path: '/api/v1/pods', fieldSelector: running, slim: slimPod },
      this.#handler('pods'),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.#nodes?.stop(), this.#pods?.stop()]);
  }

  /** Nodes without their pods would look empty: both must have been listed. */
  nodes(): readonly Node[] | null {
    if (!this.#listed.has('nodes') || !this.#listed.has('pods')) return null;
    const nodes = (this.#nodes?.objects() ?? []).flatMap((object) => readNode(object) ?? []);
    const pods = (this.#pods?.objects() ?? []).flatMap((object) => readBoundPod(object) ?? []);
    return withRequested(nodes, pods);
  }

  targets(): readonly ExporterTarget[] {
    if (!this.settings.dcgmDiscovery) return [];
    const selectors = parseSelectors(this.settings.dcgmSelector);
    return (this.#pods?.objects() ?? []).flatMap((pod) => exporterTarget(pod, selectors) ?? []);
  }

  #handler(what: string): ResourceHandler {
    return {
      changed: () => undefined,
      removed: () => undefined,
      listed: () => this.#listed.add(what),
      failed: (error, retryMs) =>
        this.#logger.warn({ err: error }, `${what} cannot be read; tried again in ${retryMs} ms`),
    };
  }
}
