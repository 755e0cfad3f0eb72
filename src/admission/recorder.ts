import { LRUCache } from 'lru-cache';
import type { Assessment } from '../fit/assessment.js';
import type { AssessmentSink } from './assessment-sink.js';

/** Answers of a workload come in several times: mutating, validating, once more after other webhooks, on a retry. */
const REMEMBERED_MS = 60_000;
const REMEMBERED = 10_000;
/** Each is tens of kilobytes of JSON to write. What is let go here the watcher finds in the cluster and records. */
const PER_SECOND = 20;
const BURST = 100;

/** Hands on each answer once, and no more of them than can be written beside the reviews. */
export class Recorder {
  readonly #seen = new LRUCache<string, true>({ max: REMEMBERED, ttl: REMEMBERED_MS });
  #tokens = BURST;
  #atMs: number;
  #letGo = 0;

  constructor(
    private readonly sink: AssessmentSink,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#atMs = nowMs();
  }

  /** How many were not handed on because there were too many. */
  get letGo(): number {
    return this.#letGo;
  }

  /** `always`: of a workload that nobody will find in the cluster, as it was turned away. */
  take(assessment: Assessment, always = false): void {
    if (this.#seen.has(assessment.id)) return;
    if (!this.#mayTake() && !always) {
      this.#letGo += 1;
      return;
    }
    this.#seen.set(assessment.id, true);
    setImmediate(() => this.sink.take(assessment));
  }

  #mayTake(): boolean {
    const nowMs = this.nowMs();
    this.#tokens = Math.min(BURST, this.#tokens + ((nowMs - this.#atMs) / 1000) * PER_SECOND);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
