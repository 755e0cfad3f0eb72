import { readFile } from 'node:fs/promises';
import { METRIC_READERS, readSamples } from '../inventory/metric-readers.js';
import { readVector, UnreadableAnswer, warningsOf } from '../inventory/prometheus-answer.js';
import { fetchText, NotTaken, outcomeOf, problemOf, withoutCredentials } from './fetch-text.js';
import type { FetchLimits } from './fetch-text.js';
import type { Collected, CollectContext, InventorySource } from './sources.js';

export interface PrometheusOptions {
  /** Base address, to which `/api/v1/query` is added. */
  url: string;
  /** Label matchers that narrow what is asked, such as `cluster="a",job="dcgm"`; empty: all that the server has. */
  matchers: string;
  /** A file with a bearer token; read at every query, as tokens of service accounts change. */
  tokenFile: string | null;
  /** A file with the password of the user that the address names. */
  passwordFile?: string | null;
  /** Sent with every query, such as the tenant's. */
  headers?: Readonly<Record<string, string>>;
  limits: FetchLimits;
}

/** A Prometheus-compatible server that scrapes the exporters itself: Prometheus, Thanos, VictoriaMetrics, Mimir. */
export function prometheus(options: PrometheusOptions): InventorySource {
  return {
    name: 'prometheus',
    async collect(context): Promise<Collected> {
      const started = performance.now();
      const target = withoutCredentials(options.url);
      const finish = (outcome: Collected['results'][number]['outcome'], problem: string | null) => [
        { target, outcome, problem, durationMs: performance.now() - started, malformedLines: 0 },
      ];
      try {
        const { readings, warnings } = await query(options, context);
        const isEmpty = readings.length === 0;
        const said = warnings.length === 0 ? null : `its answer may be partial: ${warnings.join('; ').slice(0, 500)}`;
        const results = finish(isEmpty ? 'empty' : 'ok', said ?? (isEmpty ? 'it knows no GPU memory metrics' : null));
        return { readings, nodes: null, results };
      } catch (error) {
        return { readings: [], nodes: null, results: finish(outcomeOf(error), problemOf(error, options.limits)) };
      }
    },
  };
}

interface Answer {
  readings: Collected['readings'];
  /** What the server says of its answer: Thanos and VictoriaMetrics answer in part where a store is away. */
  warnings: readonly string[];
}

async function query(options: PrometheusOptions, context: CollectContext): Promise<Answer> {
  const form = new URLSearchParams({ query: selector(options.matchers) });
  const headers = { ...options.headers, ...(await authentication(options)) };
  const request = { url: queryUrl(options.url), headers, form };
  const text = await fetchText(request, options.limits, context.signal);
  const { gpus, now } = context;
  const { samples, warnings } = readAnswer(text);
  return { readings: readSamples(samples, { source: 'prometheus', node: null, seenAtMs: now(), gpus }), warnings };
}

/** Every metric that a reader knows, in one query. */
function selector(matchers: string): string {
  const names = METRIC_READERS.flatMap(({ metrics }) => [...metrics]);
  const wanted = `__name__=~"${names.join('|')}"`;
  return `{${matchers.trim() === '' ? wanted : `${wanted},${matchers}`}}`;
}

function queryUrl(base: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/query`;
  return url.href;
}

async function authentication({
  url,
  tokenFile,
  passwordFile = null,
}: PrometheusOptions): Promise<Record<string, string>> {
  if (tokenFile !== null) return { authorization: `Bearer ${await secretIn(tokenFile, 'token')}` };
  if (passwordFile === null) return {};
  const user = decodeURIComponent(new URL(url).username);
  const credentials = `${user}:${await secretIn(passwordFile, 'password')}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

async function secretIn(file: string, what: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new NotTaken('unreadable', `the ${what} file cannot be read: ${error.message}`);
  });
  return text.trim();
}

function readAnswer(text: string): { samples: ReturnType<typeof readVector>; warnings: readonly string[] } {
  try {
    const answer: unknown = JSON.parse(text);
    return { samples: readVector(answer), warnings: warningsOf(answer) };
  } catch (error) {
    const problem = error instanceof UnreadableAnswer ? error.message : 'it does not answer in JSON';
    throw new NotTaken('unreadable', problem);
  }
}
