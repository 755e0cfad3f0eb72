import type { Count } from './count.js';
import { LARGEST_COUNT, known } from './count.js';
import { itemPath, memberPath } from './json-path.js';
import { parseQuantity } from './quantity.js';
import type { ReadingLog } from './reading-log.js';
import { findSubstitution, findUnresolved, unresolvedAt } from './unresolved.js';
import type { Json, JsonObject, Unresolved } from './workload.js';
import { UnreadableManifest } from './workload.js';

/** Lists longer than this are refused: no object that etcd accepts holds so many containers or variables. */
const MAX_ITEMS = 20_000;

/**
 * A place in a manifest: the value there, if any, and its JSON path. Every reader goes through it, so that a value of
 * the wrong type is named by its path, inherited members are never seen, and what another tool fills in is recorded.
 */
export class Field {
  constructor(
    readonly value: Json | undefined,
    readonly path: string,
    readonly log: ReadingLog,
  ) {}

  /** Whether anything other than null stands here. */
  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The member at each key in turn; absent members give absent fields. Throws where a step is not an object. */
  get(...keys: readonly string[]): Field {
    return keys.reduce<Field>((field, key) => field.member(key), this);
  }

  private member(key: string): Field {
    const object = this.object();
    const value = object !== null && Object.hasOwn(object, key) ? object[key] : undefined;
    return new Field(value, memberPath(this.path, key), this.log);
  }

  /** The object here, null where absent. */
  object(): JsonObject | null {
    if (!this.present) return null;
    if (typeof this.value !== 'object' || Array.isArray(this.value)) throw this.expected('an object');
    return this.value;
  }

  /** Members in order; none where absent. */
  entries(): [string, Field][] {
    const keys = Object.keys(this.object() ?? {});
    if (keys.length > MAX_ITEMS) throw this.expected(`at most ${MAX_ITEMS} members`);
    return keys.map((key) => [key, this.member(key)]);
  }

  /** Items in order; none where absent. */
  items(): Field[] {
    if (!this.present) return [];
    if (!Array.isArray(this.value)) throw this.expected('a list');
    if (this.value.length > MAX_ITEMS) throw this.expected(`at most ${MAX_ITEMS} items`);
    return this.value.map((value, index) => new Field(value, itemPath(this.path, index), this.log));
  }

  /** The string here, null where absent. Numbers and booleans, which people forget to quote, are taken with a note. */
  text(): string | null {
    if (!this.present) return null;
    if (typeof this.value === 'string') return this.value;
    if (typeof this.value === 'object') throw this.expected('a string');
    this.log.note(`${this.path} is not a string: Kubernetes wants it in quotes`);
    return String(this.value);
  }

  /** As text, but null also where another tool fills the value in, which is recorded with what was `assumed`. */
  settledText(assumed: string): string | null {
    const text = this.text();
    if (text === null) return null;
    const found = findSubstitution(text);
    if (found === null) return text;
    this.log.unresolve(unresolvedAt(this.path, text, found, assumed));
    return null;
  }

  /** Strings of a list. */
  texts(): string[] {
    return this.items().map((item) => item.text() ?? '');
  }

  /** String members of an object. */
  textRecord(): Record<string, string> {
    return Object.fromEntries(this.entries().map(([key, field]) => [key, field.text() ?? '']));
  }

  /** true only for `true` and the text `true`. */
  flag(): boolean {
    return this.value === true || this.value === 'true';
  }

  /** A whole number from 0 on; `fallback` where absent, and where another tool fills it in (recorded). */
  count(fallback: number): Count {
    if (!this.present) return known(fallback);
    const amount = this.amount(fallback, 'a whole number, 0 or more');
    if (!Number.isInteger(amount.value) || amount.value < 0 || amount.value > LARGEST_COUNT) {
      throw this.expected('a whole number, 0 or more');
    }
    return amount;
  }

  /** A quantity in base units; `fallback` where another tool fills it in (recorded). */
  amount(fallback: number, expected = 'a quantity such as 1, 500m or 64Gi'): Count {
    const { value } = this;
    if (typeof value !== 'string' && typeof value !== 'number') throw this.expected(expected);
    const quantity = parseQuantity(value);
    if (quantity !== null) return known(quantity);
    return this.assumedAmount(String(value), fallback, expected);
  }

  private assumedAmount(text: string, fallback: number, expected: string): Count {
    const found = findUnresolved(text);
    if (found === null) throw this.expected(expected);
    const byDefault = found.fallback === null ? null : parseQuantity(found.fallback);
    const value = byDefault ?? fallback;
    const unresolved: Unresolved = unresolvedAt(this.path, text, found, String(value));
    this.log.unresolve(unresolved);
    return { value, unresolved: [unresolved] };
  }

  /** The error for this place. */
  expected(what: string): UnreadableManifest {
    return new UnreadableManifest(this.path, what);
  }
}
