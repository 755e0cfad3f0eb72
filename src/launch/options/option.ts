import type { SourcePlace } from '../../run/setting.js';
import type { Tracked } from '../text/tracked.js';

/** One value that a person wrote: on a command line, in a configuration file, as a Python keyword. */
export interface Option {
  name: string;
  value: OptionValue;
  place: SourcePlace | null;
  /** Why the value cannot be known; null where it is. */
  unresolved: string | null;
}

export type OptionValue = string | number | boolean | null | readonly Option[] | Options;

/**
 * Named values from one or several sources, the first source winning. Names are compared with dashes as underscores,
 * as argparse and HfArgumentParser do.
 */
export class Options {
  private readonly byName = new Map<string, Option>();

  constructor(options: Iterable<Option> = []) {
    for (const option of options) this.add(option);
  }

  /** The last value of a name wins within one source, as on every command line. */
  private add(option: Option): void {
    this.byName.set(canonical(option.name), option);
  }

  /** The first of these names that is given. */
  find(...names: readonly string[]): Option | undefined {
    for (const name of names) {
      const option = this.byName.get(canonical(name));
      if (option) return option;
    }
    return undefined;
  }

  has(...names: readonly string[]): boolean {
    return this.find(...names) !== undefined;
  }

  /** The value below a dotted path of nested mappings. */
  at(path: string): Option | undefined {
    const whole = this.find(path);
    if (whole) return whole;
    const dot = path.indexOf('.');
    if (dot < 0) return undefined;
    const inner = this.find(path.slice(0, dot))?.value;
    return inner instanceof Options ? inner.at(path.slice(dot + 1)) : undefined;
  }

  names(): string[] {
    return [...this.byName.keys()];
  }

  all(): Option[] {
    return [...this.byName.values()];
  }

  /** These options, completed by others where they say nothing. */
  over(others: Options): Options {
    return new Options([...others.all(), ...this.all()]);
  }
}

const canonical = (name: string): string => name.replaceAll('-', '_');

/** An option whose value is text as it was written. */
export function textOption(name: string, text: Tracked): Option {
  const [unresolved = null] = text.unresolved;
  return { name, value: text.text, place: text.place(), unresolved };
}

const TRUE: ReadonlySet<string> = new Set(['true', 't', 'yes', 'y', 'on', '1']);
const FALSE: ReadonlySet<string> = new Set(['false', 'f', 'no', 'n', 'off', '0']);

/** A truth value in any of the spellings that configuration files and HfArgumentParser take. */
export function asBoolean(option: Option | undefined): boolean | undefined {
  if (!option || option.unresolved !== null) return undefined;
  if (typeof option.value === 'boolean') return option.value;
  const text = String(typeof option.value === 'object' ? '' : option.value).toLowerCase();
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : undefined;
}

export function asNumber(option: Option | undefined): number | undefined {
  if (!option || option.unresolved !== null) return undefined;
  if (typeof option.value === 'number') return option.value;
  if (typeof option.value !== 'string' || option.value.trim() === '') return undefined;
  const number = Number(option.value.trim().replaceAll('_', ''));
  return Number.isFinite(number) ? number : undefined;
}

/** A whole number of at least one. */
export function asCount(option: Option | undefined): number | undefined {
  const number = asNumber(option);
  return number !== undefined && Number.isSafeInteger(number) && number >= 1 && number <= 1e9 ? number : undefined;
}

export function asText(option: Option | undefined): string | undefined {
  if (!option || option.unresolved !== null) return undefined;
  if (typeof option.value === 'string') return option.value === '' ? undefined : option.value;
  return typeof option.value === 'number' ? String(option.value) : undefined;
}

/** A list of texts: a YAML list, several words, or one text with commas. */
export function asTexts(option: Option | undefined): string[] | undefined {
  if (!option || option.unresolved !== null) return undefined;
  if (Array.isArray(option.value)) return option.value.flatMap((item: Option) => asText(item) ?? []);
  const text = asText(option);
  return text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

export function asOptions(option: Option | undefined): Options | undefined {
  return option?.value instanceof Options ? option.value : undefined;
}
