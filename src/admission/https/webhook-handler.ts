import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdmissionMetrics, WebhookName } from '../admission-metrics.js';
import { encodeAnswer, encodeRepeatedAnswer } from '../protocol/answer.js';
import { MalformedReview, readReview } from '../protocol/review.js';
import type { ReviewRequest } from '../protocol/review.js';
import { CameBefore, namedReview, RepeatedReviews } from '../repeated-reviews.js';
import type { NamedReview } from '../repeated-reviews.js';
import type { Decision, Reviewer } from '../reviewer.js';
import { BodyTooLarge, discardBody, receiveBody } from './read-body.js';

/** An object of etcd is at most 1.5 MB; a review holds two of them, and JSON escapes. */
const BODY_LIMIT_BYTES = 5 * 1024 * 1024;
/** Left of the API server's own time-out for the way back. */
const MARGIN_MS = 300;
const LEAST_BUDGET_MS = 50;

const WEBHOOKS: ReadonlyMap<string, WebhookName> = new Map([
  ['/mutate', 'mutate'],
  ['/validate', 'validate'],
]);

export interface HandlerParts {
  reviewer: Pick<Reviewer, 'decide' | 'note' | 'revision'>;
  metrics: AdmissionMetrics;
  budgetMs: number;
  /** Whether reviews are taken of who is at the other end. */
  isTrusted: (request: IncomingMessage) => boolean;
  /** True while the server takes its leave: connections are then closed after their answer. */
  draining: () => boolean;
  /** Told of every error that is not the caller's. */
  failed: (error: unknown, uid: string) => void;
}

/** A request that is no review: answered with this status. The API server then follows its failurePolicy. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** Answers POST /mutate and POST /validate with an AdmissionReview each, and GET /healthz. */
export function webhookHandler(parts: HandlerParts): (request: IncomingMessage, response: ServerResponse) => void {
  const all = { ...parts, repeated: new RepeatedReviews(), came: new CameBefore() };
  return (request, response) => {
    if (parts.draining()) response.setHeader('connection', 'close');
    orRefuse(parts, response, () => begin(all, request, response));
  };
}

function orRefuse(parts: HandlerParts, response: ServerResponse, work: () => void): void {
  try {
    work();
  } catch (error) {
    refuse(parts, response, error);
  }
}

type Parts = HandlerParts & { repeated: RepeatedReviews; came: CameBefore };

/** One review on its way to its answer. */
interface Exchange {
  webhook: WebhookName;
  /** What the API server appends to the path. */
  query: string;
  response: ServerResponse;
  startMs: number;
}

function begin(parts: Parts, request: IncomingMessage, response: ServerResponse): void {
  const { url = '' } = request;
  const mark = url.indexOf('?');
  const [path, query] = mark === -1 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
  if (path === '/healthz' && request.method === 'GET') {
    send(response, 200, 'text/plain', 'ok\n');
    return;
  }
  const webhook = webhookFor(path, request);
  if (!parts.isTrusted(request)) throw new Refusal(403, 'reviews are taken of the API server only');
  const exchange = { webhook, query, response, startMs: performance.now() };
  receiveBody(request, BODY_LIMIT_BYTES, {
    received: (body) => orRefuse(parts, response, () => take(parts, exchange, body)),
    failed: (error) => refuse(parts, response, error),
  });
}

/** What was answered before is answered within the same turn of the event loop; all else takes its time. */
function take(parts: Parts, exchange: Exchange, body: Buffer): void {
  const { webhook, response } = exchange;
  const named = namedReview(webhook, body);
  const { revision } = parts.reviewer;
  const known = named === null ? undefined : parts.repeated.recall(named, revision);
  if (known !== undefined) {
    answer(parts, exchange, known, encodeRepeatedAnswer((named as NamedReview).uid, known.answer));
    return;
  }
  const review = readReview(body);
  const finish = (decision: Decision): void => {
    // What changed while it was looked for may have changed the answer.
    const isCurrent = parts.reviewer.revision === revision;
    if (named !== null && isCurrent && parts.came.note(named))
      parts.repeated.remember(named, decision, { uid: review.uid, revision });
    answer(parts, exchange, decision, encodeAnswer(review.uid, decision.answer));
  };
  const decision = decide(parts, exchange, review);
  if (!(decision instanceof Promise)) finish(decision);
  else void decision.then(finish).catch((error: unknown) => refuse(parts, response, error));
}

function answer(parts: Parts, { webhook, response, startMs }: Exchange, decision: Decision, body: string): void {
  send(response, 200, 'application/json', body);
  parts.metrics.observe(webhook, (performance.now() - startMs) / 1000);
  parts.reviewer.note(webhook, decision);
}

/** Whatever goes wrong in here is not the person's fault: the workload is admitted. */
function decide(
  parts: HandlerParts,
  { webhook, query }: Exchange,
  review: ReviewRequest,
): Decision | Promise<Decision> {
  const admitted = (error: unknown): Decision => {
    parts.failed(error, review.uid);
    const warnings = [`plimsoll: not assessed: an internal error, logged with review ${review.uid}`];
    const answer = webhook === 'validate' ? { allowed: true } : { allowed: true, warnings };
    return { answer, outcome: 'failed', verdict: '', assessment: null, lasting: false };
  };
  try {
    const decision = parts.reviewer.decide(webhook, review, budgetFor(query, parts.budgetMs));
    return decision instanceof Promise ? decision.catch(admitted) : decision;
  } catch (error) {
    return admitted(error);
  }
}

function webhookFor(path: string, { method, headers }: IncomingMessage): WebhookName {
  const webhook = WEBHOOKS.get(path);
  if (webhook === undefined) throw new Refusal(404, 'there are POST /mutate, POST /validate and GET /healthz');
  if (method !== 'POST') throw new Refusal(405, 'reviews are sent by POST', { allow: 'POST' });
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  if (type.trim().toLowerCase() !== 'application/json') throw new Refusal(415, 'a review is application/json');
  return webhook;
}

/** The API server appends its own time-out, such as `timeout=5s`: the answer must be there before. */
function budgetFor(query: string, budgetMs: number): number {
  const seconds = /(?:^|&)timeout=(\d{1,3})s(?:&|$)/.exec(query)?.[1];
  if (seconds === undefined) return budgetMs;
  return Math.max(LEAST_BUDGET_MS, Math.min(budgetMs, Number(seconds) * 1000 - MARGIN_MS));
}

function refuse({ metrics, failed }: HandlerParts, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const refusal = refusalFor(error);
  if (refusal === null) {
    failed(error, '');
    response.destroy();
    return;
  }
  metrics.count(response.req.url?.startsWith('/validate') ? 'validate' : 'mutate', 'refused');
  for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value);
  if (refusal.status === 413) sendEarly(response, refusal);
  else send(response, refusal.status, 'text/plain', `${refusal.message}\n`);
}

/** Answers while the body is still being sent; the connection is closed once it is in, or too much of it. */
function sendEarly(response: ServerResponse, { status, message }: Refusal): void {
  response.writeHead(status, { 'content-type': 'text/plain', 'content-length': message.length + 1 });
  response.write(`${message}\n`);
  discardBody(response.req, () => response.end());
}

function refusalFor(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  // The rest of the body is not read: the connection is of no more use.
  if (error instanceof BodyTooLarge) return new Refusal(413, error.message, { connection: 'close' });
  return error instanceof MalformedReview ? new Refusal(400, error.message) : null;
}

/** `body` in ASCII alone. */
function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': body.length });
  response.end(body, 'latin1');
}
