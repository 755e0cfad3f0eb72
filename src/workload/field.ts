import type { Count } from './count.js';
import { LARGEST_COUNT, known } from './count.js';
import { itemPath, memberPath } from './json-path.js';
import { parseQuantity } from './quantity.js';
import type { ReadingLog } from './reading-log.js';
import { findSubstitution, findUnresolvedNumber, unresolvedAt } from './unresolved.js';
import type { Json, JsonObject, Unresolved } from './workload.js';
import { UnreadableManifest } from './workload.js';

/** Lists longer than this are refused: no object that etcd accepts holds so many containers or variables. */
const MAX_ITEMS = 20_000;

/** Members or items that stand elsewhere, by an operator's rule; they keep the path of where they are written. */
interface Grafts {
  members: ReadonlyMap<string, Field>;
  items: readonly Field[] | null;
}
const NO_GRAFTS: Grafts = { members: new Map(), items: null };

/**
 * A place in a manifest: the value there, if any, and its JSON path. Every reader goes through it, so that a value of
 * the wrong type is named by its path, inherited members are never seen, and what another tool fills in is recorded.
 */
export class Field {
  constructor(
    readonly value: Json | undefined,
    readonly path: string,
    readonly log: ReadingLog,
    private readonly grafts: Grafts = NO_GRAFTS,
  ) {}

  /** This object with some members taken from elsewhere, as operators do when they fill in a template. */
  with(members: Readonly<Record<string, Field>>): Field {
    const grafts = { ...this.grafts, members: new Map([...this.grafts.members, ...Object.entries(members)]) };
    return new Field(this.value, this.path, this.log, grafts);
  }

  /** A list of places that stand elsewhere. */
  listOf(items: readonly Field[]): Field {
    return new Field([], this.path, this.log, { ...NO_GRAFTS, items });
  }

  /** Another value at this place, such as the text after parameters are filled in. */
  holding(value: Json | undefined): Field {
    return new Field(value, this.path, this.log);
  }

  /** Whether anything other than null stands here. */
  get present(): boolean {
    return (this.value !== undefined && this.value !== null) || this.grafts.members.size > 0;
  }

  /** The member at each key in turn; absent members give absent fields. Throws where a step is not an object. */
  get(...keys: readonly string[]): Field {
    return keys.reduce<Field>((field, key) => field.member(key), this);
  }

  private member(key: string): Field {
    const graft = this.grafts.members.get(key);
    if (graft !== undefined) return graft;
    const object = this.object();
    const value = object !== null && Object.hasOwn(object, key) ? object[key] : undefined;
    return new Field(value, memberPath(this.path, key), this.log);
  }

  /** The object here, null where absent. */
  object(): JsonObject | null {
    if (this.value === undefined || this.value === null) return null;
    if (typeof this.value !== 'object' || Array.isArray(this.value)) throw this.expected('an object');
    return this.value;
  }

  /** Members in order; none where absent. */
  entries(): [string, Field][] {
    const keys = [...new Set([...Object.keys(this.object() ?? {}), ...this.grafts.members.keys()])];
    if (keys.length > MAX_ITEMS) throw this.expected(`at most ${MAX_ITEMS} members`);
    return keys.map((key) => [key, this.member(key)]);
  }

  /** Items in order; none where absent. */
  items(): Field[] {
    if (this.grafts.items !== null) return [...this.grafts.items];
    if (!this.present) return [];
    if (!Array.isArray(this.value)) throw this.expected('a list');
    if (this.value.length > MAX_ITEMS) throw this.expected(`at most ${MAX_ITEMS} items`);
    return this.value.map((value, index) => new Field(value, itemPath(this.path, index), this.log));
  }

  /** The string here, null where absent. Numbers and booleans, which people forget to quote, are taken with a note. */
  text(): string | null {
    if (this.value === undefined || this.value === null) return null;
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
    return this.plainTexts() ?? Object.fromEntries(this.entries().map(([key, field]) => [key, field.text() ?? '']));
  }

  /** The object here where all that it holds are strings, as nearly always: no path has to be known then. */
  private plainTexts(): Record<string, string> | null {
    const object = this.grafts.members.size > 0 ? null : this.object();
    if (object === null) return null;
    const members = Object.entries(object);
    const isPlain = members.length <= MAX_ITEMS && members.every(([, value]) => typeof value === 'string');
    return isPlain ? (Object.fromEntries(members) as Record<string, string>) : null;
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
    const found = findUnresolvedNumber(text);
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
