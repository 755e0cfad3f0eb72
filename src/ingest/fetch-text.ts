import type { Outcome } from './sources.js';

export interface FetchLimits {
  timeoutMs: number;
  /** Of the text, uncompressed. */
  maxBytes: number;
}

export interface TextRequest {
  /** User and password in it are sent as basic authentication. */
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent by POST where given. */
  form?: URLSearchParams;
}

/** An answer that is not taken: why, in the words of an outcome. */
export class NotTaken extends Error {
  constructor(
    readonly outcome: Outcome,
    message: string,
  ) {
    super(message);
    this.name = 'NotTaken';
  }
}

/** The text at an address. Rejects where it is late, too large, refused or redirected: `outcomeOf` says which. */
export async function fetchText(request: TextRequest, limits: FetchLimits, signal: AbortSignal): Promise<string> {
  const response = await fetch(withoutCredentials(request.url), {
    method: request.form === undefined ? 'GET' : 'POST',
    ...(request.form === undefined ? {} : { body: request.form }),
    headers: { ...basicAuthentication(request.url), ...request.headers },
    // What we ask does not redirect; following would let it send us, and our credentials, anywhere.
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)]),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new NotTaken('refused', `it answered with status ${response.status}`);
  }
  return readBody(response, limits.maxBytes);
}

/** fetch refuses user and password in a URL: they go as a header. */
function basicAuthentication(url: string): Record<string, string> {
  const { username, password } = new URL(url);
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

export function withoutCredentials(url: string): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare.href;
}

async function readBody(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new NotTaken('too-large', `its answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function outcomeOf(error: unknown): Outcome {
  if (error instanceof NotTaken) return error.outcome;
  return (error as Error).name === 'TimeoutError' ? 'timeout' : 'unreachable';
}

/** For people. fetch says `fetch failed` and hides the reason in the cause. */
export function problemOf(error: unknown, limits: FetchLimits): string {
  if (outcomeOf(error) === 'timeout') return `it did not answer within ${limits.timeoutMs} ms`;
  const { message, cause } = error as Error & { cause?: Partial<NodeJS.ErrnoException> };
  const reason = cause?.message || cause?.code;
  return reason === undefined ? message : `${message}: ${reason}`;
}
