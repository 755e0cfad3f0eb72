import { readScrape } from '../inventory/metric-readers.js';
import type { DeviceReading } from '../inventory/reading.js';
import type { CollectContext, ExporterTarget, Outcome, TargetResult } from './sources.js';

export interface ScrapeLimits {
  timeoutMs: number;
  /** Of the text, uncompressed. 16 GPUs in 7 MIG instances each make some 4 MB. */
  maxBytes: number;
}

export interface ScrapedTarget {
  readings: readonly DeviceReading[];
  result: TargetResult;
}

/** An answer that is not taken: why, in the words of an outcome. */
class NotTaken extends Error {
  constructor(
    readonly outcome: Outcome,
    message: string,
  ) {
    super(message);
    this.name = 'NotTaken';
  }
}

/** Fetches and reads one exporter. Never rejects and never takes longer than the limit. */
export async function scrape(
  target: ExporterTarget,
  limits: ScrapeLimits,
  context: CollectContext,
): Promise<ScrapedTarget> {
  const started = performance.now();
  const finish = (outcome: Outcome, problem: string | null, read?: ReturnType<typeof readScrape>): ScrapedTarget => ({
    readings: read?.readings ?? [],
    result: {
      target: withoutCredentials(target.url),
      outcome,
      problem,
      durationMs: performance.now() - started,
      malformedLines: read?.malformedLines ?? 0,
    },
  });
  try {
    const text = await fetchText(target.url, limits, context.signal);
    const read = readScrape(text, { source: 'dcgm', node: target.node, seenAtMs: context.now(), gpus: context.gpus });
    if (read.readings.length > 0) return finish('ok', null, read);
    return finish('empty', 'it answered without GPU memory metrics (DCGM_FI_DEV_FB_FREE, DCGM_FI_DEV_FB_USED)', read);
  } catch (error) {
    return finish(outcomeOf(error), problemOf(error, limits));
  }
}

async function fetchText(url: string, limits: ScrapeLimits, signal: AbortSignal): Promise<string> {
  const { href, headers } = request(url);
  const response = await fetch(href, {
    headers: { accept: 'text/plain;version=0.0.4,*/*;q=0.1', ...headers },
    // An exporter does not redirect; following would let one exporter send us anywhere.
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
function request(url: string): { href: string; headers: Record<string, string> } {
  const { username, password } = new URL(url);
  if (username === '' && password === '') return { href: url, headers: {} };
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  return { href: withoutCredentials(url), headers: { authorization } };
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

function outcomeOf(error: unknown): Outcome {
  if (error instanceof NotTaken) return error.outcome;
  return (error as Error).name === 'TimeoutError' ? 'timeout' : 'unreachable';
}

/** fetch says `fetch failed` and hides the reason in the cause. */
function problemOf(error: unknown, limits: ScrapeLimits): string {
  if (outcomeOf(error) === 'timeout') return `it did not answer within ${limits.timeoutMs} ms`;
  const { message, cause } = error as Error & { cause?: Partial<NodeJS.ErrnoException> };
  const reason = cause?.message || cause?.code;
  return reason === undefined ? message : `${message}: ${reason}`;
}
