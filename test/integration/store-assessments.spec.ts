import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AssessmentRepository, UnknownCursor } from '../../src/store/assessment-repository.js';
import type { AssessmentFilter } from '../../src/store/assessment-repository.js';
import { AssessmentWriter } from '../../src/store/assessment-writer.js';
import { StoreUnavailable } from '../../src/store/store-unavailable.js';
import { assessmentWith } from '../fixtures/assessments.js';
import { startTestPostgres } from './postgres.js';
import type { TestPostgres } from './postgres.js';

const NOON = Date.UTC(2026, 10, 20, 12);

describe('assessments in Postgres', () => {
  let postgres: TestPostgres;
  let repository: AssessmentRepository;
  beforeAll(async () => {
    postgres = await startTestPostgres();
    repository = new AssessmentRepository(postgres.database);
  }, 60_000);
  afterAll(() => postgres.stop());
  beforeEach(() => postgres.database.pool.query('TRUNCATE assessments'));

  const idsOf = async (filter: AssessmentFilter): Promise<readonly string[]> =>
    (await repository.list(filter, { limit: 100 })).items.map(({ id }) => id);

  it('come back whole, however often they are written', async () => {
    const assessment = assessmentWith('tight', { id: 'x', assessedAtMs: NOON });
    await repository.save([assessment, assessment]);
    await repository.save([{ ...assessment, assessedAtMs: NOON + 5_000 }]);
    await repository.save([{ ...assessment, assessedAtMs: NOON + 1_000 }]);
    expect(await repository.find('x')).toEqual(assessment);
    expect(await repository.find('y')).toBeNull();
    expect((await repository.list({}, { limit: 10 })).items).toMatchObject([
      { id: 'x', verdict: 'tight', kind: 'Job', firstAtMs: NOON, assessedAtMs: NOON + 5_000 },
    ]);
  });

  it('are found by namespace, name, kind, verdict, device and time', async () => {
    const base = assessmentWith('fits', { id: 'a', assessedAtMs: NOON });
    const other = { ...base.workload, namespace: 'team-b', kind: 'PyTorchJob', name: 'llama' };
    await repository.save([
      base,
      assessmentWith('will-not-fit', { id: 'b', assessedAtMs: NOON + 1_000, workload: other }),
      assessmentWith('fits', { id: 'c', assessedAtMs: NOON + 2_000, fit: [] }),
    ]);
    expect(await idsOf({})).toEqual(['c', 'b', 'a']);
    expect(await idsOf({ namespace: 'team-b' })).toEqual(['b']);
    expect(await idsOf({ name: 'llama' })).toEqual(['b']);
    expect(await idsOf({ kind: 'PyTorchJob' })).toEqual(['b']);
    expect(await idsOf({ verdict: 'fits' })).toEqual(['c', 'a']);
    expect(await idsOf({ deviceClass: 'NVIDIA L4' })).toEqual(['b', 'a']);
    expect(await idsOf({ sinceMs: NOON + 1_000, untilMs: NOON + 2_000 })).toEqual(['b']);
    expect(await idsOf({ verdict: 'fits', deviceClass: 'NVIDIA L4' })).toEqual(['a']);
  });

  it('page without gaps or repeats while new ones come in, also at equal times', async () => {
    const many = Array.from({ length: 25 }, (_, i) =>
      assessmentWith('fits', { id: `id-${String(i).padStart(2, '0')}`, assessedAtMs: NOON - Math.floor(i / 10) }),
    );
    await repository.save(many);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await repository.list({}, { limit: 7, cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor ?? undefined;
      await repository.save([assessmentWith('fits', { id: `new-${seen.length}`, assessedAtMs: NOON + 1 })]);
    } while (cursor !== undefined);
    expect(seen).toEqual(many.map(({ id }) => id));
  });

  it.each(['', 'bm9uc2Vuc2U', '%%%', Buffer.from('12|').toString('base64url')])(
    'refuse the cursor %j',
    async (cursor) => {
      await expect(repository.list({}, { limit: 1, cursor })).rejects.toThrow(UnknownCursor);
    },
  );

  it('take text that Postgres would refuse', async () => {
    const reason = 'model "a\0b\uD800" \\u0000 is not known';
    await repository.save([assessmentWith('unknown', { id: 'odd', reason })]);
    expect((await repository.find('odd'))?.reason).toMatch(/^model "a\uFFFDb\uFFFD"/);
  });

  it('are forgotten after their time', async () => {
    await repository.save([
      assessmentWith('fits', { id: 'old', assessedAtMs: NOON }),
      assessmentWith('fits', { id: 'new', assessedAtMs: NOON + 1 }),
    ]);
    expect(await repository.forget(NOON + 1)).toBe(1);
    expect(await idsOf({})).toEqual(['new']);
  });
});

describe('assessments while the database is away', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startTestPostgres();
  }, 60_000);
  afterAll(() => postgres.stop());

  it('wait in bounded memory, are counted when let go, and are written when it is back', async () => {
    const repository = new AssessmentRepository(postgres.database);
    const writer = new AssessmentWriter(repository, postgres.database, { mostWaiting: 3, delayMs: 10 });
    await postgres.server.stop();
    for (const id of ['a', 'b', 'c', 'd', 'e']) writer.take(assessmentWith('fits', { id }));
    await writer.flush();
    expect(writer.counts).toEqual({ written: 0, dropped: 2, failed: 0 });
    expect(writer.find('e')?.id).toBe('e');
    await expect(repository.find('e')).rejects.toThrow(StoreUnavailable);
    expect(postgres.database.state).toBe('down');

    const { port } = postgres.server;
    const { startEmbeddedPostgres } = await import('../../src/store/embedded-postgres.js');
    postgres.server = await startEmbeddedPostgres({ dataFolder: postgres.dataFolder, port });
    await new Promise<void>((done) => postgres.database.onUp(done));
    await writer.flush();
    expect(writer.counts).toEqual({ written: 3, dropped: 2, failed: 0 });
    expect(writer.waiting).toBe(0);
    expect((await repository.list({}, { limit: 10 })).items.map(({ id }) => id)).toEqual(['c', 'd', 'e']);
  }, 60_000);
});
