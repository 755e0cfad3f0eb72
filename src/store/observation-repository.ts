import { AHEAD_MS } from '../inventory/wall-clock.js';
import type { Ending } from '../observation/container-status.js';
import { lastSeenMs } from '../observation/pod-observation.js';
import type { PodObservation } from '../observation/pod-observation.js';
import type { Database } from './database.js';
import { storableJson, storableText } from './storable.js';

/** Each field narrows the list; absent: any. */
export interface ObservationFilter {
  namespace?: string;
  kind?: string;
  name?: string;
  fingerprint?: string;
  /** Last seen at or after. */
  sinceMs?: number;
  /** Last seen before. */
  untilMs?: number;
}

/** Where a list goes on: after this row. */
export interface ObservationPlace {
  lastAtMs: number;
  id: string;
}

/** What was written since another time, by the clock of the database. */
export interface WrittenSince {
  observations: readonly PodObservation[];
  /** Give it back to go on from there. */
  watermark: string;
}

const AT_A_TIME = 1_000;

/** A pod that is written again, by this or another replica, only becomes newer; how it ended is not forgotten. */
const UPSERT = `
INSERT INTO pod_observations (id, cluster, kind, namespace, name, fingerprint, device_class, ending, last_at, written_at,
  body)
SELECT id, cluster, kind, namespace, name, fingerprint, device_class, ending, to_timestamp(last_at / 1000.0),
  clock_timestamp(), body
FROM jsonb_to_recordset($1::jsonb) AS given (id text, cluster text, kind text, namespace text, name text,
  fingerprint text, device_class text, ending text, last_at float8, body jsonb)
ON CONFLICT (id) DO UPDATE SET
  fingerprint = COALESCE(EXCLUDED.fingerprint, pod_observations.fingerprint), device_class = EXCLUDED.device_class,
  ending = COALESCE(EXCLUDED.ending, pod_observations.ending), last_at = EXCLUDED.last_at,
  written_at = EXCLUDED.written_at, body = EXCLUDED.body
WHERE pod_observations.last_at <= EXCLUDED.last_at OR pod_observations.last_at > to_timestamp($2::bigint / 1000.0)`;

const COLUMNS = `body, ending`;

/** The newest, so that a bound leaves out what is oldest. */
const NEWEST = `
SELECT ${COLUMNS}, (SELECT max(written_at)::text FROM pod_observations) AS watermark
FROM pod_observations ORDER BY last_at DESC, id LIMIT $1`;

const WRITTEN_SINCE = `
SELECT ${COLUMNS}, written_at::text AS watermark FROM pod_observations
WHERE written_at > $1::timestamptz ORDER BY written_at LIMIT $2`;

const LIST = `
SELECT ${COLUMNS}, NULL AS watermark FROM pod_observations
WHERE ($1::text IS NULL OR namespace = $1) AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR name = $3)
  AND ($4::text IS NULL OR fingerprint = $4)
  AND last_at >= to_timestamp($5 / 1000.0) AND last_at < to_timestamp($6 / 1000.0)
  AND ($7::float8 IS NULL OR last_at < to_timestamp($7 / 1000.0) OR (last_at = to_timestamp($7 / 1000.0) AND id > $8))
ORDER BY last_at DESC, id LIMIT $9`;

interface Row {
  body: PodObservation;
  ending: Ending | null;
  watermark: string | null;
}

/** Before anything was written. */
const BEGINNING = '-infinity';
const END_OF_TIME_MS = Date.UTC(9999, 0);

/** What pods used, in the database. Every method throws StoreUnavailable where it cannot be reached. */
export class ObservationRepository {
  constructor(private readonly database: Database) {}

  /** Writes observations in bulk at the time `nowMs`. The same one may be written any number of times. */
  async save(observations: readonly PodObservation[], nowMs: number): Promise<void> {
    for (let from = 0; from < observations.length; from += AT_A_TIME) {
      const rows = storableJson(observations.slice(from, from + AT_A_TIME).map(rowOf));
      await this.database.run(() => this.database.pool.query(UPSERT, [rows, nowMs + AHEAD_MS]));
    }
  }

  /** The observations last seen, at most `limit`. */
  async newest(limit: number): Promise<WrittenSince> {
    return writtenIn(await this.rows(NEWEST, [limit]), BEGINNING);
  }

  /** What was written since, oldest first, at most `limit`. */
  async writtenSince(watermark: string, limit: number): Promise<WrittenSince> {
    const rows = await this.rows(WRITTEN_SINCE, [watermark, limit]);
    const last = rows.at(-1)?.watermark ?? watermark;
    return { observations: rows.map(observationOf), watermark: last };
  }

  /** Observations, the one last seen first, at most `limit`. */
  async list(
    filter: ObservationFilter,
    { limit, after }: { limit: number; after?: ObservationPlace },
  ): Promise<readonly PodObservation[]> {
    const { namespace, kind, name, fingerprint, sinceMs = 0, untilMs = END_OF_TIME_MS } = filter;
    const texts = [namespace, kind, name, fingerprint].map((text) => (text === undefined ? null : storableText(text)));
    const place = after === undefined ? [null, null] : [after.lastAtMs, storableText(after.id)];
    return (await this.rows(LIST, [...texts, sinceMs, untilMs, ...place, limit])).map(observationOf);
  }

  /** Forgets what was last seen before `beforeMs`; returns how many that were. */
  async forget(beforeMs: number): Promise<number> {
    const where = { lastAt: { lt: new Date(beforeMs) } };
    const { count } = await this.database.run(() => this.database.client.podObservation.deleteMany({ where }));
    return count;
  }

  private async rows(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const { rows } = await this.database.run(() => this.database.pool.query<Row>(sql, [...values]));
    return rows;
  }
}

const observationOf = ({ body, ending }: Row): PodObservation => ({ ...body, ending });

function writtenIn(rows: readonly Row[], before: string): WrittenSince {
  return { observations: rows.map(observationOf), watermark: rows[0]?.watermark ?? before };
}

const rowOf = (observation: PodObservation): object => ({
  id: observation.id,
  cluster: observation.cluster,
  kind: observation.workload.kind,
  namespace: observation.workload.namespace,
  name: observation.workload.name,
  fingerprint: observation.run?.fingerprint ?? null,
  device_class: observation.device.deviceClass,
  ending: observation.ending,
  last_at: Math.round(lastSeenMs(observation)),
  body: observation,
});
