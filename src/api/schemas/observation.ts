import { z } from 'zod';
import { ENDINGS } from '../../observation/container-status.js';
import { SHARINGS } from '../../observation/device-use.js';
import { STANDINGS } from '../../observation/standing.js';
import { intervalSchema } from './assessment.js';

const bytes = z.number().min(0).describe('Bytes');
const text = z.string();
const time = (what: string) => z.number().describe(`${what}; milliseconds since 1970`);

const run = z
  .object({
    podSet: text,
    fingerprint: text.describe('Names the settings: equal for runs that can be compared'),
    launch: text.describe('Names how the pods are started: equal for what is submitted again as it was'),
    model: text.nullable(),
    framework: text,
    program: text.nullable(),
    programVersion: text.nullable(),
    torch: text.nullable(),
    cuda: text.nullable(),
    estimate: z
      .object({
        deviceBytes: intervalSchema,
        minimumCapacityBytes: intervalSchema,
        contextBytes: z.number().describe('What is in deviceBytes.expected for the CUDA context; bytes'),
      })
      .nullable(),
  })
  .meta({ id: 'ObservedRun', description: 'What was read and estimated of what a pod trains' });

const observedDevice = z
  .object({
    deviceClass: text,
    model: text,
    vendor: z.enum(['nvidia', 'amd']),
    computeCapability: z.number().nullable(),
  })
  .meta({ id: 'ObservedDevice' });

/** What one attempt of one pod used, as the REST API gives it. */
export const observationSchema = z
  .object({
    id: text,
    cluster: text,
    workload: z.object({
      apiVersion: text,
      kind: text,
      namespace: text.nullable(),
      name: text.nullable(),
      uid: text.nullable(),
    }),
    pod: text,
    node: text,
    run: run.nullable().describe('null: what the pod trains was not read'),
    device: observedDevice,
    devices: z.int().describe('Devices of the pod that were seen'),
    use: z
      .object({
        baselineBytes: bytes.nullable().describe('In use before the pod came; null: not known'),
        currentBytes: bytes,
        peakBytes: bytes.describe('Of the device, with what was in use before'),
        peakAtMs: time('When the peak was first reached'),
        startedAtMs: z.number().nullable().describe('When memory was first used; milliseconds since 1970'),
        grownAtMs: time('When the peak last grew by more than a hundredth'),
        lastAtMs: time('When it was last seen'),
        samples: z.int(),
        capacityBytes: bytes,
        sharing: z.enum(SHARINGS),
      })
      .describe('Of the device on which the pod used most'),
    ending: z.enum(ENDINGS).nullable(),
    standing: z.enum(STANDINGS).describe('What it is worth to an answer'),
    usedBytes: bytes.describe('The peak without what was in use before'),
  })
  .meta({ id: 'Observation', description: 'What one attempt of one pod used on the device on which it used most' });

const share = z.number().nullable();

/** How estimates of one group compare with what was observed. */
export const accuracySchema = z
  .object({
    cluster: text,
    framework: text,
    program: text.nullable(),
    programVersion: text.nullable(),
    torch: text.nullable(),
    runs: z.int().min(0).describe('Distinct runs that were compared'),
    pods: z.int().min(0).describe('Pods that were compared'),
    medianError: share.describe('Middle of (estimated − used) ÷ used; negative where estimates are too low'),
    errorSpread: share.describe('Median absolute deviation of the errors from their middle'),
    medianAbsoluteError: share.describe('Middle of the absolute errors'),
    withinInterval: share.describe('Share of the runs whose use lay within the interval of their estimate'),
    under: share.describe('Share of the runs that used over 10 % more than was expected'),
    outOfMemory: z.int().min(0).describe('Runs that were out of GPU memory'),
    outOfMemoryUnforeseen: z.int().min(0).describe('Those of them for which even the highest reading fitted'),
  })
  .meta({ id: 'Accuracy' });

/** A constant of a stack that was learned. */
export const learnedContextSchema = z
  .object({
    framework: text,
    torch: text,
    cuda: text.nullable(),
    deviceClass: text,
    model: text,
    bytes: intervalSchema,
    runs: z.int().describe('Distinct runs that it was learned from'),
  })
  .meta({ id: 'LearnedContext', description: 'The CUDA context and libraries of one stack on one device model' });

/** What `/v1/accuracy` answers. */
export const accuracyAnswerSchema = z.object({
  items: z.array(accuracySchema),
  learned: z.array(learnedContextSchema),
});
export type AccuracyAnswer = z.output<typeof accuracyAnswerSchema>;
