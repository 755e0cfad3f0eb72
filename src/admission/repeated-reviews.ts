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

/** Reviews that are kept in mind as having come once; a power of two. */
const MARKS = 8192;
/** As many characters of a name tell it from others: six bits each. */
const MARK_CHARACTERS = 5;

/**
 * Which reviews came before. Decisions on those that never come again are not worth keeping: they would only be old
 * enough to burden the collector by the time they are let go. A table of fixed size, in which a later review takes the
 * place of an earlier one: a review that came before is now and then taken for a new one, and the other way round.
 */
export class CameBefore {
  readonly #marks = new Int32Array(MARKS);

  /** Whether the review was noted before; it is from now on. */
  note({ rest }: NamedReview): boolean {
    const mark = markOf(rest, rest.length - 2 * MARK_CHARACTERS);
    const place = markOf(rest, rest.length - MARK_CHARACTERS) & (MARKS - 1);
    const isKnown = this.#marks[place] === mark;
    this.#marks[place] = mark;
    return isKnown;
  }
}

/** Some characters of base64 as a number. */
function markOf(text: string, from: number): number {
  let mark = 0;
  for (let at = from; at < from + MARK_CHARACTERS; at++) mark = (mark * 67 + text.charCodeAt(at)) | 0;
  return mark;
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
