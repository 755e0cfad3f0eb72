import type { Tracked } from '../text/tracked.js';
import type { Option, OptionValue } from './option.js';
import { Options, textOption } from './option.js';

const MAX_DEPTH = 20;
const MAX_ITEMS = 1000;
/** Signs before a key: change, add, add or change, delete (Hydra's override grammar). */
const PREFIXES = ['++', '+', '~'] as const;

/** Overrides `key=value`, `+key=value`, `++key=value`, `~key`, by their dotted keys; words without `=` are none. */
export function readOverrides(words: readonly Tracked[]): Options {
  return new Options(words.slice(0, MAX_ITEMS).flatMap((word) => overrideOf(word) ?? []));
}

/** Nested mappings by dotted names, lists as they are. */
export function flattened(options: Options): Options {
  return new Options(options.all().flatMap((option) => leaves(option, 0)));
}

function leaves(option: Option, depth: number): Option[] {
  const { value } = option;
  if (!(value instanceof Options) || depth > MAX_DEPTH) return [option];
  return value.all().flatMap((inner) => leaves({ ...inner, name: `${option.name}.${inner.name}` }, depth + 1));
}

function overrideOf(word: Tracked): Option[] | null {
  const prefix = PREFIXES.find((sign) => word.text.startsWith(sign)) ?? '';
  const body = word.slice(prefix.length);
  const equals = body.text.indexOf('=');
  const name = (equals < 0 ? body.text : body.text.slice(0, equals)).trim();
  if (prefix === '~') return [{ name, value: null, place: word.place(), unresolved: null }];
  if (equals < 1 || name.startsWith('-')) return null;
  return leaves(valueOf(name, body.slice(equals + 1), 0), 0);
}

/** A list, a mapping, a quoted or plain text; several values with commas between them are a sweep. */
function valueOf(name: string, written: Tracked, depth: number): Option {
  const text = trimmed(written);
  const ends = `${text.text.at(0) ?? ''}${text.text.at(-1) ?? ''}`;
  if (depth > MAX_DEPTH) return { name, value: null, place: text.place(), unresolved: 'nested too deeply' };
  if (ends === '[]') return grouped(name, text, listOf(text, depth));
  if (ends === '{}') return grouped(name, text, mappingOf(text, depth));
  if ((ends === "''" || ends === '""') && text.length > 1) return textOption(name, inside(text));
  return plainOf(name, text, depth === 0);
}

function plainOf(name: string, text: Tracked, mayBeSweep: boolean): Option {
  const place = text.place();
  if (text.text === 'null') return { name, value: null, place, unresolved: null };
  if (text.text === '???') return { name, value: null, place, unresolved: `${name} is left to be given` };
  if (text.text.startsWith('${'))
    return { name, value: text.text, place, unresolved: `${text.text} is filled in by the program` };
  const isSweep = mayBeSweep && parts(text).length > 1;
  return { ...textOption(name, text), ...(isSweep ? { unresolved: `${name} is a sweep over several values` } : {}) };
}

const grouped = (name: string, text: Tracked, value: OptionValue): Option => ({
  name,
  value,
  place: text.place(),
  unresolved: null,
});

function listOf(text: Tracked, depth: number): readonly Option[] {
  return parts(inside(text)).map((part, i) => valueOf(String(i), part, depth + 1));
}

function mappingOf(text: Tracked, depth: number): Options {
  return new Options(
    parts(inside(text)).flatMap((part) => {
      const colon = part.text.indexOf(':');
      return colon < 1 ? [] : [valueOf(part.text.slice(0, colon).trim(), part.slice(colon + 1), depth + 1)];
    }),
  );
}

const inside = (text: Tracked): Tracked => text.slice(1, text.length - 1);

function trimmed(text: Tracked): Tracked {
  const start = text.length - text.text.trimStart().length;
  return text.slice(start, Math.max(start, text.text.trimEnd().length));
}

const CLOSING: ReadonlyMap<string, string> = new Map([
  ['[', ']'],
  ['{', '}'],
  ['(', ')'],
]);

/** Signs that are open at a character: brackets that are not closed yet, or a quote. */
function opened(open: readonly string[], sign: string): readonly string[] {
  const last = open.at(-1);
  if (sign === last) return open.slice(0, -1);
  if (last === '"' || last === "'") return open;
  if (sign === '"' || sign === "'") return [...open, sign];
  const closing = CLOSING.get(sign);
  return closing === undefined ? open : [...open, closing].slice(-MAX_DEPTH);
}

/** What commas outside of brackets and quotes part. */
function parts(text: Tracked): Tracked[] {
  const found: Tracked[] = [];
  let open: readonly string[] = [];
  let start = 0;
  for (let at = 0; at < text.length && found.length < MAX_ITEMS; at++) {
    const sign = text.text.charAt(at);
    open = opened(open, sign);
    if (sign !== ',' || open.length > 0) continue;
    found.push(trimmed(text.slice(start, at)));
    start = at + 1;
  }
  const last = trimmed(text.slice(start));
  return last.length > 0 ? [...found, last] : found;
}
