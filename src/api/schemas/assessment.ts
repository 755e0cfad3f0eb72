import { z } from 'zod';
import { VERDICTS } from '../../fit/assessment.js';
import { RUN_FIELDS } from '../../run/fields.js';
import { runValuesSchema } from '../../run/training-run.js';

const bytes = z.number().min(0).describe('Bytes');
export const intervalSchema = z
  .object({ low: bytes, expected: bytes, high: bytes })
  .meta({ id: 'Interval', description: 'Bytes: the least, the likely and the most that the known settings allow' });
const text = z.string();
export const verdictSchema = z
  .enum(VERDICTS)
  .meta({ id: 'Verdict', description: 'Whether the pods fit the devices they may be given' });

const place = z
  .object({
    document: text.describe('`manifest`, or a file given alongside'),
    path: text,
    span: z.object({ start: z.int().min(0), end: z.int().min(0) }).optional(),
    text,
  })
  .meta({ id: 'SourcePlace', description: 'A place that a value was read from' });

const evidence = z
  .union([
    z.object({ kind: z.literal('declared'), place }),
    z.object({ kind: z.literal('read'), place }),
    z.object({ kind: z.literal('default'), of: text, version: text.nullable(), note: text.optional() }),
    z.object({ kind: z.literal('assumed'), reason: text }),
    z.object({ kind: z.literal('derived'), from: z.array(text), rule: text }),
  ])
  .meta({ id: 'Evidence', description: 'Where a value came from' });

const settingOf = (value: z.ZodType) =>
  z.object({ value, evidence, range: z.object({ low: value, high: value }).optional() });

/** One setting per field; the fields of a group each have their own. */
const settings = z
  .object(
    Object.fromEntries(
      Object.entries(runValuesSchema.shape).map(([name, schema]) => {
        const isGroup = RUN_FIELDS.some((field) => field.startsWith(`${name}.`));
        if (!isGroup || !(schema instanceof z.ZodObject)) return [name, settingOf(schema)];
        const members = Object.entries(schema.shape).map(([member, inner]) => [member, settingOf(inner as z.ZodType)]);
        return [name, z.object(Object.fromEntries(members) as Record<string, z.ZodType>)];
      }),
    ),
  )
  .meta({ id: 'TrainingRun', description: 'Everything about the training that decides memory, with its evidence' });

const unknown = z.object({ field: text, reason: text, declare: text.optional() }).meta({ id: 'Unknown' });

const device = z
  .object({ resource: text, form: text, vendor: text, count: z.number(), memoryBytes: bytes.nullable() })
  .loose()
  .meta({ id: 'DeviceRequest', description: 'What the containers ask of the device plugin or driver' });

export const workloadReferenceSchema = z.object({
  apiVersion: text,
  kind: text,
  namespace: text.nullable(),
  name: text.nullable().describe('null for an object whose name the API server makes up'),
  uid: text.nullable(),
});

const workload = workloadReferenceSchema
  .extend({
    podSets: z.array(
      z.object({
        name: text,
        role: text,
        replicas: z.number(),
        resource: text.nullable(),
        devicesPerPod: z.number(),
        devices: z.array(device),
      }),
    ),
  })
  .meta({ id: 'AssessedWorkload' });

const run = z
  .object({
    podSet: text,
    role: text,
    training: z.boolean(),
    settings: settings.nullable(),
    fingerprint: text
      .nullable()
      .optional()
      .describe('Names the settings of all that the pods train: equal for runs that can be compared'),
    launch: text.optional().describe('Names how the pods are started: equal for what is submitted again as it was'),
    unknown: z.array(unknown),
    notes: z.array(text),
  })
  .meta({ id: 'AssessedRun' });

