import type { Assessment, Verdict } from '../fit/assessment.js';
import type { Database } from './database.js';
import type { Prisma } from './generated/client.js';
import { storableJson, storableText } from './storable.js';

/** What a list shows of an assessment. */
export interface AssessmentSummary {
  id: string;
  apiVersion: string;
  kind: string;
  namespace: string | null;
  name: string | null;
  uid: string | null;
  verdict: Verdict;
  reason: string;
  deviceClasses: readonly string[];
  firstAtMs: number;
  assessedAtMs: number;
}

/** Each field narrows the list; absent: any. */
export interface AssessmentFilter {
  namespace?: string;
  name?: string;
  kind?: string;
  verdict?: Verdict;
  /** A device class that the workload was held against. */
  deviceClass?: string;
  /** A model that the workload trains, as the manifest or as the catalog names it. */
  model?: string;
  /** Assessed at or after. */
  sinceMs?: number;
  /** Assessed before. */
  untilMs?: number;
}

export interface AssessmentPage {
  items: readonly AssessmentSummary[];
  /** Give it back for the next page; null: this was the last. */
  nextCursor: string | null;
}

/** A cursor that this service did not give out. */
export class UnknownCursor extends Error {
  constructor() {
    super('cursor: not one that a list gave; leave it out to begin at the newest');
    this.name = 'UnknownCursor';
  }
}

const INSERT_ASSESSMENTS = `
INSERT INTO assessments (id, api_version, kind, namespace, name, uid, verdict, reason, device_classes, body, first_at,
  assessed_at)
SELECT id, api_version, kind, namespace, name, uid, verdict, reason,
  ARRAY(SELECT jsonb_array_elements_text(device_classes)), body,
  to_timestamp(assessed_at / 1000.0), to_timestamp(assessed_at / 1000.0)
FROM jsonb_to_recordset($1::jsonb) AS given (id text, api_version text, kind text, namespace text, name text, uid text,
  verdict text, reason text, device_classes jsonb, body jsonb, assessed_at bigint)
ON CONFLICT (id) DO UPDATE SET assessed_at = GREATEST(assessments.assessed_at, EXCLUDED.assessed_at)`;

const FORGET = 'DELETE FROM assessments WHERE assessed_at < to_timestamp($1::bigint / 1000.0)';

const SUMMARY = {
  id: true,
  apiVersion: true,
  kind: true,
  namespace: true,
  name: true,
  uid: true,
  verdict: true,
  reason: true,
  deviceClasses: true,
  firstAt: true,
  assessedAt: true,
} satisfies Prisma.AssessmentSelect;

type SummaryRow = Prisma.AssessmentGetPayload<{ select: typeof SUMMARY }>;

/** Assessments in the database. Every method throws StoreUnavailable where it cannot be reached. */
export class AssessmentRepository {
  constructor(private readonly database: Database) {}

  /** Writes assessments in one statement. One that is stored already only becomes newer. */
  async save(assessments: readonly Assessment[]): Promise<void> {
    const newest = new Map(assessments.map((assessment) => [assessment.id, assessment]));
    const rows = storableJson([...newest.values()].map(rowOf));
    await this.database.run(() => this.database.pool.query(INSERT_ASSESSMENTS, [rows]));
  }

  /** The whole assessment; null where there is none with that id. */
  async find(id: string): Promise<Assessment | null> {
    const row = await this.database.run(() =>
      this.database.client.assessment.findUnique({ where: { id: storableText(id) }, select: { body: true } }),
    );
    return row === null ? null : (row.body as unknown as Assessment);
  }

  /**
   * Assessments, newest first, at most `limit` (1 to 500). Pages hang together by what was shown last, so that new
   * assessments between two pages neither repeat nor hide others. Throws UnknownCursor.
   */
  async list(filter: AssessmentFilter, page: { limit: number; cursor?: string }): Promise<AssessmentPage> {
    const limit = Math.max(1, Math.min(500, Math.trunc(page.limit)));
    const after = page.cursor === undefined ? [] : [beyond(page.cursor)];
    const rows = await this.database.run(() =>
      this.database.client.assessment.findMany({
        where: { AND: [conditions(filter), ...after] },
        orderBy: [{ assessedAt: 'desc' }, { id: 'asc' }],
        take: limit + 1,
        select: SUMMARY,
      }),
    );
    const items = rows.slice(0, limit).map(summaryOf);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, nextCursor: last === undefined ? null : cursorOf(last) };
  }

  /** Forgets assessments that were last made before `beforeMs`. */
  async forget(beforeMs: number): Promise<number> {
    const { rowCount } = await this.database.run(() => this.database.pool.query(FORGET, [beforeMs]));
    return rowCount ?? 0;
  }
}

/** The device classes that an assessment was held against. */
export function deviceClassesOf(assessment: Assessment): readonly string[] {
  return [...new Set(assessment.fit.flatMap(({ classes }) => classes.map(({ deviceClass }) => deviceClass)))];
}

const rowOf = (assessment: Assessment): object => ({
  id: assessment.id,
  api_version: assessment.workload.apiVersion,
  kind: assessment.workload.kind,
  namespace: assessment.workload.namespace,
  name: assessment.workload.name,
  uid: assessment.workload.uid,
  verdict: assessment.verdict,
  reason: assessment.reason,
  device_classes: deviceClassesOf(assessment),
  body: assessment,
  assessed_at: Math.round(assessment.assessedAtMs),
});

function conditions(filter: AssessmentFilter): Prisma.AssessmentWhereInput {
  const { namespace, name, kind, verdict, deviceClass, model, sinceMs, untilMs } = filter;
  const equal = { namespace, name, kind, verdict };
  return {
    ...Object.fromEntries(
      Object.entries(equal).flatMap(([field, text]) => (text === undefined ? [] : [[field, storableText(text)]])),
    ),
    ...(deviceClass === undefined ? {} : { deviceClasses: { has: storableText(deviceClass) } }),
    ...(model === undefined ? {} : { OR: trains(storableText(model)) }),
    assessedAt: {
      ...(sinceMs === undefined ? {} : { gte: new Date(sinceMs) }),
      ...(untilMs === undefined ? {} : { lt: new Date(untilMs) }),
    },
  };
}

/** Assessments of a run of this model: containment within the stored body. */
function trains(model: string): Prisma.AssessmentWhereInput[] {
  return [{ name: model }, { catalogId: model }].map((value) => ({
    body: { path: ['runs'], array_contains: [{ settings: { model: { value } } }] },
  }));
}

const CURSOR = /^(\d{1,15})\|(.{1,200})$/s;

const cursorOf = ({ assessedAtMs, id }: AssessmentSummary): string =>
  Buffer.from(`${assessedAtMs}|${id}`).toString('base64url');

/** What comes after the row that the cursor stands for, in the order of the list. */
function beyond(cursor: string): Prisma.AssessmentWhereInput {
  const [, time, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (time === undefined || id === undefined) throw new UnknownCursor();
  const assessedAt = new Date(Number(time));
  return { OR: [{ assessedAt: { lt: assessedAt } }, { assessedAt, id: { gt: storableText(id) } }] };
}

const summaryOf = ({ firstAt, assessedAt, verdict, ...row }: SummaryRow): AssessmentSummary => ({
  ...row,
  verdict: verdict as Verdict,
  firstAtMs: firstAt.getTime(),
  assessedAtMs: assessedAt.getTime(),
});
