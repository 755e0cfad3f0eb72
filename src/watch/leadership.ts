import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Cluster } from '../cluster/cluster.js';
import { ownNamespace } from '../cluster/connection.js';
import { ELECTION_DEFAULTS, LeaderElection } from '../cluster/leader-election.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { Metrics } from '../telemetry/metrics.js';

type Settings = Pick<SettingValues, 'kubeconfig' | 'leaseNamespace'>;

/** What a Lease is called that replicas of one installation share. */
const LEASE = 'plimsoll-leader';

/** Whether this replica is the one that writes to the cluster. Without a namespace for the Lease it takes itself to be alone. */
@Injectable()
export class Leadership implements OnModuleInit, BeforeApplicationShutdown {
  readonly #logger = new Logger('Leader');
  readonly #election: LeaderElection | null;
  readonly #listeners: ((isLeader: boolean) => void)[] = [];

  constructor(
    @Inject(SETTINGS) settings: Settings,
    @Inject(Cluster) cluster: Pick<Cluster, 'lease'>,
    metrics: Metrics,
  ) {
    const namespace = settings.leaseNamespace ?? (settings.kubeconfig === 'in-cluster' ? ownNamespace() : null);
    this.#election = namespace === null ? null : this.#electionIn(namespace, cluster);
    const isLeader = () => this.isLeader;
    new Gauge({
      name: 'plimsoll_leader',
      help: '1 where this replica annotates workloads and tells Events, 0 where another one does',
      registers: [metrics.registry],
      collect() {
        this.set(isLeader() ? 1 : 0);
      },
    });
  }

  get isLeader(): boolean {
    return this.#election?.isLeader ?? true;
  }

  /** Calls back when this replica becomes the one that works, or is so no longer; at once where it is alone. */
  onChange(listener: (isLeader: boolean) => void): void {
    this.#listeners.push(listener);
    if (this.#election === null) listener(true);
  }

  onModuleInit(): void {
    this.#election?.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#election?.stop();
  }

  #electionIn(namespace: string, cluster: Pick<Cluster, 'lease'>): LeaderElection {
    const election = new LeaderElection(cluster.lease({ namespace, name: LEASE }), {
      ...ELECTION_DEFAULTS,
      identity: `${hostname()}_${randomUUID()}`,
      failed: (error) => this.#logger.warn({ err: error }, `the Lease ${namespace}/${LEASE} cannot be looked at`),
    });
    election.onChange((isLeader) => {
      this.#logger.log(isLeader ? 'this replica works now: it leads' : 'this replica leads no longer');
      for (const listener of this.#listeners) listener(isLeader);
    });
    return election;
  }
}
