import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { WebhookName } from './admission-metrics.js';
import type { Decision } from './reviewer.js';

/** How the API server begins every review: its encoder writes the fields in this order. */
const BEGINNING = Buffer.from('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"');
const UID_LENGTH = 36;
const UID = /^[0-9a-f-]{36}$/;
const QUOTE = 0x22;
const REMEMBERED = 2000;

/** A review as its uid and a name for all the rest of it. */
export interface NamedReview {
  uid: string;
  /** Equal for reviews that differ in nothing but their uid. */
  rest: string;
}

/**
 * Splits the uid off a body, without reading the rest. null where it is not written as the API server writes it: such a
 * body is read in full, each time.
 */
export function namedReview(webhook: WebhookName, body: Buffer): NamedReview | null {
  const from = BEGINNING.length;
  const to = from + UID_LENGTH;
  if (body.length <= to || body[to] !== QUOTE || body.compare(BEGINNING, 0, from, 0, from) !== 0) return null;
  const uid = body.toString('latin1', from, to);
  if (!UID.test(uid)) return null;
  return { uid, rest: `${webhook} ${hash('sha256', body.subarray(to), 'base64')}` };
}

/**
 * Decisions on reviews that come again, byte for byte but for their uid: what other webhooks have called again, dry runs,
 * retries, sweeps of objects whose names the API server makes up.
 */
export class RepeatedReviews {
  readonly #decisions = new LRUCache<string, Decision>({ max: REMEMBERED });
  #revision = '';

  /** `revision` names what decisions rest on besides the review: those of another one are forgotten. */
  recall(review: NamedReview, revision: string): Decision | undefined {
    this.#of(revision);
    return this.#decisions.get(review.rest);
  }

  /** `uid` as it was read: where a body names two, it is not what its beginning says. */
  remember(review: NamedReview, decision: Decision, at: { uid: string; revision: string }): void {
    if (!decision.lasting || at.uid !== review.uid) return;
    this.#of(at.revision);
    this.#decisions.set(review.rest, decision);
  }

  #of(revision: string): void {
    if (revision === this.#revision) return;
    this.#decisions.clear();
    this.#revision = revision;
  }
}
