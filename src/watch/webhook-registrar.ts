import { Inject, Injectable, Logger } from '@nestjs/common';
import { AdmissionServer } from '../admission/https/admission-server.js';
import { Cluster } from '../cluster/cluster.js';
import { MUTATING_PATH, VALIDATING_PATH, webhookConfigurations } from '../cluster/webhook-configurations.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { WORKLOAD_KINDS } from '../workload/kinds.js';

/** Controllers whose pods are no training of their own. */
const OTHER_OWNERS = ['ReplicaSet', 'ReplicationController', 'StatefulSet', 'DaemonSet', 'Node'];
const TIMEOUT_SECONDS = 5;
const RETRY_MS = 10_000;

type Settings = Pick<SettingValues, 'webhookUrl' | 'webhookFailurePolicy'>;

/** Registers the webhooks with the API server, and again whenever their authority changes. Only where a URL is set. */
@Injectable()
export class WebhookRegistrar {
  readonly #logger = new Logger('Webhook');
  #retry: NodeJS.Timeout | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly cluster: Cluster,
    server: AdmissionServer,
  ) {
    const { webhookUrl } = settings;
    if (webhookUrl !== null) server.onAuthority((authorityPem) => void this.#register(webhookUrl, authorityPem));
  }

  async #register(url: string, authorityPem: string): Promise<void> {
    clearTimeout(this.#retry);
    const { mutating, validating } = webhookConfigurations({
      url,
      authorityPem,
      failurePolicy: this.settings.webhookFailurePolicy,
      timeoutSeconds: TIMEOUT_SECONDS,
      resources: WORKLOAD_KINDS,
      podOwners: [...new Set([...WORKLOAD_KINDS.map(({ kind }) => kind), ...OTHER_OWNERS])],
    });
    try {
      await this.cluster.apply(VALIDATING_PATH, validating);
      await this.cluster.apply(MUTATING_PATH, mutating);
      this.#logger.log(`the webhooks are registered with ${this.cluster.server}`);
    } catch (error) {
      this.#logger.warn({ err: error }, `the webhooks could not be registered; tried again in ${RETRY_MS} ms`);
      this.#retry = setTimeout(() => void this.#register(url, authorityPem), RETRY_MS);
      this.#retry.unref();
    }
  }
}
