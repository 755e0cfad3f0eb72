import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { METRIC_READERS, readSamples } from '../inventory/metric-readers.js';
import { readMatrix, readVector, UnreadableAnswer, warningsOf } from '../inventory/prometheus-answer.js';
import { fetchText, NotTaken, outcomeOf, problemOf, withoutCredentials } from './fetch-text.js';
import type { FetchLimits } from './fetch-text.js';
import type { Collected, CollectContext, InventorySource, Outcome, Stretch, TargetResult } from './sources.js';

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
  /** Left out: it is not asked for its past. */
  range?: RangeOptions;
}

/** How a server is asked for its past. */
export interface RangeOptions {
  /** Time between two moments that are asked for. */
  stepMs: number;
  limits: FetchLimits;
}

/** A Prometheus-compatible server that scrapes the exporters itself: Prometheus, Thanos, VictoriaMetrics, Mimir. */
export function prometheus(options: PrometheusOptions): InventorySource {
  const { range } = options;
  return {
    name: 'prometheus',
    collect: (context) => collectNow(options, context),
    ...(range === undefined
      ? {}
      : { backfill: (context, stretch) => collectPast({ ...options, range }, context, stretch) }),
  };
}

async function collectNow(options: PrometheusOptions, context: CollectContext): Promise<Collected> {
  const finish = finisher(options);
  try {
    const { gpus, now } = context;
    const { read: samples, warnings } = await ask(options, context, {
      path: 'query',
      form: { query: selector(options.matchers) },
      limits: options.limits,
      read: readVector,
    });
    const readings = readSamples(samples, { source: 'prometheus', node: null, seenAtMs: now(), gpus });
    return { readings, nodes: null, results: finish(readings.length === 0, warnings) };
  } catch (error) {
    return { readings: [], nodes: null, results: finish(error as Error) };
  }
}

/** Refused, or too late, because it is too much: then half as much may not be. */
const MAYBE_TOO_MUCH: ReadonlySet<Outcome> = new Set(['too-large', 'timeout', 'refused']);

/**
 * The past, moment by moment. A stretch that is too much for one answer is halved, down to a single moment; a server that
 * cannot be asked at all ends it.
 */
async function* collectPast(
  options: PrometheusOptions & { range: RangeOptions },
  context: CollectContext,
  { fromMs, toMs }: Stretch,
): AsyncIterable<Collected> {
  const { stepMs } = options.range;
  const finish = finisher(options, options.range.limits);
  let atMs = Math.ceil(fromMs / stepMs) * stepMs;
  let steps = Math.ceil((toMs - atMs) / stepMs);
  while (atMs < toMs) {
    const lastMs = Math.min(atMs + (steps - 1) * stepMs, toMs - 1);
    try {
      const { read: moments, warnings } = await askRange(options, context, { fromMs: atMs, toMs: lastMs });
      let isEmpty = true;
      for (const { atMs: seenAtMs, samples } of moments) {
        const readings = readSamples(samples, { source: 'prometheus', node: null, seenAtMs, gpus: context.gpus });
        isEmpty &&= readings.length === 0;
        yield { readings, nodes: null, results: [] };
        await setImmediate();
      }
      yield { readings: [], nodes: null, results: finish(isEmpty, warnings) };
      atMs += steps * stepMs;
    } catch (error) {
      if (steps === 1 || context.signal.aborted || !MAYBE_TOO_MUCH.has(outcomeOf(error))) {
        yield { readings: [], nodes: null, results: finish(error as Error) };
        return;
      }
      steps = Math.ceil(steps / 2);
    }
  }
}

function askRange(
  options: PrometheusOptions & { range: RangeOptions },
  context: CollectContext,
  { fromMs, toMs }: Stretch,
): Promise<Answer<ReturnType<typeof readMatrix>>> {
  const { stepMs, limits } = options.range;
  const [start, end, step] = [fromMs, toMs, stepMs].map((ms) => String(ms / 1000)) as [string, string, string];
  const form = { query: selector(options.matchers), start, end, step };
  return ask(options, context, { path: 'query_range', form, limits, read: readMatrix });
}

/** Makes the results of one target out of what became of a query: whether it told anything, or what went wrong. */
function finisher(
  options: PrometheusOptions,
  limits: FetchLimits = options.limits,
): (how: boolean | Error, warnings?: readonly string[]) => readonly TargetResult[] {
  const started = performance.now();
  const target = withoutCredentials(options.url);
  const resultOf = (outcome: Outcome, problem: string | null): readonly TargetResult[] => [
    { target, outcome, problem, durationMs: performance.now() - started, malformedLines: 0 },
  ];
  return (how, warnings = []) => {
    if (how instanceof Error) return resultOf(outcomeOf(how), problemOf(how, limits));
    const said = warnings.length === 0 ? null : `its answer may be partial: ${warnings.join('; ').slice(0, 500)}`;
    return resultOf(how ? 'empty' : 'ok', said ?? (how ? 'it knows no GPU memory metrics' : null));
  };
}

interface Question<T> {
  path: 'query' | 'query_range';
  form: Record<string, string>;
  limits: FetchLimits;
  /** Throws UnreadableAnswer. */
  read: (answer: unknown) => T;
}

interface Answer<T> {
  read: T;
  /** What the server says of its answer: Thanos and VictoriaMetrics answer in part where a store is away. */
  warnings: readonly string[];
}

async function ask<T>(options: PrometheusOptions, context: CollectContext, question: Question<T>): Promise<Answer<T>> {
  const headers = { ...options.headers, ...(await authentication(options)) };
  const form = new URLSearchParams(question.form);
  const request = { url: queryUrl(options.url, question.path), headers, form };
  const text = await fetchText(request, question.limits, context.signal);
  try {
    const answer: unknown = JSON.parse(text);
    return { read: question.read(answer), warnings: warningsOf(answer) };
  } catch (error) {
    const problem = error instanceof UnreadableAnswer ? error.message : 'it does not answer in JSON';
    throw new NotTaken('unreadable', problem);
  }
}

/** Every metric that a reader knows, in one query. */
function selector(matchers: string): string {
  const names = METRIC_READERS.flatMap(({ metrics }) => [...metrics]);
  const wanted = `__name__=~"${names.join('|')}"`;
  return `{${matchers.trim() === '' ? wanted : `${wanted},${matchers}`}}`;
}

function queryUrl(base: string, path: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/${path}`;
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
