import { z } from 'zod';
import { ProblemError } from './problem.js';

export const limitSchema = z.coerce
  .number()
  .int()
  .min(1)
  .max(500)
  .default(100)
  .describe('Most items of one page, 1 to 500');

export const cursorSchema = z
  .string()
  .max(1000)
  .optional()
  .describe('Where the page begins: `next` of the page before. Its content is nobody’s business');

export interface Page<T> {
  items: T[];
  /** Cursor of the next page; null: this is the last one. */
  next: string | null;
}

/** An opaque cursor that holds these values. */
export function encodeCursor(values: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/** The values of a cursor. Throws ProblemError where it is none of ours. */
export function decodeCursor<S extends z.ZodType>(cursor: string, schema: S): z.output<S> {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    throw noSuchPage();
  }
}

/** No page begins there: like any other thing that is asked for by its name and is not there. */
export function noSuchPage(): ProblemError {
  return new ProblemError(404, 'The cursor is none that was given out.', [
    { field: 'cursor', problem: 'leave it out to begin anew' },
  ]);
}

export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

/** One page of items in memory, in the order of their keys, which must be unique. */
export function pageOf<T>(items: readonly T[], keyOf: (item: T) => string, { limit, cursor }: PageRequest): Page<T> {
  const after = cursor === undefined ? null : decodeCursor(cursor, z.tuple([z.string()]))[0];
  const sorted = items
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === null || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = sorted.slice(0, limit);
  const last = page.at(-1);
  const next = sorted.length > limit && last ? encodeCursor([last.key]) : null;
  return { items: page.map(({ item }) => item), next };
}
