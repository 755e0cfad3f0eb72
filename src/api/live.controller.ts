import { Controller, Headers, type MessageEvent, Query, Sse } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  finalize,
  from,
  interval,
  map,
  mergeMap,
  type Observable,
  startWith,
  takeUntil,
  timer,
  exhaustMap,
} from 'rxjs';
import { z } from 'zod';
import { AssessmentRepository } from '../store/assessment-repository.js';
import type { AssessmentSummary } from '../store/assessment-repository.js';
import { StoreUnavailable } from '../store/store-unavailable.js';
import { Requires } from './access.js';
import { ApiProblems } from './api-problems.js';
import { ProblemError } from './problem.js';
import { verdictSchema } from './schemas/assessment.js';

/** Whatever replica assessed it, it comes through the database. */
const LOOK_MS = 2_000;
/** Then the browser asks again, and its token is looked at again. */
const LIFETIME_MS = 600_000;
const MOST_STREAMS = 100;
const MOST_AT_A_TIME = 500;

const liveQuery = z.strictObject({
  namespace: z.string().min(1).max(253).optional().describe('Only workloads of this namespace'),
  verdict: verdictSchema.optional().describe('Only this verdict'),
});

/** Assessments as they are made. */
@ApiTags('assessments')
@Controller('v1/live')
export class LiveController {
  #streams = 0;

  constructor(private readonly repository: AssessmentRepository) {}

  @Sse('assessments')
  @Requires({ verb: 'watch', resource: 'assessments' })
  @ApiOperation({
    summary: 'Assessments in short as they are made, as server-sent events',
    description:
      'Ends after ten minutes: clients reconnect by themselves, and go on where they were by `Last-Event-ID`.',
  })
  @ApiOkResponse({
    description: 'Events of type `assessment`, their data what the list shows of one',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiProblems(400, 403, 503)
  assessments(
    @Query({ schema: liveQuery }) query: z.output<typeof liveQuery>,
    @Headers('last-event-id') lastEventId: string | undefined,
  ): Observable<MessageEvent> {
    if (this.#streams >= MOST_STREAMS) throw new ProblemError(503, 'Too many live views are open. Try again.');
    this.#streams += 1;
    const news = new News(sinceOf(lastEventId, Date.now()));
    return interval(LOOK_MS).pipe(
      startWith(0),
      exhaustMap(() => from(this.#look(news, query))),
      mergeMap((found) => found),
      map((summary) => ({ type: 'assessment', id: String(summary.assessedAtMs), data: summary })),
      takeUntil(timer(LIFETIME_MS)),
      finalize(() => (this.#streams -= 1)),
    );
  }

  /** While the database is away there is nothing new. */
  async #look(news: News, { namespace, verdict }: z.output<typeof liveQuery>): Promise<AssessmentSummary[]> {
    try {
      const narrowed = { ...(namespace && { namespace }), ...(verdict && { verdict }), sinceMs: news.sinceMs };
      const { items } = await this.repository.list(narrowed, { limit: MOST_AT_A_TIME });
      return news.among(items);
    } catch (error) {
      if (error instanceof StoreUnavailable) return [];
      throw error;
    }
  }
}

/** What was not told yet, oldest first. */
class News {
  #told = new Set<string>();

  constructor(public sinceMs: number) {}

  among(newestFirst: readonly AssessmentSummary[]): AssessmentSummary[] {
    const fresh = [...newestFirst].reverse().filter((summary) => !this.#told.has(keyOf(summary)));
    const last = newestFirst[0];
    if (last !== undefined) {
      this.sinceMs = last.assessedAtMs;
      this.#told = new Set(newestFirst.filter(({ assessedAtMs }) => assessedAtMs === last.assessedAtMs).map(keyOf));
    }
    return fresh;
  }
}

const keyOf = ({ id, assessedAtMs }: AssessmentSummary): string => `${assessedAtMs} ${id}`;

/** After what was told last, at most a day ago; from now on where nothing was. */
function sinceOf(lastEventId: string | undefined, nowMs: number): number {
  const lastMs = /^\d{1,15}$/.test(lastEventId ?? '') ? Number(lastEventId) + 1 : nowMs;
  return Math.min(nowMs, Math.max(lastMs, nowMs - 86_400_000));
}
