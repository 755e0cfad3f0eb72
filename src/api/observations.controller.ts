import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { ObservationHolder, writtenObservations } from '../advisor/observation-holder.js';
import type { WrittenObservations } from '../advisor/observation-holder.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import type { LearnedContext } from '../memory/estimate.js';
import { accuracyOf } from '../observation/accuracy.js';
import type { Accuracy } from '../observation/accuracy.js';
import { accuracySteps } from '../observation/accuracy-steps.js';
import type { AccuracyStep } from '../observation/accuracy-steps.js';
import { ownPeakOf } from '../observation/device-use.js';
import type { PodObservation } from '../observation/pod-observation.js';
import { rulesOf, standingOf } from '../observation/standing.js';
import type { Standing } from '../observation/standing.js';
import { ObservationRepository } from '../store/observation-repository.js';
import { Requires } from './access.js';
import { ApiProblems } from './api-problems.js';
import { pageSchema } from './described-page.js';
import { cursorSchema, decodeCursor, encodeCursor, limitSchema } from './paging.js';
import type { Page } from './paging.js';
import { accuracyAnswerSchema, learnedContextSchema, observationSchema } from './schemas/observation.js';
import { timeSchema } from './time-range.js';

const text = z.string().min(1).max(253);
const range = {
  namespace: text.optional().describe('Only workloads of this namespace'),
  since: timeSchema.optional().describe('Last seen at or after this time (RFC 3339)'),
  until: timeSchema.optional().describe('Last seen before this time (RFC 3339)'),
};
const listQuery = z.strictObject({
  ...range,
  kind: text.optional().describe('Only workloads of this kind, such as `Job`'),
  name: text.optional().describe('Only workloads of this name'),
  fingerprint: text.optional().describe('Only runs of these settings'),
  limit: limitSchema,
  cursor: cursorSchema,
});
const accuracyQuery = z.strictObject(range);
const STEP_MS = { '1h': 3_600_000, '1d': 86_400_000, '7d': 7 * 86_400_000 } as const;
const stepsQuery = z.strictObject({
  ...range,
  step: z.enum(['1h', '1d', '7d']).default('1d').describe('Length of the steps of time'),
});

const itemsOf = <S extends z.ZodType>(item: S) => z.object({ items: z.array(item) });
const stepSchema = z
  .object({
    atMs: z.number().describe('Begin of the step; milliseconds since 1970'),
    runs: z.int().min(0).describe('Distinct runs that were compared'),
    medianError: z.number().nullable(),
    medianAbsoluteError: z.number().nullable(),
    outOfMemory: z.int().min(0),
  })
  .meta({ id: 'AccuracyStep' });
/** Uses by fingerprint are pairs: read back by `plimsoll advise --observations`. */
const usesSchema = z.object({
  uses: z.array(z.array(z.json())).describe('Pairs of a fingerprint and what runs of it used, the newest first'),
  contexts: z.array(learnedContextSchema),
});

/** Observations that one answer is made from, the newest. */
const MOST = 20_000;

type Described = PodObservation & { standing: Standing; usedBytes: number };

/** What runs really used, and how it compares with what was estimated. */
@ApiTags('observations')
@Controller('v1')
export class ObservationsController {
  constructor(
    private readonly repository: ObservationRepository,
    private readonly holder: ObservationHolder,
    @Inject(SETTINGS) private readonly settings: SettingValues,
  ) {}

  @Get('observations')
  @Requires({ verb: 'list', resource: 'assessments' })
  @ApiOperation({ summary: 'What pods used of their devices, the one last seen first' })
  @ApiOkResponse({ description: 'Observations', standardSchema: pageSchema(observationSchema) })
  @ApiProblems(400, 403, 404, 503)
  async observations(@Query({ schema: listQuery }) query: z.output<typeof listQuery>): Promise<Page<Described>> {
    const { limit, cursor, since, until, ...equal } = query;
    const after = cursor === undefined ? null : decodeCursor(cursor, z.tuple([z.number(), z.string()]));
    const found = await this.repository.list(
      { ...equal, ...timesOf({ since, until }) },
      { limit: limit + 1, ...(after && { after: { lastAtMs: after[0], id: after[1] } }) },
    );
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return {
      items: page.map((one) => this.#described(one)),
      next: last ? encodeCursor([last.use.lastAtMs, last.id]) : null,
    };
  }

  @Get('observations/uses')
  @Requires({ verb: 'list', resource: 'assessments' })
  @ApiOperation({ summary: 'What later answers know of earlier runs; from memory' })
  @ApiOkResponse({ description: 'Uses by fingerprint, and constants of stacks', standardSchema: usesSchema })
  @ApiProblems(403)
  uses(): WrittenObservations {
    return writtenObservations(this.holder.current());
  }

  @Get('accuracy')
  @Requires({ verb: 'list', resource: 'assessments' })
  @ApiOperation({ summary: 'How estimates compare with what runs used, by cluster, program and version' })
  @ApiOkResponse({
    description: 'Groups with most runs first, and what was learned',
    standardSchema: accuracyAnswerSchema,
  })
  @ApiProblems(400, 403, 503)
  async accuracy(
    @Query({ schema: accuracyQuery }) query: z.output<typeof accuracyQuery>,
  ): Promise<{ items: Accuracy[]; learned: readonly LearnedContext[] }> {
    const found = await this.#within(query);
    return { items: accuracyOf(found, rulesOf(this.settings)), learned: this.holder.current().contexts };
  }

  @Get('summary/accuracy')
  @Requires({ verb: 'list', resource: 'assessments' })
  @ApiOperation({ summary: 'How estimates compare with what runs used, over time' })
  @ApiOkResponse({ description: 'Steps in which there were some', standardSchema: itemsOf(stepSchema) })
  @ApiProblems(400, 403, 503)
  async steps(@Query({ schema: stepsQuery }) query: z.output<typeof stepsQuery>): Promise<{ items: AccuracyStep[] }> {
    const { step, ...rest } = query;
    return { items: accuracySteps(await this.#within(rest), rulesOf(this.settings), STEP_MS[step]) };
  }

  #within({ namespace, ...times }: z.output<typeof accuracyQuery>): Promise<readonly PodObservation[]> {
    return this.repository.list({ ...(namespace && { namespace }), ...timesOf(times) }, { limit: MOST });
  }

  #described(observation: PodObservation): Described {
    const standing = standingOf(observation, rulesOf(this.settings));
    return { ...observation, standing, usedBytes: ownPeakOf(observation.use) };
  }
}

function timesOf({ since, until }: { since?: string | undefined; until?: string | undefined }): {
  sinceMs?: number;
  untilMs?: number;
} {
  return { ...(since && { sinceMs: Date.parse(since) }), ...(until && { untilMs: Date.parse(until) }) };
}
