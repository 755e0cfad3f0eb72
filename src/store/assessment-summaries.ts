import type { Verdict } from '../fit/assessment.js';
import type { Database } from './database.js';
import { storableText } from './storable.js';

/** A stretch of time, in one namespace (null: in all). */
export interface SummaryScope {
  namespace: string | null;
  sinceMs: number;
  untilMs: number;
}

export interface VerdictCount {
  /** Begin of the step; milliseconds since 1970. */
  atMs: number;
  verdict: Verdict;
  count: number;
}

export interface NamespaceMemory {
  namespace: string | null;
  workloads: number;
  /** GPUs that their pods hold when all of them run. */
  devices: number;
  /** Memory of these devices: of the smallest that the pods may be given. */
  askedBytes: number;
  /** Memory that is expected to be used of it. */
  neededBytes: number;
}

export interface WorkloadAtRisk {
  id: string;
  kind: string;
  namespace: string | null;
  name: string | null;
  verdict: Verdict;
  reason: string;
  assessedAtMs: number;
}

/** Of each workload its latest assessment; $1 to $3 are since, until and namespace. */
const LATEST = `
SELECT DISTINCT ON (namespace, kind, name) id, kind, namespace, name, verdict, reason, assessed_at, body
FROM assessments
WHERE assessed_at >= to_timestamp($1 / 1000.0) AND assessed_at < to_timestamp($2 / 1000.0)
  AND ($3::text IS NULL OR namespace = $3)
ORDER BY namespace, kind, name, assessed_at DESC`;

const VERDICTS = `
SELECT extract(epoch FROM date_bin(make_interval(secs => $4), assessed_at, timestamptz 'epoch'))::float8 * 1000 AS "atMs",
  verdict, count(*)::int AS count
FROM assessments
WHERE assessed_at >= to_timestamp($1 / 1000.0) AND assessed_at < to_timestamp($2 / 1000.0)
  AND ($3::text IS NULL OR namespace = $3)
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 10000`;

const MEMORY = `
SELECT namespace, count(DISTINCT latest.id)::int AS workloads, sum(devices)::float8 AS devices,
  sum(devices * coalesce(asked, 0))::float8 AS "askedBytes", sum(devices * coalesce(needed, 0))::float8 AS "neededBytes"
FROM (${LATEST}) AS latest,
  LATERAL jsonb_array_elements(body -> 'workload' -> 'podSets') AS pods,
  LATERAL (SELECT (pods ->> 'replicas')::float8 * (pods ->> 'devicesPerPod')::float8 AS devices) AS held,
  LATERAL (
    SELECT min((class -> 'capacityBytes' ->> 'smallest')::float8) AS asked,
      min((class -> 'requiredBytes' ->> 'expected')::float8) AS needed
    FROM jsonb_array_elements(body -> 'fit') AS fit, jsonb_array_elements(fit -> 'classes') AS class
    WHERE fit ->> 'podSet' = pods ->> 'name'
  ) AS memory
WHERE devices > 0
GROUP BY namespace ORDER BY namespace NULLS FIRST LIMIT 1000`;

const AT_RISK = `
SELECT id, kind, namespace, name, verdict, reason, extract(epoch FROM assessed_at)::float8 * 1000 AS "assessedAtMs"
FROM (${LATEST}) AS latest
WHERE verdict IN ('tight', 'will-not-fit', 'unschedulable')
ORDER BY assessed_at DESC, id LIMIT $4`;

/** What dashboards show of many assessments. Every method throws StoreUnavailable where the database cannot be reached. */
export class AssessmentSummaries {
  constructor(private readonly database: Database) {}

  /** How many assessments came to each verdict, in steps of time. Steps in which there were none are left out. */
  verdicts(scope: SummaryScope, stepSeconds: number): Promise<readonly VerdictCount[]> {
    return this.rows<VerdictCount>(VERDICTS, [...valuesOf(scope), stepSeconds]);
  }

  /** What the workloads of each namespace hold and need when all of them run, by their latest assessments. */
  memory(scope: SummaryScope): Promise<readonly NamespaceMemory[]> {
    return this.rows<NamespaceMemory>(MEMORY, valuesOf(scope));
  }

  /** Workloads whose latest verdict asks for attention, newest first. */
  atRisk(scope: SummaryScope, limit: number): Promise<readonly WorkloadAtRisk[]> {
    return this.rows<WorkloadAtRisk>(AT_RISK, [...valuesOf(scope), limit]);
  }

  private async rows<T extends object>(sql: string, values: readonly unknown[]): Promise<readonly T[]> {
    const { rows } = await this.database.run(() => this.database.pool.query<T>(sql, [...values]));
    return rows;
  }
}

function valuesOf({ namespace, sinceMs, untilMs }: SummaryScope): unknown[] {
  return [sinceMs, untilMs, namespace === null ? null : storableText(namespace)];
}
