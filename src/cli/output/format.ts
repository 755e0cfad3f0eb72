import { stringify } from 'yaml';
import { CliError } from '../cli-error.js';

/** How an answer is printed. */
export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Reads the value of `-o`. Throws CliError where it is no format. */
export function parseOutputFormat(text: string): OutputFormat {
  const format = OUTPUT_FORMATS.find((known) => known === text);
  if (format === undefined) throw new CliError(`-o ${text} is not known`, `formats: ${OUTPUT_FORMATS.join(', ')}`);
  return format;
}

/** Data as JSON or YAML text; one item stands alone, several are a list. */
export function serialised(items: readonly unknown[], format: Exclude<OutputFormat, 'table'>): string {
  const data = items.length === 1 ? items[0] : items;
  if (format === 'json') return `${JSON.stringify(data, null, 2)}\n`;
  return stringify(JSON.parse(JSON.stringify(data)), { aliasDuplicateObjects: false, lineWidth: 0 });
}
