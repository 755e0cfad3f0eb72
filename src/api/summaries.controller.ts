import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { InventoryHolder } from '../advisor/inventory-holder.js';
import { AssessmentSummaries } from '../store/assessment-summaries.js';
import type { NamespaceMemory, SummaryScope, VerdictCount, WorkloadAtRisk } from '../store/assessment-summaries.js';
import { Requires } from './access.js';
import { ApiProblems } from './api-problems.js';
import { deviceSummary } from './device-summary.js';
import type { DeviceClassSummary } from './device-summary.js';
import { limitSchema } from './paging.js';
import { verdictSchema } from './schemas/assessment.js';
import { timeRange, timeSchema } from './time-range.js';

const STEP_SECONDS = { '1m': 60, '5m': 300, '1h': 3600, '6h': 21_600, '1d': 86_400 } as const;
/** Most steps of one answer. */
const STEPS = 1500;

const scope = {
  namespace: z.string().min(1).max(253).optional().describe('Only workloads of this namespace'),
  since: timeSchema.optional().describe('Assessed at or after this time (RFC 3339); a day before the end if left out'),
  until: timeSchema.optional().describe('Assessed before this time (RFC 3339); now if left out'),
};
const scopeQuery = z.strictObject(scope);
const verdictsQuery = z.strictObject({
  ...scope,
  step: z.enum(['1m', '5m', '1h', '6h', '1d']).default('1h').describe('Length of the steps of time'),
});
const atRiskQuery = z.strictObject({ ...scope, limit: limitSchema });

const bytes = z.number().min(0).describe('Bytes');
const itemsOf = <S extends z.ZodType>(item: S) => z.object({ items: z.array(item) });
const nullableText = z.string().nullable();

const verdictCount = z
  .object({
    atMs: z.number().describe('Begin of the step; milliseconds since 1970'),
    verdict: verdictSchema,
    count: z.int().min(0),
  })
  .meta({ id: 'VerdictCount' });
const namespaceMemory = z
  .object({
    namespace: nullableText,
    workloads: z.int().min(0),
    devices: z.number().min(0).describe('GPUs that their pods hold when all of them run'),
    askedBytes: bytes.describe('Memory of these devices: of the smallest that the pods may be given'),
    neededBytes: bytes.describe('Memory that is expected to be used of it'),
  })
  .meta({ id: 'NamespaceMemory' });
const deviceClass = z
  .object({
    deviceClass: z.string(),
    resource: z.string(),
    nodes: z.int().min(0),
    devices: z.int().min(0),
    capacityBytes: bytes,
    usedBytes: bytes.nullable().describe('In use at the last sample; null where no exporter says so'),
    requested: z.number().min(0).describe('Devices that pods have asked for on these nodes'),
    free: z.number().min(0).describe('Devices that pods can still ask for on these nodes'),
  })
  .meta({ id: 'DeviceClassSummary' });
const atRisk = z
  .object({
    id: z.string(),
    kind: z.string(),
    namespace: nullableText,
    name: nullableText,
    verdict: verdictSchema,
    reason: z.string(),
    assessedAtMs: z.number(),
  })
  .meta({ id: 'WorkloadAtRisk' });

interface Items<T> {
  items: readonly T[];
}

/** Sums for dashboards. */
@ApiTags('summaries')
@Controller('v1/summary')
export class SummariesController {
  constructor(
    private readonly summaries: AssessmentSummaries,
    private readonly inventory: InventoryHolder,
  ) {}

  @Get('verdicts')
  @Requires({ verb: 'list', resource: 'assessments' })
  @ApiOperation({ summary: `How many assessments came to each verdict, over time: the latest ${STEPS} steps at most` })
  @ApiOkResponse({ description: 'Steps in which there were some', standardSchema: itemsOf(verdictCount) })
  @ApiProblems(400, 403, 503)
  async verdicts(
    @Query({ schema: verdictsQuery }) query: z.output<typeof verdictsQuery>,
  ): Promise<Items<VerdictCount>> {
    const asked = scopeOf(query);
    const stepSeconds = STEP_SECONDS[query.step];
    const sinceMs = Math.max(asked.sinceMs, asked.untilMs - STEPS * stepSeconds * 1000);
    return { items: await this.summaries.verdicts({ ...asked, sinceMs }, stepSeconds) };
  }

  @Get('memory')
  @Requires({ verb: 'list', resource: 'assessments' })
  @ApiOperation({ summary: 'GPU memory that workloads hold, against what they are expected to need, by namespace' })
  @ApiOkResponse({
    description: 'By namespace, from the latest assessment of each workload',
    standardSchema: itemsOf(namespaceMemory),
  })
  @ApiProblems(400, 403, 503)
  async memory(@Query({ schema: scopeQuery }) query: z.output<typeof scopeQuery>): Promise<Items<NamespaceMemory>> {
    return { items: await this.summaries.memory(scopeOf(query)) };
  }

  @Get('at-risk')
  @Requires({ verb: 'list', resource: 'assessments' })
  @ApiOperation({ summary: 'Workloads whose latest verdict is tight, will-not-fit or unschedulable, newest first' })
  @ApiOkResponse({ description: 'Workloads at risk', standardSchema: itemsOf(atRisk) })
  @ApiProblems(400, 403, 503)
  async atRisk(@Query({ schema: atRiskQuery }) query: z.output<typeof atRiskQuery>): Promise<Items<WorkloadAtRisk>> {
    return { items: await this.summaries.atRisk(scopeOf(query), query.limit) };
  }

  @Get('devices')
  @Requires({ verb: 'list', resource: 'devices' })
  @ApiOperation({ summary: 'GPUs by class, with what is in use and what is free; from memory' })
  @ApiOkResponse({ description: 'By class and resource', standardSchema: itemsOf(deviceClass) })
  @ApiProblems(400, 403)
  devices(): Items<DeviceClassSummary> {
    return { items: deviceSummary(this.inventory.current()) };
  }
}

function scopeOf({ namespace, ...time }: z.output<typeof scopeQuery>): SummaryScope {
  return { namespace: namespace ?? null, ...timeRange(time, Date.now()) };
}
