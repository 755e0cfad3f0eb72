import { z } from 'zod';
import { RUN_FIELDS } from '../run/fields.js';
import type { Setting, SourcePlace } from '../run/setting.js';
import type { RunField } from '../run/training-run.js';
import { runValuesSchema } from '../run/training-run.js';
import { FIELD_SCHEMAS } from './field-schemas.js';
import type { Option, OptionValue } from './options/option.js';
import { asOptions, Options } from './options/option.js';
import { readStructured } from './options/structured.js';
import { Tracked } from './text/tracked.js';

/** The annotation that says what cannot be read. */
export const RUN_ANNOTATION = 'plimsoll.dev/run';

/** Fields that a person declared, and in words what of the declaration could not be used. */
export interface Declaration {
  settings: ReadonlyMap<RunField, Setting<unknown>>;
  /** Further runs on the same device, by role. */
  besides: ReadonlyMap<string, ReadonlyMap<RunField, Setting<unknown>>>;
  notes: readonly string[];
}

const shape = runValuesSchema.shape;

/** A model may be given by its name alone, a program too. */
function declaredSchema(field: string): z.ZodType | undefined {
  const schema = FIELD_SCHEMAS.get(field as RunField);
  if (schema && field === 'model')
    return z.union([nameOnly((name) => ({ name, catalogId: null, config: null })), schema]);
  return schema && field === 'program'
    ? z.union([nameOnly((name) => ({ id: null, name, version: null })), schema])
    : schema;
}

function nameOnly<T>(make: (name: string) => T): z.ZodType {
  return z.string().min(1).max(300).transform(make);
}

const GROUPS: ReadonlySet<string> = new Set(
  RUN_FIELDS.filter((f) => f.includes('.')).map((f) => f.slice(0, f.indexOf('.'))),
);

/** Member of the declaration that holds further runs on the same device, by role. */
const RUNS = 'runs';
/** Roles are names: `reference`, `reward-model`. */
const ROLE = /^[a-z][a-z0-9-]{0,39}$/;
const MOST_ROLES = 8;
const MOST_NOTES = 20;

/**
 * Reads the YAML of `plimsoll.dev/run`: any fields of the training run, groups nested or dotted, and under `runs` those of
 * further runs on the same device by their role. What is wrong comes back as notes that name field, value and what was
 * expected; nothing is thrown.
 */
export function parseDeclaration(yaml: string, place: Pick<SourcePlace, 'document' | 'path'>): Declaration {
  const parsed = readStructured(Tracked.of(yaml, { document: place.document, path: place.path }));
  if ('problem' in parsed)
    return { settings: new Map(), besides: new Map(), notes: [`${RUN_ANNOTATION} ${parsed.problem}`] };
  const notes: string[] = [];
  const settings = declaredSettings(parsed.options, '', notes);
  const besides = declaredRuns(parsed.options.find(RUNS), notes);
  return { settings, besides, notes: notes.slice(0, MOST_NOTES) };
}

function declaredSettings(options: Options, prefix: string, notes: string[]): Map<RunField, Setting<unknown>> {
  const settings = new Map<RunField, Setting<unknown>>();
  for (const { field, option } of fieldsOf(options)) {
    if (prefix === '' && field === RUNS) continue;
    const result = declare(field, option, prefix);
    if (typeof result === 'string') notes.push(result);
    else settings.set(field as RunField, result);
  }
  return settings;
}

function declaredRuns(option: Option | undefined, notes: string[]): Declaration['besides'] {
  const besides = new Map<string, Map<RunField, Setting<unknown>>>();
  if (option === undefined) return besides;
  const roles = asOptions(option)?.all();
  if (roles === undefined) {
    notes.push(`${RUN_ANNOTATION}: ${RUNS} is ${shown(plain(option.value))}: expected runs by their role`);
    return besides;
  }
  for (const role of roles.slice(0, MOST_ROLES)) {
    const fields = asOptions(role);
    if (fields && ROLE.test(role.name))
      besides.set(role.name, declaredSettings(fields, `${RUNS}.${role.name}.`, notes));
    else notes.push(`${RUN_ANNOTATION}: ${RUNS}.${role.name.slice(0, 40)} is no run: expected a role with its fields`);
  }
  return besides;
}

interface DeclaredField {
  field: string;
  option: Option;
}

/** Field paths of the declaration; a group's members one by one. */
function fieldsOf(options: Options): DeclaredField[] {
  return options.all().flatMap((option): DeclaredField[] => {
    const members = GROUPS.has(option.name) ? asOptions(option) : undefined;
    if (!members) return [{ field: option.name, option }];
    return members.all().map((member) => ({ field: `${option.name}.${member.name}`, option: member }));
  });
}

function declare(field: string, option: Option, prefix: string): Setting<unknown> | string {
  const schema = declaredSchema(field);
  if (!schema) return `${RUN_ANNOTATION}: there is no field ${shown(`${prefix}${field}`)}${hint(field)}`;
  if (option.unresolved !== null) return `${RUN_ANNOTATION}: ${prefix}${field}: ${option.unresolved}`;
  const result = schema.safeParse(plain(option.value));
  if (!result.success)
    return `${RUN_ANNOTATION}: ${prefix}${field} is ${shown(plain(option.value))}: ${expected(result.error)}`;
  const place = option.place ?? { document: 'manifest', path: '', text: '' };
  return { value: result.data, evidence: { kind: 'declared', place } };
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);

function expected(error: z.ZodError): string {
  const [issue] = error.issues;
  const inner = issue?.code === 'invalid_union' ? issue.errors.flat().at(-1) : undefined;
  return (inner ?? issue)?.message.slice(0, 200) ?? 'not a value of this field';
}

function hint(field: string): string {
  const like = RUN_FIELDS.find((known) => known.toLowerCase().endsWith(field.toLowerCase().replaceAll('_', '')));
  return like ? ` (${like}?)` : '';
}

/** The value as plain JSON. */
function plain(value: OptionValue): unknown {
  if (value instanceof Options)
    return Object.fromEntries(value.all().map((option) => [option.name, plain(option.value)]));
  if (Array.isArray(value)) return value.map((item: Option) => plain(item.value));
  return value;
}

/** JSON Schema of what `plimsoll.dev/run` accepts: every field optional, a model also by its name alone. */
export function runJsonSchema(): Record<string, unknown> {
  const partial = Object.entries(shape).map(([key, schema]) => {
    if (key === 'model' || key === 'program') return [key, z.union([z.string().min(1).max(300), schema]).optional()];
    const inner = GROUPS.has(key) ? (schema as unknown as z.ZodObject).partial() : schema;
    return [key, (inner as z.ZodType).optional()];
  });
  const fields = Object.fromEntries(partial) as z.ZodRawShape;
  const runs = z
    .record(z.string().regex(ROLE), z.strictObject(fields))
    .optional()
    .describe('Further runs on the same device, by role; what one leaves out is as in the trained one.');
  const schema = z.strictObject({ ...fields, [RUNS]: runs });
  return {
    title: RUN_ANNOTATION,
    description: 'What a person can declare of a training run; every field is optional.',
    ...z.toJSONSchema(schema, { io: 'input' }),
  };
}
