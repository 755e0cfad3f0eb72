import { createConfiguration, HttpMethod, RequestContext } from '@kubernetes/client-node';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Json, JsonObject } from '../workload/workload.js';

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
const METHODS = {
  GET: HttpMethod.GET,
  POST: HttpMethod.POST,
  PUT: HttpMethod.PUT,
  PATCH: HttpMethod.PATCH,
  DELETE: HttpMethod.DELETE,
};

/** Plain JSON to and from the API server, with the kubeconfig's authentication. */
export class ApiClient {
  readonly #http = createConfiguration().httpApi;
  readonly #server: string;

  constructor(readonly config: KubeConfig) {
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new Error('the kubeconfig names no cluster');
    this.#server = cluster.server.replace(/\/$/, '');
  }

  /** Where the API server is, for people. */
  get server(): string {
    return this.#server;
  }

  /** The answer's JSON object. Throws ApiError for what is refused, other errors for what does not get there. */
  async call(call: ApiCall): Promise<JsonObject> {
    const response = await this.#http.send(await this.#context(call)).toPromise();
    const text = await response.body.text();
    const { httpStatusCode: status } = response;
    if (status >= 200 && status < 300) return JSON.parse(text) as JsonObject;
    throw new ApiError(status, `${call.method} ${call.path}`, messageIn(text));
  }

  async #context({ method, path, query, body, contentType }: ApiCall): Promise<RequestContext> {
    const context = new RequestContext(this.#server + path, METHODS[method]);
    for (const [name, value] of Object.entries(query ?? {})) context.setQueryParam(name, value);
    context.setHeaderParam('accept', 'application/json');
    context.setHeaderParam('user-agent', 'plimsoll');
    if (body !== undefined) {
      context.setHeaderParam('content-type', contentType ?? 'application/json');
      context.setBody(JSON.stringify(body));
    }
    context.setSignal(AbortSignal.timeout(TIMEOUT_MS));
    await this.config.applySecurityAuthentication(context);
    return context;
  }
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
