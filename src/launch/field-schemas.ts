import type { z } from 'zod';
import { RUN_FIELDS } from '../run/fields.js';
import type { RunField } from '../run/training-run.js';
import { runValuesSchema } from '../run/training-run.js';

/** The schema of each field of a run, group members one by one. */
export const FIELD_SCHEMAS: ReadonlyMap<RunField, z.ZodType> = new Map(
  RUN_FIELDS.map((field) => [field, schemaOf(field)]),
);

function schemaOf(field: RunField): z.ZodType {
  const [key = '', member] = field.split('.');
  const schema = (runValuesSchema.shape as Record<string, z.ZodType>)[key] as z.ZodType;
  return member === undefined ? schema : ((schema as z.ZodObject).shape[member] as z.ZodType);
}

/** Whether a field of a run can have this value. */
export function isFieldValue(field: RunField, value: unknown): boolean {
  return FIELD_SCHEMAS.get(field)?.safeParse(value).success ?? false;
}
