import type { SourcePlace } from '../../run/setting.js';
import type { RunField } from '../../run/training-run.js';
import type { RunDraft } from '../run-draft.js';
import type { Option, Options } from './option.js';
import { asBoolean, asCount, asNumber, asText } from './option.js';

/** Something read, with its place. */
export interface Found<T> {
  value: T;
  place: SourcePlace | null;
}

/** Puts options into fields of the run: values with their place, and in words what could not be used. */
export class OptionReader {
  constructor(
    readonly options: Options,
    readonly draft: RunDraft,
  ) {}

  /** A whole number of at least one into a field. */
  count(field: RunField, ...names: readonly string[]): number | undefined {
    return this.put(field, this.take(field, names, asCount, 'a whole number of at least 1'));
  }

  number(field: RunField, ...names: readonly string[]): number | undefined {
    return this.put(field, this.take(field, names, asNumber, 'a number'));
  }

  flag(field: RunField, ...names: readonly string[]): boolean | undefined {
    return this.put(field, this.take(field, names, asBoolean, 'true or false'));
  }

  /** One of several words, by a table from the program's words to the run's. */
  choice<T>(field: RunField, table: Readonly<Record<string, T>>, ...names: readonly string[]): T | undefined {
    return this.put(field, this.word(field, table, ...names));
  }

  /** As `choice`, without setting the field. */
  word<T>(field: RunField, table: Readonly<Record<string, T>>, ...names: readonly string[]): Found<T> | undefined {
    const look = (option: Option | undefined): T | undefined => {
      const text = option && typeof option.value === 'boolean' ? String(option.value) : asText(option);
      return text !== undefined && Object.hasOwn(table, text) ? table[text] : undefined;
    };
    return this.take(field, names, look, `one of ${Object.keys(table).slice(0, 12).join(', ')}`);
  }

  /** A switch that, turned on, stands for one value of a field. */
  on(field: RunField, value: unknown, ...names: readonly string[]): boolean {
    const found = this.truth(field, ...names);
    if (found?.value) this.draft.read(field, value, found.place);
    return found?.value ?? false;
  }

  /** The place of the first of these options; null where none is given. */
  placeOf(...names: readonly string[]): SourcePlace | null {
    return this.options.find(...names)?.place ?? null;
  }

  text(field: RunField, ...names: readonly string[]): Found<string> | undefined {
    return this.take(field, names, asText, 'a text');
  }

  truth(field: RunField, ...names: readonly string[]): Found<boolean> | undefined {
    return this.take(field, names, asBoolean, 'true or false');
  }

  private put<T>(field: RunField, found: Found<T> | undefined): T | undefined {
    if (found) this.draft.read(field, found.value, found.place);
    return found?.value;
  }

  private take<T>(
    field: RunField,
    names: readonly string[],
    read: (option: Option | undefined) => T | undefined,
    expected: string,
  ): Found<T> | undefined {
    const option = this.options.find(...names);
    if (!option) return undefined;
    if (option.unresolved !== null) {
      this.draft.leaveOpen(field, option.unresolved);
      return undefined;
    }
    if (isNone(option)) return undefined;
    const value = read(option);
    if (value === undefined) this.draft.note(`${option.name}: expected ${expected}, found ${shown(option)}`);
    return value === undefined ? undefined : { value, place: option.place };
  }
}

/** `null`, `None` and the empty text say "no value". */
const isNone = (option: Option): boolean => option.value === null || option.value === 'None' || option.value === '';

function shown(option: Option): string {
  return typeof option.value === 'object' ? 'a list or mapping' : JSON.stringify(option.value).slice(0, 80);
}
