import { Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { Metrics } from '../telemetry/metrics.js';

export type WebhookName = 'mutate' | 'validate';

/** What became of a review. `late`, `busy`, `early` and `failed` were admitted unassessed. */
export type Outcome =
  'assessed' | 'skipped' | 'off' | 'denied' | 'overridden' | 'late' | 'busy' | 'early' | 'failed' | 'refused';

/** Counts and times of the webhook. No label takes a value that a person chooses. */
@Injectable()
export class AdmissionMetrics {
  readonly #reviews: Counter<'webhook' | 'outcome' | 'verdict'>;
  readonly #seconds: Histogram<'webhook'>;

  constructor({ registry }: Metrics) {
    this.#reviews = new Counter({
      name: 'plimsoll_admission_reviews_total',
      help: 'Admission reviews answered, by what became of them',
      labelNames: ['webhook', 'outcome', 'verdict'],
      registers: [registry],
    });
    this.#seconds = new Histogram({
      name: 'plimsoll_admission_duration_seconds',
      help: 'Time from the first byte of a review to its answer',
      labelNames: ['webhook'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    });
  }

  count(webhook: WebhookName, outcome: Outcome, verdict = ''): void {
    this.#reviews.inc({ webhook, outcome, verdict });
  }

  observe(webhook: WebhookName, seconds: number): void {
    this.#seconds.observe({ webhook }, seconds);
  }
}
