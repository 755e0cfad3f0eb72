import { Controller, Get, Param, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { z } from 'zod';
import type { Assessment } from '../fit/assessment.js';
import { AssessmentRepository, UnknownCursor } from '../store/assessment-repository.js';
import type { AssessmentFilter, AssessmentSummary } from '../store/assessment-repository.js';
import { AssessmentWriter } from '../store/assessment-writer.js';
import { Access, Requires } from './access.js';
import { ApiProblems } from './api-problems.js';
import { pageSchema } from './described-page.js';
import { cursorSchema, limitSchema, noSuchPage } from './paging.js';
import type { Page } from './paging.js';
import { ProblemError } from './problem.js';
import { fieldsSchema, pickFields, pickedSchema } from './picked-fields.js';
import { assessmentSchema, verdictSchema, workloadReferenceSchema } from './schemas/assessment.js';
import { timeSchema } from './time-range.js';

const text = z.string().min(1).max(253);

const filters = {
  namespace: text.optional().describe('Only workloads of this namespace'),
  name: text.optional().describe('Only workloads of this name'),
  kind: text.optional().describe('Only workloads of this kind, such as `Job`'),
  verdict: verdictSchema.optional().describe('Only this verdict'),
  model: text.optional().describe('Only workloads that train this model, as the manifest or the catalog names it'),
  device: text.optional().describe('Only workloads that were held against this device class'),
  since: timeSchema.optional().describe('Assessed at or after this time (RFC 3339)'),
  until: timeSchema.optional().describe('Assessed before this time (RFC 3339)'),
  limit: limitSchema,
  cursor: cursorSchema,
};

const summarySchema = workloadReferenceSchema
  .extend({
    id: z.string(),
    verdict: verdictSchema,
    reason: z.string(),
    deviceClasses: z.array(z.string()),
    firstAtMs: z.number().describe('When this answer was first given; milliseconds since 1970'),
    assessedAtMs: z.number().describe('When it was last given; milliseconds since 1970'),
  })
  .meta({ id: 'AssessmentSummary' });

const GET = { verb: 'get', resource: 'assessments' } as const;
const listQuery = z.strictObject({ ...filters, fields: fieldsSchema(summarySchema) });
const oneQuery = z.strictObject({ fields: fieldsSchema(assessmentSchema) });
const oneParams = z.object({ id: z.string().min(1).max(200) });

/** What was found of the workloads of the cluster. */
@ApiTags('assessments')
@Controller('v1/assessments')
export class AssessmentsController {
  constructor(
    private readonly repository: AssessmentRepository,
    private readonly writer: AssessmentWriter,
    private readonly access: Access,
  ) {}

  @Get()
  @Requires({ verb: 'list', resource: 'assessments' })
  @ApiOperation({ summary: 'Assessments, newest first' })
  @ApiOkResponse({ description: 'Assessments in short', standardSchema: pageSchema(pickedSchema(summarySchema)) })
  @ApiProblems(400, 403, 404, 503)
  async assessments(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
  ): Promise<Page<Partial<AssessmentSummary>>> {
    const { limit, cursor, fields, device, since, until, ...equal } = query;
    const filter: AssessmentFilter = {
      ...equal,
      ...(device !== undefined && { deviceClass: device }),
      ...(since !== undefined && { sinceMs: Date.parse(since) }),
      ...(until !== undefined && { untilMs: Date.parse(until) }),
    };
    try {
      const { items, nextCursor } = await this.repository.list(filter, {
        limit,
        ...(cursor !== undefined && { cursor }),
      });
      return { items: items.map((item) => pickFields(item, fields)), next: nextCursor };
    } catch (error) {
      if (!(error instanceof UnknownCursor)) throw error;
      throw noSuchPage();
    }
  }

  @Get(':id')
  @ApiOperation({ summary: 'One assessment, with all evidence' })
  @ApiOkResponse({ description: 'The assessment', standardSchema: pickedSchema(assessmentSchema) })
  @ApiProblems(400, 404, 503)
  async assessment(
    @Param({ schema: oneParams }) { id }: z.output<typeof oneParams>,
    @Query({ schema: oneQuery }) { fields }: z.output<typeof oneQuery>,
    @Req() request: Request,
  ): Promise<Partial<Assessment>> {
    const assessment = this.writer.find(id) ?? (await this.repository.find(id));
    // Nobody learns by an id that there is something in a namespace that is not theirs to see.
    const isShown = assessment !== null && (await this.access.has(request, GET, assessment.workload.namespace));
    if (!isShown) throw new ProblemError(404, 'There is no assessment with this id.');
    return pickFields(assessment, fields);
  }
}
