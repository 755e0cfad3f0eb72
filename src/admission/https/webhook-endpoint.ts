import { Inject, Injectable, Logger } from '@nestjs/common';
import { SETTINGS } from '../../config/settings.module.js';
import type { SettingValues } from '../../config/settings.js';
import { Readiness } from '../../telemetry/readiness.js';
import { AdmissionMetrics } from '../admission-metrics.js';
import { Reviewer } from '../reviewer.js';
import { trustedBy } from './trusted-client.js';
import { webhookHandler } from './webhook-handler.js';

/** The webhook's request handler with everything it needs. */
@Injectable()
export class WebhookEndpoint {
  readonly #logger = new Logger('Webhook');
  readonly handle: ReturnType<typeof webhookHandler>;

  constructor(
    @Inject(SETTINGS) settings: Pick<SettingValues, 'admissionBudgetMs' | 'webhookClientCaFile' | 'webhookClientName'>,
    reviewer: Reviewer,
    metrics: AdmissionMetrics,
    readiness: Readiness,
  ) {
    this.handle = webhookHandler({
      reviewer,
      metrics,
      budgetMs: settings.admissionBudgetMs,
      isTrusted: trustedBy(settings),
      draining: () => readiness.draining,
      failed: (error, uid) => this.#logger.error({ err: error, review: uid }, 'a review could not be assessed'),
    });
  }
}
