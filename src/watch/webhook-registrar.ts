import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { AdmissionServer } from '../admission/https/admission-server.js';
import { Cluster } from '../cluster/cluster.js';
import {
  authorityOnly,
  mutatingPath,
  validatingPath,
  webhookConfigurations,
} from '../cluster/webhook-configurations.js';
import type { WebhookPair } from '../cluster/webhook-configurations.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { WORKLOAD_KINDS } from '../workload/kinds.js';
import { Leadership } from './leadership.js';

/** Controllers whose pods are no training of their own. */
const OTHER_OWNERS = ['ReplicaSet', 'ReplicationController', 'StatefulSet', 'DaemonSet', 'Node'];
const TIMEOUT_SECONDS = 5;
const RETRY_MS = 10_000;
/** Somebody may have written over it: applied again, which changes nothing where nobody has. */
const AGAIN_MS = 300_000;
const DEFAULT_NAME = 'plimsoll';

type Settings = Pick<SettingValues, 'webhookUrl' | 'webhookFailurePolicy' | 'webhookConfiguration'>;

/**
 * Keeps the API server told of the authority to trust: registers the webhooks whole where a URL is set, or keeps the
 * `caBundle` of configurations that others made. Done by the replica that leads.
 */
@Injectable()
export class WebhookRegistrar implements BeforeApplicationShutdown {
  readonly #logger = new Logger('Webhook');
  #timer: NodeJS.Timeout | undefined;
  #authorityPem: string | null = null;
  #applied: string | null = null;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly cluster: Cluster,
    server: AdmissionServer,
    private readonly leadership: Leadership,
  ) {
    if (settings.webhookUrl === null && settings.webhookConfiguration === null) return;
    server.onAuthority((authorityPem) => {
      this.#authorityPem = authorityPem;
      void this.#apply();
    });
    leadership.onChange(() => void this.#apply());
  }

  beforeApplicationShutdown(): void {
    clearTimeout(this.#timer);
  }

  async #apply(): Promise<void> {
    clearTimeout(this.#timer);
    const authorityPem = this.#authorityPem;
    if (authorityPem === null || !this.leadership.isLeader) return;
    const name = this.settings.webhookConfiguration ?? DEFAULT_NAME;
    const { mutating, validating } = this.#wanted(name, authorityPem);
    try {
      await this.cluster.apply(validatingPath(name), validating);
      await this.cluster.apply(mutatingPath(name), mutating);
      if (this.#applied !== authorityPem) this.#logger.log(`the webhooks are registered with ${this.cluster.server}`);
      this.#applied = authorityPem;
      this.#later(AGAIN_MS);
    } catch (error) {
      this.#logger.warn({ err: error }, `the webhooks could not be registered; tried again in ${RETRY_MS} ms`);
      this.#later(RETRY_MS);
    }
  }

  #wanted(name: string, authorityPem: string): WebhookPair {
    const { webhookUrl: url, webhookFailurePolicy: failurePolicy } = this.settings;
    if (url === null) return authorityOnly(name, authorityPem);
    return webhookConfigurations({
      name,
      url,
      authorityPem,
      failurePolicy,
      timeoutSeconds: TIMEOUT_SECONDS,
      resources: WORKLOAD_KINDS,
      podOwners: [...new Set([...WORKLOAD_KINDS.map(({ kind }) => kind), ...OTHER_OWNERS])],
    });
  }

  #later(afterMs: number): void {
    this.#timer = setTimeout(() => void this.#apply(), afterMs);
    this.#timer.unref();
  }
}
