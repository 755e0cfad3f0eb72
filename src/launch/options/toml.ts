import { markPlaceholders } from '../text/placeholders.js';
import type { Tracked } from '../text/tracked.js';
import { readOverrides } from './hydra.js';
import type { Option } from './option.js';
import { Options } from './option.js';

const MAX_LINES = 5000;

/**
 * Settings of a TOML file by dotted names: tables and one setting a line, which is all that training configurations
 * use. Values that go over several lines are left out.
 */
export function readToml(file: Tracked): Options {
  const text = markPlaceholders(file);
  const options: Option[] = [];
  let table = '';
  let start = 0;
  for (const line of text.text.split('\n').slice(0, MAX_LINES)) {
    const written = text.slice(start, start + withoutComment(line).length);
    start += line.length + 1;
    const name = written.text.trim();
    if (name.startsWith('[') && name.endsWith(']')) table = name.replaceAll('[', '').replaceAll(']', '').trim();
    else options.push(...settingOf(written, table));
  }
  return new Options(options);
}

function settingOf(line: Tracked, table: string): readonly Option[] {
  const indent = line.length - line.text.trimStart().length;
  const prefix = table === '' ? '' : `${table}.`;
  return readOverrides([line.slice(indent)])
    .all()
    .map((option) => ({ ...option, name: `${prefix}${option.name}` }));
}

/** The line up to a `#` that does not stand in quotes. */
function withoutComment(line: string): string {
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const sign = line.charAt(at);
    if (quote !== '') quote = sign === quote ? '' : quote;
    else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === '#') return line.slice(0, at).trimEnd();
  }
  return line.trimEnd();
}
