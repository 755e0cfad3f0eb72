import { z } from 'zod';

/** The answer schema of a paged list. */
export function pageSchema<S extends z.ZodType>(
  item: S,
): z.ZodObject<{ items: z.ZodArray<S>; next: z.ZodNullable<z.ZodString> }> {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().describe('Cursor of the next page; null: this is the last one'),
  });
}
