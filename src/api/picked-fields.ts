import { z } from 'zod';

/** The query parameter that names the fields to give of an object, separated by commas. Left out: all. */
export function fieldsSchema(
  object: z.ZodObject,
): z.ZodOptional<z.ZodPipe<z.ZodString, z.ZodTransform<readonly string[], string>>> {
  const names = Object.keys(object.shape);
  const name = `(?:${names.join('|')})`;
  return z
    .string()
    .regex(new RegExp(`^${name}(?:,${name}){0,${names.length - 1}}$`), `expected some of ${names.join(', ')}`)
    .transform((text): readonly string[] => text.split(','))
    .optional()
    .describe(`Fields to give, separated by commas, of ${names.join(', ')}; all if left out`);
}

/** The schema of an object of which only some fields may have been asked for. */
export const pickedSchema = (object: z.ZodObject): z.ZodObject => object.partial();

/** The object with these fields only; whole where none are named. */
export function pickFields<T extends object>(object: T, fields: readonly string[] | undefined): Partial<T> {
  if (fields === undefined) return object;
  return Object.fromEntries(Object.entries(object).filter(([name]) => fields.includes(name))) as Partial<T>;
}
