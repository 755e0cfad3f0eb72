import { stringify } from 'yaml';
import { CliError } from '../cli-error.js';

/** How an answer is printed. */
export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const;
/** `advise` also prints for code review. */
export const ADVISE_FORMATS = [...OUTPUT_FORMATS, 'sarif'] as const;

/** Reads the value of `-o`. Throws CliError where it is none of the formats. */
export function parseOutputFormat<Format extends string>(text: string, formats: readonly Format[]): Format {
  const format = formats.find((known) => known === text);
  if (format === undefined) throw new CliError(`-o ${text} is not known`, `formats: ${formats.join(', ')}`);
  return format;
}

/** Data as JSON or YAML text; one item stands alone, several are a list. */
export function serialised(items: readonly unknown[], format: 'json' | 'yaml'): string {
  const data = items.length === 1 ? items[0] : items;
  if (format === 'json') return `${JSON.stringify(data, null, 2)}\n`;
  return stringify(JSON.parse(JSON.stringify(data)), { aliasDuplicateObjects: false, lineWidth: 0 });
}
