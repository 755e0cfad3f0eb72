import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    errors: z.array(z.object({ field: z.string(), problem: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'Problem details of RFC 9457' });

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'The request is not usable: `errors` names the fields',
  401: 'No token, or one that the cluster does not know',
  403: 'RBAC of the cluster does not grant it; `detail` names the right',
  404: 'There is no such thing',
  405: 'Another method than described',
  413: 'The body is too large',
  415: 'The body is neither JSON nor YAML',
  422: 'It cannot be assessed',
  503: 'Not now: try again',
};

/** Describes the problems that an operation may answer with. */
export function ApiProblems(...statuses: readonly number[]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ...[401, 405, ...statuses].map((status) =>
      ApiResponse({ status, description: DESCRIPTIONS[status] ?? '', standardSchema: problemSchema }),
    ),
  );
}
