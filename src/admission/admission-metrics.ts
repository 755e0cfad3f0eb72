import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';
import { Metrics } from '../telemetry/metrics.js';

export type WebhookName = 'mutate' | 'validate';

/** What became of a review. `late`, `busy`, `early` and `failed` were admitted unassessed. */
export type Outcome =
  'assessed' | 'skipped' | 'off' | 'denied' | 'overridden' | 'late' | 'busy' | 'early' | 'failed' | 'refused';

/** Counts and times of the webhook. No label takes a value that a person chooses. */
@Injectable()
export class AdmissionMetrics {
  readonly #reviews: Counter<'webhook' | 'outcome' | 'verdict'>;
  readonly #times: Record<WebhookName, Histogram.Internal<'webhook'>>;
  /** prom-client finds a child anew by its labels each time. */
  readonly #children = new Map<string, Counter.Internal>();
  readonly #registry: Metrics['registry'];

  constructor({ registry }: Metrics) {
    this.#registry = registry;
    this.#reviews = new Counter({
      name: 'plimsoll_admission_reviews_total',
      help: 'Admission reviews answered, by what became of them',
      labelNames: ['webhook', 'outcome', 'verdict'],
      registers: [registry],
    });
    const seconds = new Histogram({
      name: 'plimsoll_admission_duration_seconds',
      help: 'Time from the first byte of a review to its answer',
      labelNames: ['webhook'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    });
    this.#times = { mutate: seconds.labels('mutate'), validate: seconds.labels('validate') };
  }

  count(webhook: WebhookName, outcome: Outcome, verdict = ''): void {
    this.#child(webhook, outcome, verdict).inc();
  }

  #child(webhook: WebhookName, outcome: Outcome, verdict: string): Counter.Internal {
    const key = `${webhook} ${outcome} ${verdict}`;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const child = this.#reviews.labels(webhook, outcome, verdict);
    this.#children.set(key, child);
    return child;
  }

  /** Answers that were given and not recorded, because too many came at a time. */
  countUnrecorded(letGo: () => number): void {
    new Gauge({
      name: 'plimsoll_admission_unrecorded',
      help: 'Answers of the webhook since the start that were not recorded because too many came at a time',
      registers: [this.#registry],
      collect() {
        this.set(letGo());
      },
    });
  }

  observe(webhook: WebhookName, seconds: number): void {
    this.#times[webhook].observe(seconds);
  }
}
