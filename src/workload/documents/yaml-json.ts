import type { Alias, Node, Pair } from 'yaml';
import { isAlias, isMap, isNode, isScalar, isSeq } from 'yaml';
import type { Json } from '../workload.js';

const MAX_DEPTH = 100;
/** After aliases are expanded: far above any manifest, far below what a "billion laughs" would make. */
const MAX_VALUES = 500_000;
const MAX_CHARACTERS = 50 * 2 ** 20;

export interface Conversion {
  value: Json;
  /** Where each alias leads, for positions. */
  targets: ReadonlyMap<Alias, Node>;
  /** Keys that stand twice in their map. */
  duplicates: readonly Node[];
}

/** A YAML document's value as plain JSON, or in words why it is not taken. Time and size are bounded. */
export function toJson(root: Node | null): Conversion | string {
  const converter = new Converter();
  try {
    const value = converter.visit(root, 0);
    return { value, targets: converter.targets, duplicates: converter.duplicates };
  } catch (error) {
    if (error instanceof TooMuch) return error.message;
    throw error;
  }
}

/** Levels and members of a key that is no scalar: the parser's own text of one grows without bound as it is nested. */
const KEY_LEVELS = 3;
const KEY_MEMBERS = 3;

/** A map's key as text; Kubernetes knows only string keys. */
export function keyText(key: unknown, level = 0): string {
  if (isScalar(key)) return key.source ?? String(key.value);
  if (isAlias(key)) return `*${key.source}`;
  if (!isMap(key) && !isSeq(key)) return String(key);
  const [open, close] = isMap(key) ? '{}' : '[]';
  if (level >= KEY_LEVELS) return `${open} … ${close}`;
  const items = (isMap(key) ? key.items.map((pair) => pair.key) : key.items).slice(0, KEY_MEMBERS);
  return `${open} ${items.map((item) => keyText(item, level + 1)).join(', ')} ${close}`;
}

class TooMuch extends Error {}

class Converter {
  readonly targets = new Map<Alias, Node>();
  readonly duplicates: Node[] = [];
  private readonly anchors = new Map<string, Node>();
  private values = 0;
  private characters = 0;
  private expanding = 0;

  visit(node: unknown, depth: number): Json {
    this.charge(node, depth);
    if (isAlias(node)) return this.expand(node, depth);
    this.remember(node);
    if (isMap(node)) return this.object(node.items, depth);
    if (isSeq(node)) return node.items.map((item) => this.visit(item, depth + 1));
    return isScalar(node) ? plain(node.value) : null;
  }

  private charge(node: unknown, depth: number): void {
    this.values += 1;
    if (isScalar(node) && typeof node.value === 'string') this.characters += node.value.length;
    if (depth > MAX_DEPTH) throw new TooMuch(`nested deeper than ${MAX_DEPTH} levels: not read`);
    if (this.values > MAX_VALUES || this.characters > MAX_CHARACTERS) {
      throw new TooMuch(`larger than ${MAX_VALUES} values once aliases are expanded: not read`);
    }
  }

  /** Anchors hold from where they stand; those met while an alias is expanded are known already. */
  private remember(node: unknown): void {
    if (this.expanding > 0 || !isNode(node) || !('anchor' in node) || typeof node.anchor !== 'string') return;
    this.anchors.set(node.anchor, node);
  }

  private expand(alias: Alias, depth: number): Json {
    const target = this.targets.get(alias) ?? this.anchors.get(alias.source);
    if (target === undefined) return null;
    this.targets.set(alias, target);
    this.expanding += 1;
    const value = this.visit(target, depth + 1);
    this.expanding -= 1;
    return value;
  }

  private object(pairs: readonly Pair[], depth: number): Json {
    const template = templateIn(pairs);
    if (template !== null) return template;
    const own = new Map<string, Json>();
    const merged: [string, Json][] = [];
    for (const pair of pairs) {
      const key = keyText(pair.key);
      const value = this.visit(pair.value, depth + 1);
      if (key === '<<') merged.push(...mergedMembers(value));
      if (key !== '<<' && own.has(key) && isNode(pair.key)) this.duplicates.push(pair.key);
      if (key !== '<<') own.set(key, value);
    }
    const inherited = merged.reverse().filter(([key]) => !own.has(key));
    return Object.fromEntries([...inherited, ...own]);
  }
}

/** `{{ x }}` without quotes reads as a map whose only key is the map `{ x }`: a Helm template, given back as its text. */
function templateIn(pairs: readonly Pair[]): string | null {
  const [outer, ...others] = pairs;
  if (outer === undefined || others.length > 0 || !isMap(outer.key)) return null;
  const [inner, ...more] = outer.key.items;
  return inner === undefined || more.length > 0 ? null : `{{ ${keyText(inner.key)} }}`;
}

/** `<<` takes an object or several, the earlier ones winning. */
function mergedMembers(value: Json): [string, Json][] {
  if (Array.isArray(value)) return value.flatMap(mergedMembers);
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function plain(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : null;
}
