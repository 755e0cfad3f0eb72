import { accuracyAnswerSchema } from '../../api/schemas/observation.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-status.js';
import type { ExitStatus } from '../exit-status.js';
import { askService } from '../input/service.js';
import type { ServiceOptions } from '../input/service.js';
import { accuracyText } from '../output/accuracy.js';
import { OUTPUT_FORMATS, parseOutputFormat, serialised } from '../output/format.js';

export interface AccuracyOptions extends ServiceOptions {
  namespace?: string;
  since?: string;
  until?: string;
  output: string;
}

/** `plimsoll accuracy`: how estimates compare with what runs of the cluster used. */
export async function accuracyCommand(options: AccuracyOptions): Promise<ExitStatus> {
  const format = parseOutputFormat(options.output, OUTPUT_FORMATS);
  const { namespace, since, until } = options;
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries({ namespace, since: timeOf(since), until: timeOf(until) })) {
    if (value !== undefined) asked.set(name, value);
  }
  const { success, data } = accuracyAnswerSchema.safeParse(
    await askService(options, `/v1/accuracy?${asked.toString()}`),
  );
  if (!success) throw new CliError('the service answers in another form', 'is it of the same version?');
  process.stdout.write(format === 'table' ? accuracyText(data) : serialised([data], format));
  return EXIT.fits;
}

/** `2026-11-01`, or a time as RFC 3339 has it. */
function timeOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new CliError(`${text} is no time`, 'write 2026-11-01 or 2026-11-01T12:00:00Z');
  return new Date(time).toISOString();
}
