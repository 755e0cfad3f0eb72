import { StandardSchemaValidationPipe } from '@nestjs/common';
import { ProblemError } from './problem.js';

/** Holds every parameter against its schema; what is wrong is told field by field. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues) =>
      new ProblemError(
        400,
        'The request is not usable.',
        issues.slice(0, 20).map(({ path, message }) => ({ field: fieldOf(path), problem: message })),
      ),
  });
}

type Path = readonly (PropertyKey | { readonly key: PropertyKey })[];

function fieldOf(path: Path | undefined): string {
  const keys = (path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return keys.join('.') || 'body';
}
