import type { NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { NextFunction, Request, Response } from 'express';
import { ProblemError } from './problem.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** Answers 405, with what is allowed, to any other method on a path that is described. */
export function refuseOtherMethods(app: NestExpressApplication, { paths }: OpenAPIObject): void {
  const known = Object.entries(paths).map(([path, operations]) => ({
    pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}/?$`, 'i'),
    allowed: allowedBy(METHODS.filter((method) => operations[method] !== undefined)),
  }));
  app.use((request: Request, response: Response, next: NextFunction) => {
    const found = known.find(({ pattern }) => pattern.test(request.path));
    if (found === undefined || found.allowed.includes(request.method)) next();
    else {
      response.setHeader('allow', found.allowed.join(', '));
      next(new ProblemError(405, `This takes ${found.allowed.join(', ')}.`));
    }
  });
}

function allowedBy(methods: readonly string[]): string[] {
  const upper = methods.map((method) => method.toUpperCase());
  return upper.includes('GET') ? [...upper, 'HEAD', 'OPTIONS'] : [...upper, 'OPTIONS'];
}
