import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdmissionMetrics, WebhookName } from '../admission-metrics.js';
import { encodeAnswer } from '../protocol/answer.js';
import type { Answer } from '../protocol/answer.js';
import { MalformedReview, readReview } from '../protocol/review.js';
import type { ReviewRequest } from '../protocol/review.js';
import { BodyTooLarge, readBody } from './read-body.js';

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
  review: Record<WebhookName, (request: ReviewRequest, budgetMs: number) => Promise<Answer>>;
  metrics: AdmissionMetrics;
  budgetMs: number;
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
  return (request, response) => {
    if (parts.draining()) response.setHeader('connection', 'close');
    void respond(parts, request, response).catch((error: unknown) => refuse(parts, response, error));
  };
}

async function respond(parts: HandlerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  if (path === '/healthz' && request.method === 'GET') {
    send(response, 200, 'text/plain', 'ok\n');
    return;
  }
  const webhook = webhookFor(path, request);
  const start = process.hrtime.bigint();
  const review = readReview(await readBody(request, BODY_LIMIT_BYTES));
  const answer = await answerTo(parts, webhook, { review, budgetMs: budgetFor(query, parts.budgetMs) });
  send(response, 200, 'application/json', encodeAnswer(review.uid, answer));
  parts.metrics.observe(webhook, Number(process.hrtime.bigint() - start) / 1e9);
}

/** Whatever goes wrong in here is not the person's fault: the workload is admitted. */
async function answerTo(
  { review, metrics, failed }: HandlerParts,
  webhook: WebhookName,
  task: { review: ReviewRequest; budgetMs: number },
): Promise<Answer> {
  try {
    return await review[webhook](task.review, task.budgetMs);
  } catch (error) {
    metrics.count(webhook, 'failed');
    failed(error, task.review.uid);
    if (webhook === 'validate') return { allowed: true };
    return {
      allowed: true,
      warnings: [`plimsoll: not assessed: an internal error, logged with review ${task.review.uid}`],
    };
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
  const seconds = /^\d{1,3}(?=s$)/.exec(new URLSearchParams(query).get('timeout') ?? '')?.[0];
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
  send(response, refusal.status, 'text/plain', `${refusal.message}\n`);
}

function refusalFor(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  // The rest of the body is not read: the connection is of no more use.
  if (error instanceof BodyTooLarge) return new Refusal(413, error.message, { connection: 'close' });
  return error instanceof MalformedReview ? new Refusal(400, error.message) : null;
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
