import { readFile } from 'node:fs/promises';
import { METRIC_READERS, readSamples } from '../inventory/metric-readers.js';
import { readVector, UnreadableAnswer } from '../inventory/prometheus-answer.js';
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
        const readings = await query(options, context);
        const isEmpty = readings.length === 0;
        const results = finish(isEmpty ? 'empty' : 'ok', isEmpty ? 'it knows no GPU memory metrics' : null);
        return { readings, nodes: null, results };
      } catch (error) {
        return { readings: [], nodes: null, results: finish(outcomeOf(error), problemOf(error, options.limits)) };
      }
    },
  };
}

async function query(options: PrometheusOptions, context: CollectContext): Promise<Collected['readings']> {
  const form = new URLSearchParams({ query: selector(options.matchers) });
  const request = { url: queryUrl(options.url), headers: await authentication(options.tokenFile), form };
  const text = await fetchText(request, options.limits, context.signal);
  const { gpus, now } = context;
  return readSamples(readAnswer(text), { source: 'prometheus', node: null, seenAtMs: now(), gpus });
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

async function authentication(tokenFile: string | null): Promise<Record<string, string>> {
  if (tokenFile === null) return {};
  const token = await readFile(tokenFile, 'utf8').catch((error: Error) => {
    throw new NotTaken('unreadable', `the token file cannot be read: ${error.message}`);
  });
  return { authorization: `Bearer ${token.trim()}` };
}

function readAnswer(text: string): ReturnType<typeof readVector> {
  try {
    return readVector(JSON.parse(text));
  } catch (error) {
    const problem = error instanceof UnreadableAnswer ? error.message : 'it does not answer in JSON';
    throw new NotTaken('unreadable', problem);
  }
}
