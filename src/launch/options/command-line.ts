import { Tracked } from '../text/tracked.js';
import type { Option } from './option.js';
import { Options, textOption } from './option.js';

/** What a program's argument parser expects. */
export interface CommandLineSyntax {
  /** Flags without a value, underscores for dashes. */
  switches?: ReadonlySet<string>;
  /** One-letter flags and the long name each stands for. */
  short?: Readonly<Record<string, string>>;
  /** `one`: a flag takes one word. `all`: it takes every word up to the next flag (the program has no positionals). */
  values?: 'one' | 'all';
  /** The first positional ends the flags: the rest belongs to another program. */
  stopsAtPositional?: boolean;
}

export interface CommandLine {
  options: Options;
  positionals: readonly Tracked[];
  /** What follows the first positional, with it, where the syntax stops there; else empty. */
  rest: readonly Tracked[];
}

const MAX_WORDS = 5_000;

/** Reads flags in the forms `--a b`, `--a=b`, `-a b`, `-ab`; words that are not flags are positionals. */
export function readCommandLine(words: readonly Tracked[], syntax: CommandLineSyntax): CommandLine {
  const options: Option[] = [];
  const positionals: Tracked[] = [];
  let at = 0;
  while (at < Math.min(words.length, MAX_WORDS)) {
    const word = words[at] as Tracked;
    if (!isFlag(word)) {
      if (syntax.stopsAtPositional) return { options: new Options(options), positionals, rest: words.slice(at) };
      positionals.push(word);
      at++;
      continue;
    }
    const { option, taken } = readFlag(words.slice(at, at + MAX_LIST + 1), syntax);
    options.push(option);
    at += taken;
  }
  return { options: new Options(options), positionals, rest: [] };
}

const MAX_LIST = 200;

/** A word that begins a flag; negative numbers and a single dash are values. */
export function isFlag(word: Tracked): boolean {
  const { text } = word;
  if (!text.startsWith('-') || text === '-' || text === '--') return false;
  return !Number.isFinite(Number(text));
}

function readFlag(words: readonly Tracked[], syntax: CommandLineSyntax): { option: Option; taken: number } {
  const [word = Tracked.empty, ...following] = words;
  const { name, joined } = splitFlag(word, syntax);
  if (joined) return { option: textOption(name, joined), taken: 1 };
  const isSwitch = syntax.switches?.has(name.replaceAll('-', '_')) ?? false;
  const values = isSwitch ? [] : valuesAfter(following, syntax);
  const [value, ...more] = values;
  if (!value) return { option: { name, value: true, place: word.place(), unresolved: null }, taken: 1 };
  if (more.length === 0) return { option: textOption(name, value), taken: 2 };
  const items = values.map((item, i) => textOption(String(i), item));
  const unresolved = items.find((item) => item.unresolved !== null)?.unresolved ?? null;
  return { option: { name, value: items, place: value.place(), unresolved }, taken: 1 + values.length };
}

function valuesAfter(following: readonly Tracked[], syntax: CommandLineSyntax): readonly Tracked[] {
  const end = following.findIndex(isFlag);
  const values = end < 0 ? following : following.slice(0, end);
  return syntax.values === 'all' ? values : values.slice(0, 1);
}

/** The name of a flag and the value that is joined to it by `=` or, for one-letter flags, directly. */
function splitFlag(word: Tracked, syntax: CommandLineSyntax): { name: string; joined: Tracked | null } {
  const { text } = word;
  const isLong = text.startsWith('--');
  const equals = text.indexOf('=');
  if (equals > 0) return { name: nameOf(text.slice(0, equals), syntax), joined: word.slice(equals + 1) };
  const letter = text.charAt(1);
  const isJoined = !isLong && text.length > 2 && syntax.short !== undefined && Object.hasOwn(syntax.short, letter);
  if (isJoined && !Object.hasOwn(syntax.short ?? {}, text.slice(1)))
    return { name: nameOf(`-${letter}`, syntax), joined: word.slice(2) };
  return { name: nameOf(text, syntax), joined: null };
}

function nameOf(flag: string, syntax: CommandLineSyntax): string {
  const name = flag.startsWith('--') ? flag.slice(2) : flag.slice(1);
  if (flag.startsWith('--')) return name;
  const { short } = syntax;
  return short && Object.hasOwn(short, name) ? (short[name] ?? name) : name;
}
