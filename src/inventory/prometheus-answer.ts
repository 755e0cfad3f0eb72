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

/**
 * The samples of an instant query's answer, as Prometheus, Thanos and VictoriaMetrics give it. Their times are those of
 * the query, not of the scrape, and are left out. Throws UnreadableAnswer.
 * Format: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export function readVector(answer: unknown): readonly Sample[] {
  const { success, data } = answerSchema.safeParse(answer);
  if (!success) throw new UnreadableAnswer('it is not the answer of a Prometheus server');
  if (data.status !== 'success') throw new UnreadableAnswer(`it refused the query: ${data.error ?? data.status}`);
  if (data.data?.resultType !== 'vector') throw new UnreadableAnswer('it is no instant vector');
  return data.data.result.flatMap((series) => (isSeries(series) ? sampleOf(series) : []));
}

function isSeries(series: unknown): series is Series {
  if (typeof series !== 'object' || series === null) return false;
  const { metric, value } = series as Partial<Series>;
  return typeof metric === 'object' && metric !== null && Array.isArray(value) && typeof value[1] === 'string';
}

function sampleOf({ metric: { __name__: metric, ...rest }, value }: Series): Sample[] {
  if (typeof metric !== 'string') return [];
  const labels = new Map<string, string>();
  for (const [name, text] of Object.entries(rest)) if (typeof text === 'string') labels.set(name, text);
  return [{ metric, labels, value: Number(value[1]), timestampMs: null }];
}

/** What a server says of its own answer; Thanos, Mimir and VictoriaMetrics so tell that it is not whole. */
export function warningsOf(answer: unknown): readonly string[] {
  const { success, data } = warnedSchema.safeParse(answer);
  if (!success) return [];
  return [...(data.warnings ?? []), ...(data.isPartial === true ? ['isPartial'] : [])];
}

const warnedSchema = z.object({ warnings: z.array(z.string()).max(100).nullish(), isPartial: z.boolean().nullish() });