const estimate = z
  .object({
    podSet: text,
    role: text,
    device: text,
    allocatedBytes: intervalSchema,
    reservedBytes: intervalSchema,
    deviceBytes: intervalSchema,
    minimumCapacityBytes: intervalSchema,
    breakdown: z.array(z.object({ category: text, bytes })),
    peak: z.object({ phase: text, iteration: z.int(), operation: text }),
    timeline: z.array(z.object({ phase: text, iteration: z.int(), allocatedBytes: bytes, reservedBytes: bytes })),
    contributors: z.array(z.object({ name: text, widthBytes: bytes, remedy: text.nullable() })),
    parameters: z.object({ total: z.number(), trainable: z.number() }),
    notes: z.array(text),
    turns: z
      .array(z.object({ role: text, workingBytes: bytes, heldBytes: bytes, totalBytes: bytes }))
      .optional()
      .describe('Where several runs share the device: each at work, with what all hold'),
  })
  .meta({ id: 'Estimate', description: 'GPU memory of one process on one device, or of all runs on it' });

const classFit = z
  .object({
    deviceClass: text,
    capacityBytes: z.object({ smallest: bytes, largest: bytes }),
    requiredBytes: intervalSchema,
    verdict: z.enum(['fits', 'tight', 'will-not-fit', 'unknown']),
    nodes: z.int(),
    devices: z.int(),
    podsEver: z.number(),
    podsNow: z.number(),
    occupants: z
      .array(z.object({ node: text, device: text, usedBytes: bytes, pods: z.array(text), outside: z.boolean() }))
      .optional(),
    oldestSampleMs: z.number(),
  })
  .meta({ id: 'DeviceClassFit', description: 'Devices of one kind, equal in everything that decides fit' });

const fit = z
  .object({
    podSet: text,
    verdict: verdictSchema,
    reason: text,
    classes: z.array(classFit),
    affinity: z.object({ key: text, operator: z.literal('In'), values: z.array(text) }).nullable(),
  })
  .meta({ id: 'PodSetFit' });

const patch = z.object({
  document: text,
  path: text,
  how: z.enum(['add', 'insert', 'rename']).optional(),
  span: z.object({ start: z.int(), end: z.int() }).optional(),
  from: text,
  to: text,
  value: z.json().optional(),
});

const change = z.object({ before: z.number(), after: z.number() });
const effects = z
  .object({
    globalBatch: change,
    operationsPerSample: z.number().describe('Floating-point operations of the layers for one sample, as a multiple'),
    stepsPerBatch: z.number().describe('Passes of an optimizer step, as a multiple'),
    movedBytesPerStep: change.describe('Bytes that each device sends to others for an optimizer step'),
    devices: change.describe('Devices that train'),
  })
  .describe('What a change does to batch and speed, by counts');

const advice = z
  .object({
    summary: text,
    changes: z.array(z.object({ field: text, from: text, to: text, write: text, patches: z.array(patch) })),
    verdict: verdictSchema,
    deviceBytes: intervalSchema,
    fingerprint: z.string().nullable().optional().describe('The run that is promised, as in `runs`'),
    effects: effects.optional(),
    costs: z.array(text),
  })
  .meta({
    id: 'Advice',
    description: 'A change of the run or of the request, estimated and held against the devices again',
  });

const observed = z
  .object({
    podSet: text,
    deviceClass: text,
    standing: z
      .enum(['measured', 'upper-bound', 'out-of-memory', 'so-far'])
      .describe('What came of it: docs/observation.md says what each is worth'),
    usedBytes: bytes.describe('The most that was used on one device, without what was in use before'),
    besideBytes: bytes.describe('What was in use before, by others'),
    capacityBytes: bytes,
    runs: z.int().min(1),
    atMs: z.number().describe('When the last of them was last seen; milliseconds since 1970'),
    decides: z.boolean().describe('Whether the verdict rests on it; else it is only told'),
  })
  .meta({ id: 'Observed', description: 'What earlier runs of the same settings used on devices of one class' });

/** The answer to one workload against one inventory, as the REST API gives it. */
export const assessmentSchema = z
  .object({
    id: text.describe('Hash of what was read and what it was held against'),
    assessedAtMs: z.number().describe('Milliseconds since 1970'),
    workload,
    runs: z.array(run),
    estimates: z.array(estimate),
    fit: z.array(fit),
    verdict: verdictSchema,
    reason: text,
    advice: z.array(advice),
    observed: z.array(observed).optional(),
    notes: z.array(text).optional().describe('Contradictions and unreadable pieces found on the way'),
  })
  .meta({ id: 'Assessment' });
