import type { JsonObject } from '../../workload/workload.js';

/** The parts of an AdmissionReview request that Plimsoll looks at. */
export interface ReviewRequest {
  uid: string;
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** null for objects of the cluster itself. */
  namespace: string | null;
  dryRun: boolean;
  /** Who sends it; empty where the review does not say. */
  username: string;
  object: JsonObject | null;
  oldObject: JsonObject | null;
}

/** A body that is no AdmissionReview v1: there is no uid to answer to. */
export class MalformedReview extends Error {
  constructor(readonly problem: string) {
    super(`not an AdmissionReview of admission.k8s.io/v1: ${problem}`);
    this.name = 'MalformedReview';
  }
}

/** Deepest nesting that is read. Kubernetes itself refuses objects of more than 10,000; real ones stay below 40. */
const DEPTH_LIMIT = 200;

const OPERATIONS = new Set(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']);

/**
 * Reads the body of a review. Only the envelope is checked here; the object inside is checked by whoever reads it.
 * Throws MalformedReview.
 */
export function readReview(body: Buffer): ReviewRequest {
  if (isDeeperThan(body, DEPTH_LIMIT)) throw new MalformedReview(`nested deeper than ${DEPTH_LIMIT}`);
  const review = parse(body);
  if (!isObject(review) || review['kind'] !== 'AdmissionReview') throw new MalformedReview('kind is another');
  if (review['apiVersion'] !== 'admission.k8s.io/v1') throw new MalformedReview('apiVersion is another');
  const request = review['request'];
  if (!isObject(request)) throw new MalformedReview('request is missing');
  return readRequest(request);
}

function readRequest(request: JsonObject): ReviewRequest {
  const { uid, operation, namespace, dryRun, object, oldObject } = request;
  if (typeof uid !== 'string' || uid === '') throw new MalformedReview('request.uid is missing');
  if (typeof operation !== 'string' || !OPERATIONS.has(operation)) {
    throw new MalformedReview('request.operation is missing');
  }
  return {
    uid,
    operation: operation as ReviewRequest['operation'],
    namespace: typeof namespace === 'string' && namespace !== '' ? namespace : null,
    dryRun: dryRun === true,
    username: usernameOf(request),
    object: isObject(object) ? object : null,
    oldObject: isObject(oldObject) ? oldObject : null,
  };
}

function usernameOf({ userInfo }: JsonObject): string {
  const username = isObject(userInfo) ? userInfo['username'] : undefined;
  return typeof username === 'string' ? username : '';
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new MalformedReview('the body is not JSON');
  }
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Opening and closing brackets as bytes: [ ] { } */
const DEPTH_CHANGE = new Int8Array(256);
DEPTH_CHANGE[0x5b] = DEPTH_CHANGE[0x7b] = 1;
DEPTH_CHANGE[0x5d] = DEPTH_CHANGE[0x7d] = -1;

/** Whether JSON text nests deeper than `limit`, found before it is parsed. One pass, no recursion. */
export function isDeeperThan(text: Uint8Array, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]!;
    if (byte === QUOTE) at = endOfString(text, at + 1);
    depth += DEPTH_CHANGE[byte]!;
    if (depth > limit) return true;
  }
  return false;
}

/** Index of the quote that ends the string whose first character is at `at`. */
function endOfString(text: Uint8Array, at: number): number {
  for (let end = text.indexOf(QUOTE, at); end !== -1; end = text.indexOf(QUOTE, end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
