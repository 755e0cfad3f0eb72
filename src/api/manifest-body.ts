import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { ProblemError } from './problem.js';

const TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'application/json'];
const LIMIT = '3mb';

/** Has bodies taken as text: manifests are read by our own bounded reader, which knows where each value stands. */
export function useManifestBodies(app: NestExpressApplication): void {
  app.use((request: Request, _response: Response, next: NextFunction) => {
    if (request.method !== 'POST' || request.is(TYPES)) next();
    else next(new ProblemError(415, "Post manifests with 'content-type: application/yaml' or 'application/json'."));
  });
  app.useBodyParser('text', { type: TYPES, limit: LIMIT, defaultCharset: 'utf-8' });
}
