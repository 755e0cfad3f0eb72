import { z } from 'zod';
import type { Sample } from './exposition.js';

/** A Prometheus server's answer that is no vector: what it said instead. */
export class UnreadableAnswer extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'UnreadableAnswer';
  }
}

const answerSchema = z.object({
  status: z.string(),
  error: z.string().optional(),
  data: z.object({ resultType: z.string(), result: z.array(z.unknown()) }).optional(),
});

interface Series {
  metric: Record<string, unknown>;
  value: [unknown, unknown];
}

interface RangeSeries {
  metric: Record<string, unknown>;
  values: unknown[];
}

/** What was evaluated for one moment of a range. */
export interface Moment {
  atMs: number;
  samples: readonly Sample[];
}

/**
 * The samples of an instant query's answer, as Prometheus, Thanos and VictoriaMetrics give it. Their times are those of
 * the query, not of the scrape, and are left out. Throws UnreadableAnswer.
 * Format: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export function readVector(answer: unknown): readonly Sample[] {
  return resultOf(answer, 'vector').flatMap((series) => (isSeries(series) ? sampleOf(series) : []));
}

/**
 * The moments of a range query's answer, the oldest first; a series that says nothing of a moment is not in it. The
 * samples of one moment are made when it is asked for: an answer holds many.
 * Format: https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
 * Throws UnreadableAnswer.
 */
export function readMatrix(answer: unknown): Iterable<Moment> {
  const series = resultOf(answer, 'matrix').flatMap((each) => (isRangeSeries(each) ? rangeOf(each) : []));
  return momentsOf(series);
}

function resultOf(answer: unknown, type: keyof typeof TYPES): readonly unknown[] {
  const { success, data } = answerSchema.safeParse(answer);
  if (!success) throw new UnreadableAnswer('it is not the answer of a Prometheus server');
  if (data.status !== 'success') throw new UnreadableAnswer(`it refused the query: ${data.error ?? data.status}`);
  if (data.data?.resultType !== type) throw new UnreadableAnswer(`it is no ${TYPES[type]}`);
  return data.data.result;
}

const TYPES = { vector: 'instant vector', matrix: 'range of values' } as const;

interface Range extends Pick<Sample, 'metric' | 'labels'> {
  points: readonly { atMs: number; value: number }[];
  /** The first point that is not given out yet. */
  next: number;
}

function* momentsOf(series: readonly Range[]): Iterable<Moment> {
  const times = new Set(series.flatMap(({ points }) => points.map(({ atMs }) => atMs)));
  for (const atMs of [...times].sort((a, b) => a - b)) {
    yield { atMs, samples: series.flatMap((each) => sampleAt(each, atMs)) };
  }
}

function sampleAt(range: Range, atMs: number): Sample[] {
  const point = range.points[range.next];
  if (point?.atMs !== atMs) return [];
  range.next += 1;
  return [{ metric: range.metric, labels: range.labels, value: point.value, timestampMs: null }];
}

function isRangeSeries(series: unknown): series is RangeSeries {
  if (typeof series !== 'object' || series === null) return false;
  const { metric, values } = series as Partial<RangeSeries>;
  return typeof metric === 'object' && metric !== null && Array.isArray(values);
}

function rangeOf({ metric: { __name__: metric, ...rest }, values }: RangeSeries): Range[] {
  if (typeof metric !== 'string') return [];
  const points = values.flatMap((pair) => pointOf(pair)).sort((a, b) => a.atMs - b.atMs);
  return [{ metric, labels: labelsOf(rest), points, next: 0 }];
}

function pointOf(pair: unknown): { atMs: number; value: number }[] {
  if (!Array.isArray(pair)) return [];
  const [seconds, value] = pair as unknown[];
  if (typeof seconds !== 'number' || typeof value !== 'string') return [];
  return [{ atMs: Math.round(seconds * 1000), value: Number(value) }];
}

function isSeries(series: unknown): series is Series {
  if (typeof series !== 'object' || series === null) return false;
  const { metric, value } = series as Partial<Series>;
  return typeof metric === 'object' && metric !== null && Array.isArray(value) && typeof value[1] === 'string';
}

function sampleOf({ metric: { __name__: metric, ...rest }, value }: Series): Sample[] {
  if (typeof metric !== 'string') return [];
  return [{ metric, labels: labelsOf(rest), value: Number(value[1]), timestampMs: null }];
}

function labelsOf(metric: Record<string, unknown>): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [name, text] of Object.entries(metric)) if (typeof text === 'string') labels.set(name, text);
  return labels;
}

/** What a server says of its own answer; Thanos, Mimir and VictoriaMetrics so tell that it is not whole. */
export function warningsOf(answer: unknown): readonly string[] {
  const { success, data } = warnedSchema.safeParse(answer);
  if (!success) return [];
  return [...(data.warnings ?? []), ...(data.isPartial === true ? ['isPartial'] : [])];
}

const warnedSchema = z.object({ warnings: z.array(z.string()).max(100).nullish(), isPartial: z.boolean().nullish() });
