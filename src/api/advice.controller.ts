import { Body, Controller, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { readAlongside } from '../advisor/alongside.js';
import type { Surroundings } from '../advisor/alongside.js';
import { ASSESSOR } from '../advisor/assessor.js';
import type { Assessor, Question, Sizer } from '../advisor/assessor.js';
import type { WorkloadLargest } from '../advisor/largest-of.js';
import { SCALES } from '../fit/advice/largest.js';
import type { Assessment } from '../fit/assessment.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import { UnreadableManifest } from '../workload/workload.js';
import { ApiProblems } from './api-problems.js';
import { askedInventory, gpuSchema } from './asked-inventory.js';
import { readPosted } from './manifests.js';
import type { PostedManifest } from './manifests.js';
import { assessmentSchema, intervalSchema } from './schemas/assessment.js';

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

const largestQuery = query.extend({
  of: z.enum(SCALES).describe('What the largest is sought of'),
});
const sizeSchema = z.object({ value: z.string(), requiredBytes: intervalSchema });
const largestSchema = z.object({
  largest: z.array(
    z.object({
      workload: z.object({
        apiVersion: z.string(),
        kind: z.string(),
        namespace: z.string().nullable(),
        name: z.string().nullable(),
      }),
      found: z.array(
        z.object({
          podSet: z.string(),
          device: z.string().describe('A device class that the pods may be given'),
          capacityBytes: z.number(),
          scale: z.enum(SCALES),
          largest: z.union([
            z.object({
              fits: sizeSchema
                .extend({ marginBytes: z.number().describe('What is left of the device by the highest reading') })
                .nullable()
                .describe('null: not even the smallest does'),
              next: sizeSchema.nullable().describe('The next larger one, which does not certainly fit'),
              ends: z.string().nullable().describe('Why it ends there, where that is not for memory'),
            }),
            z.string().describe('Why there is no answer'),
          ]),
        }),
      ),
    }),
  ),
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
  constructor(@Inject(ASSESSOR) private readonly assessor: Assessor & Sizer) {}

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

  @Post('largest')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Seek the largest batch, sequence, image, adapter rank or model with which each run still fits',
  })
  @ApiConsumes('application/yaml', 'application/json')
  @ApiBody(BODY)
  @ApiOkResponse({ description: 'By workload, pod set and device class', standardSchema: largestSchema })
  @ApiProblems(400, 404, 413, 415, 422, 503)
  async largest(
    @Body({ schema: bodySchema }) body: string,
    @Query({ schema: largestQuery }) { gpu, of }: z.output<typeof largestQuery>,
  ): Promise<{ largest: WorkloadLargest[]; skipped: Skipped[] }> {
    const { answers, skipped: left } = await this.#each(body, gpu, (question) => this.assessor.largest(question, of));
    return { largest: answers, skipped: left };
  }

  async #answer(body: string, gpu: z.output<typeof gpuSchema>, allAdvice = false): Promise<Answered> {
    const { answers, skipped: left } = await this.#each(body, gpu, async (posted) => {
      const question = { ...posted, allAdvice };
      return this.assessor.recall(question) ?? (await this.assessor.assess(question));
    });
    return { assessments: answers, skipped: left };
  }

  async #each<T extends object>(
    body: string,
    gpu: z.output<typeof gpuSchema>,
    ask: (question: Question) => Promise<T | null>,
  ): Promise<{ answers: T[]; skipped: Skipped[] }> {
    const { manifests, surroundings } = readPosted(body);
    const inventory = gpu === undefined ? undefined : askedInventory(gpu);
    const found: { answers: T[]; skipped: Skipped[] } = { answers: [], skipped: [] };
    // One after the other: a request takes its turn among reviews and other requests, however many it brings.
    for (const posted of manifests) {
      const answer = await this.#ask(posted, { surroundings, inventory }, ask);
      if (typeof answer === 'string') found.skipped.push({ document: posted.document, reason: answer });
      else found.answers.push(answer);
    }
    return found;
  }

  /** In words why there is no answer. */
  async #ask<T extends object>(
    { manifest }: PostedManifest,
    { surroundings, inventory }: { surroundings: Surroundings; inventory: InventorySnapshot | undefined },
    ask: (question: Question) => Promise<T | null>,
  ): Promise<T | string> {
    try {
      const read = readAlongside(manifest, surroundings);
      const answer = read === null ? null : await ask({ manifest, ...read, inventory, isOfNow: true });
      return answer ?? `${describe(manifest)} is no workload that is handled`;
    } catch (error) {
      if (error instanceof UnreadableManifest) return error.message;
      throw error;
    }
  }
}

function describe(manifest: Record<string, unknown>): string {
  const { kind, apiVersion } = manifest;
  return typeof kind === 'string' && typeof apiVersion === 'string' ? `${apiVersion} ${kind}`.slice(0, 200) : 'it';
}
