import { z } from 'zod';
import type { ObservationSnapshot } from '../../advisor/observation-holder.js';
import type { ObservedUse } from '../../observation/observed-use.js';
import { learnedContextSchema } from '../../api/schemas/observation.js';
import { CliError } from '../cli-error.js';
import { readFiles } from './read-files.js';
import { askService } from './service.js';

const useSchema = z.object({
  standing: z.enum(['measured', 'upper-bound', 'out-of-memory', 'so-far']),
  device: z.object({
    deviceClass: z.string(),
    model: z.string(),
    vendor: z.enum(['nvidia', 'amd']),
    computeCapability: z.number().nullable(),
  }),
  usedBytes: z.number().min(0),
  besideBytes: z.number().min(0),
  capacityBytes: z.number().min(0),
  atMs: z.number(),
  launch: z.string(),
  run: z.string(),
}) satisfies z.ZodType<ObservedUse>;
const observationsSchema = z.object({
  uses: z.array(z.tuple([z.string(), z.array(useSchema)])),
  contexts: z.array(learnedContextSchema),
});

/** What runs were seen to use: from a running service (its base URL), or from a file with its answer of `/v1/observations/uses`. */
export async function loadObservations(from: string, tokenFile?: string): Promise<ObservationSnapshot> {
  const read = /^https?:\/\//.test(from)
    ? await askService({ server: from, ...(tokenFile && { tokenFile }) }, '/v1/observations/uses')
    : parsed(from);
  const { success, data } = observationsSchema.safeParse(read);
  if (!success) throw new CliError(`${from}: not what a service answers under /v1/observations/uses`, null);
  return { uses: new Map(data.uses), contexts: data.contexts };
}

function parsed(path: string): unknown {
  const [file] = readFiles(path, () => true);
  try {
    return JSON.parse(file?.text ?? '') as unknown;
  } catch {
    throw new CliError(
      `${path} is not JSON`,
      'give the URL of a service, or a file with its answer of /v1/observations/uses',
    );
  }
}
