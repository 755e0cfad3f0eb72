import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import type { JsonObject } from '../workload/workload.js';
import type { ExporterDiscovery, ExporterTarget, NodeSource } from '../ingest/sources.js';
import type { DeviceOffers, Node } from '../inventory/inventory.js';
import { readBoundPod, readNode, withRequested } from '../inventory/node-object.js';
import type { BoundPod } from '../inventory/node-object.js';
import { readHolderPod } from '../observation/holder-pod.js';
import type { HolderPod } from '../observation/holder-pod.js';
import type { HolderPods } from '../observe/sources.js';
import { ClaimableDevices } from './claimable-devices.js';
import { Cluster } from './cluster.js';
import { exporterTarget, parseSelectors } from './exporter-pods.js';
import type { ResourceHandler, ResourceWatch } from './resource-watch.js';
import { slimPod } from './slim.js';

type Settings = Pick<SettingValues, 'dcgmDiscovery' | 'dcgmSelector'>;

/** The nodes of the cluster, what their pods ask for, and the exporters among those pods; kept in memory by informers. */
@Injectable()
export class ClusterInventory
  implements NodeSource, ExporterDiscovery, HolderPods, OnModuleInit, BeforeApplicationShutdown
{
  readonly #logger = new Logger('Cluster');
  readonly #listed = new Set<string>();
  readonly #listeners = new Set<() => void>();
  /** What was last seen of each node and of each pod that holds devices: heartbeats and the like are no change. */
  readonly #seen = new Map<string, string>();
  readonly #holders = new Map<string, HolderPod>();
  readonly #goneListeners = new Set<(pod: HolderPod) => void>();
  #nodes: ResourceWatch | null = null;
  #pods: ResourceWatch | null = null;
  readonly #claimable: ClaimableDevices;

  constructor(
    private readonly cluster: Cluster,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    const failed = (what: string, error: unknown, retryMs: number): void =>
      this.#logger.warn({ err: error }, `${what} cannot be read; tried again in ${retryMs} ms`);
    this.#claimable = new ClaimableDevices({ cluster, failed }, () => this.#tell());
  }

  onModuleInit(): void {
    this.#nodes = this.cluster.watch({ path: '/api/v1/nodes' }, this.#handler('nodes', readNode));
    const running = 'status.phase!=Succeeded,status.phase!=Failed';
    this.#pods = this.cluster.watch(
      { path: '/api/v1/pods', fieldSelector: running, slim: slimPod },
      this.#noting(this.#handler('pods', readDeviceHolder)),
    );
    this.#claimable.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.#nodes?.stop(), this.#pods?.stop(), this.#claimable.stop()]);
  }

  /** Nodes without their pods would look empty: both must have been listed. */
  nodes(): readonly Node[] | null {
    if (!this.#listed.has('nodes') || !this.#listed.has('pods')) return null;
    const nodes = (this.#nodes?.objects() ?? []).flatMap((object) => readNode(object) ?? []);
    const pods = (this.#pods?.objects() ?? []).flatMap((object) => readBoundPod(object) ?? []);
    return withRequested(nodes, pods);
  }

  offers(): DeviceOffers | null {
    return this.#claimable.offers();
  }

  targets(): readonly ExporterTarget[] {
    if (!this.settings.dcgmDiscovery) return [];
    const selectors = parseSelectors(this.settings.dcgmSelector);
    return (this.#pods?.objects() ?? []).flatMap((pod) => exporterTarget(pod, selectors) ?? []);
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  pods(): readonly HolderPod[] {
    return [...this.#holders.values()];
  }

  onGone(listener: (pod: HolderPod) => void): void {
    this.#goneListeners.add(listener);
  }

  /** The watch leaves out pods that are done: what became of one is asked once. */
  async finalOf({ namespace, name, uid }: HolderPod): Promise<HolderPod | null> {
    const pod = await this.cluster.pod(namespace, name);
    const holder = pod === null ? null : readHolderPod(slimPod(pod));
    return holder?.uid === uid ? holder : null;
  }

  /** Pods that hold devices are known by what they are, too. */
  #noting(handler: ResourceHandler): ResourceHandler {
    return {
      ...handler,
      changed: (object) => {
        handler.changed(object);
        const holder = readHolderPod(object);
        if (holder !== null) this.#holders.set(holder.uid, holder);
      },
      removed: (object) => {
        handler.removed(object);
        const holder = readHolderPod(object);
        if (holder === null) return;
        this.#holders.delete(holder.uid);
        for (const listener of this.#goneListeners) listener(holder);
      },
    };
  }

  #handler(what: string, read: (object: JsonObject) => unknown): ResourceHandler {
    return {
      changed: (object) => this.#note(keyOf(what, object), read(object)),
      removed: (object) => this.#note(keyOf(what, object), null),
      listed: () => {
        this.#listed.add(what);
        this.#tell();
      },
      failed: (error, retryMs) =>
        this.#logger.warn({ err: error }, `${what} cannot be read; tried again in ${retryMs} ms`),
    };
  }

  #note(key: string, now: unknown): void {
    const before = this.#seen.get(key);
    const text = now === null ? undefined : JSON.stringify(now);
    if (text === before) return;
    if (text === undefined) this.#seen.delete(key);
    else this.#seen.set(key, text);
    this.#tell();
  }

  #tell(): void {
    if (this.#listed.size === 2) for (const listener of this.#listeners) listener();
  }
}

/** A bound pod that holds an extended resource, GPUs above all; null for any other: they come and go all the time. */
function readDeviceHolder(pod: JsonObject): BoundPod | null {
  const bound = readBoundPod(pod);
  return bound !== null && Object.keys(bound.requests).some((resource) => resource.includes('/')) ? bound : null;
}

function keyOf(what: string, object: JsonObject): string {
  const { namespace, name } = (object['metadata'] ?? {}) as { namespace?: string; name?: string };
  return `${what} ${namespace ?? ''}/${name ?? ''}`;
}
