import { Body, Controller, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { readAlongside } from '../advisor/alongside.js';
import type { Surroundings } from '../advisor/alongside.js';
import { ASSESSOR } from '../advisor/assessor.js';
import type { Assessor } from '../advisor/assessor.js';
import type { Assessment } from '../fit/assessment.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import { UnreadableManifest } from '../workload/workload.js';
import { ApiProblems } from './api-problems.js';
import { askedInventory, gpuSchema } from './asked-inventory.js';
import { readPosted } from './manifests.js';
import type { PostedManifest } from './manifests.js';
import { assessmentSchema } from './schemas/assessment.js';

const bodySchema = z.string().min(1, 'post a manifest, as YAML or JSON');
const query = z.strictObject({ gpu: gpuSchema });
const adviceQuery = query.extend({
  advice: z
    .enum(['handful', 'all'])
    .default('handful')
    .describe('`all`: every proposal that is found, which takes longer'),
});

const skipped = z
  .array(z.object({ document: z.string(), reason: z.string() }))
  .describe('Documents that are no workload, or that cannot be read');
const adviceSchema = z.object({ assessments: z.array(assessmentSchema), skipped });
const estimateSchema = z.object({
  estimates: z.array(assessmentSchema.pick({ workload: true, runs: true, estimates: true })),
  skipped,
});

interface Skipped {
  document: string;
  reason: string;
}

interface Answered {
  assessments: Assessment[];
  skipped: Skipped[];
}

type Estimated = Pick<Assessment, 'workload' | 'runs' | 'estimates'>;

/** A body is taken as text; what the text holds is described by `MANIFEST_SCHEMA`, which stands in its place in OpenAPI. */
const BODY = {
  description:
    'A manifest, or a List of them with the ConfigMaps and training runtimes that they name; in YAML also several documents',
};

/** Answers for manifests that are not in the cluster (yet). Nothing is stored. */
@ApiTags('advice')
@Controller('v1')
export class AdviceController {
  constructor(@Inject(ASSESSOR) private readonly assessor: Assessor) {}

  @Post('advise')
  @HttpCode(200)
  @ApiOperation({ summary: 'Assess manifests against the inventory, or against GPUs that are named' })
  @ApiConsumes('application/yaml', 'application/json')
  @ApiBody(BODY)
  @ApiOkResponse({ description: 'One assessment per workload', standardSchema: adviceSchema })
  @ApiProblems(400, 404, 413, 415, 422, 503)
  advise(
    @Body({ schema: bodySchema }) body: string,
    @Query({ schema: adviceQuery }) { gpu, advice }: z.output<typeof adviceQuery>,
  ): Promise<Answered> {
    return this.#answer(body, gpu, advice === 'all');
  }

  @Post('estimate')
  @HttpCode(200)
  @ApiOperation({ summary: 'Estimate the GPU memory of manifests, on the devices of the inventory or on those named' })
  @ApiConsumes('application/yaml', 'application/json')
  @ApiBody(BODY)
  @ApiOkResponse({ description: 'What was read and estimated of each workload', standardSchema: estimateSchema })
  @ApiProblems(400, 404, 413, 415, 422, 503)
  async estimate(
    @Body({ schema: bodySchema }) body: string,
    @Query({ schema: query }) { gpu }: z.output<typeof query>,
  ): Promise<{ estimates: Estimated[]; skipped: Skipped[] }> {
    const { assessments, skipped: left } = await this.#answer(body, gpu);
    return {
      estimates: assessments.map(({ workload, runs, estimates }) => ({ workload, runs, estimates })),
      skipped: left,
    };
  }

  async #answer(body: string, gpu: z.output<typeof gpuSchema>, allAdvice = false): Promise<Answered> {
    const { manifests, surroundings } = readPosted(body);
    const inventory = gpu === undefined ? undefined : askedInventory(gpu);
    const found: Answered = { assessments: [], skipped: [] };
    // One after the other: a request takes its turn among reviews and other requests, however many it brings.
    for (const posted of manifests) {
      const answer = await this.#assess(posted, surroundings, { inventory, allAdvice });
      if ('reason' in answer && 'document' in answer) found.skipped.push(answer);
      else found.assessments.push(answer);
    }
    return found;
  }

  async #assess(
    { document, manifest }: PostedManifest,
    surroundings: Surroundings,
    asked: { inventory: InventorySnapshot | undefined; allAdvice: boolean },
  ): Promise<Assessment | Skipped> {
    const skipped = { document, reason: `${describe(manifest)} is no workload that is handled` };
    try {
      const read = readAlongside(manifest, surroundings);
      if (read === null) return skipped;
      const question = { manifest, ...read, ...asked, isOfNow: true };
      const assessment = this.assessor.recall(question) ?? (await this.assessor.assess(question));
      return assessment ?? skipped;
    } catch (error) {
      if (error instanceof UnreadableManifest) return { document, reason: error.message };
      throw error;
    }
  }
}

function describe(manifest: Record<string, unknown>): string {
  const { kind, apiVersion } = manifest;
  return typeof kind === 'string' && typeof apiVersion === 'string' ? `${apiVersion} ${kind}`.slice(0, 200) : 'it';
}
