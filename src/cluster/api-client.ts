import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Json, JsonObject } from '../workload/workload.js';
import type { Credentials } from './credentials.js';

/** What the API server refused: its own words, and the status code. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly request: string,
    message: string,
  ) {
    super(`${request}: ${status} ${message}`);
    this.name = 'ApiError';
  }
}

export interface ApiCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root, such as `/api/v1/nodes`. */
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: object;
  /** For PATCH: how the body is to be taken. */
  contentType?: 'application/merge-patch+json' | 'application/apply-patch+yaml';
}

const TIMEOUT_MS = 30_000;

/** Plain JSON to and from the API server. */
export class ApiClient {
  constructor(private readonly credentials: Credentials) {}

  /** Where the API server is, for people. */
  get server(): string {
    return this.credentials.server;
  }

  /** The answer's JSON object. Throws ApiError for what is refused, other errors for what does not get there. */
  async call(call: ApiCall): Promise<JsonObject> {
    return JSON.parse(await wholeOf(await this.open(call, AbortSignal.timeout(TIMEOUT_MS)))) as JsonObject;
  }

  /** The answer as it comes in, as text; `signal` ends it. Throws as `call` does. */
  async open(call: ApiCall, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#send(call, signal);
    response.setEncoding('utf8');
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    throw new ApiError(statusCode, `${call.method} ${call.path}`, messageIn(await wholeOf(response)));
  }

  async #send({ method, path, query, body, contentType }: ApiCall, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(this.server + path);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const { headers, ...options } = await this.credentials.forRequest();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const of = text === undefined ? {} : { 'content-type': contentType ?? 'application/json' };
    const length = text === undefined ? {} : { 'content-length': Buffer.byteLength(text) };
    const all = { accept: 'application/json', 'user-agent': 'plimsoll', ...of, ...length, ...headers };
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
    return new Promise((resolve, reject) => {
      send(url, { ...options, method, headers: all, signal }, resolve)
        .on('error', reject)
        .end(text);
    });
  }
}

async function wholeOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of response) text += part as string;
  return text;
}

/** What a call gives; null where the API server answers with this status. */
export async function orNull<T>(status: number, call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiError && error.status === status) return null;
    throw error;
  }
}

/** The message of a Status object, else the beginning of the text. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // Not JSON: a proxy in between answered.
  }
  return text.slice(0, 200);
}

/** A string of a JSON answer; empty where there is none. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
