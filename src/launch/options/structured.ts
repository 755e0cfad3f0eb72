import type { Node, Pair } from 'yaml';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { markPlaceholders } from '../text/placeholders.js';
import type { Tracked } from '../text/tracked.js';
import type { Option, OptionValue } from './option.js';
import { Options } from './option.js';

const MAX_CONFIG_CHARS = 262_144;
const MAX_DEPTH = 30;

/**
 * Reads a YAML or JSON configuration (JSON is YAML) with the place of every value. Aliases are not expanded, so that
 * nothing grows. Returns what is wrong as words where the text is no mapping.
 */
export function readStructured(text: Tracked): { options: Options } | { problem: string } {
  if (text.length > MAX_CONFIG_CHARS) return { problem: 'is too large to read' };
  const marked = markPlaceholders(text);
  const document = parse(marked.text);
  const root = document?.contents;
  if (!document || document.errors.length > 0) return { problem: 'is not valid YAML or JSON' };
  if (!isMap(root)) return { problem: 'holds no settings (expected a mapping)' };
  return { options: optionsOf(root.items, marked, 0) };
}

function parse(text: string): ReturnType<typeof parseDocument> | null {
  try {
    return parseDocument(text, { uniqueKeys: false, logLevel: 'silent' });
  } catch {
    return null;
  }
}

function optionsOf(pairs: readonly Pair[], text: Tracked, depth: number): Options {
  return new Options(depth > MAX_DEPTH ? [] : pairs.flatMap((pair) => optionOf(pair, text, depth) ?? []));
}

function optionOf(pair: Pair, text: Tracked, depth: number): Option | null {
  const { key, value } = pair;
  if (!isScalar(key) || (typeof key.value !== 'string' && typeof key.value !== 'number')) return null;
  return nodeOption(String(key.value), value as Node | null, text, depth);
}

function nodeOption(name: string, node: Node | null, text: Tracked, depth: number): Option {
  const written = writtenText(node, text);
  const value = valueOf(node, text, depth);
  const [unresolved = null] = typeof value === 'object' && value !== null ? [] : (written?.unresolved ?? []);
  return { name, value, place: written?.place() ?? null, unresolved };
}

/** The characters of a scalar, without its quotes. */
function writtenText(node: Node | null, text: Tracked): Tracked | null {
  if (!node?.range) return null;
  const [start, end] = node.range;
  const isQuoted = isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE');
  return isQuoted ? text.slice(start + 1, end - 1) : text.slice(start, end);
}

function valueOf(node: Node | null, text: Tracked, depth: number): OptionValue {
  if (isMap(node)) return optionsOf(node.items, text, depth + 1);
  if (isSeq(node)) return listOf(node.items as (Node | null)[], text, depth + 1);
  if (!isScalar(node)) return null;
  const { value } = node;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'bigint' ? Number(value) : null;
}

function listOf(nodes: readonly (Node | null)[], text: Tracked, depth: number): readonly Option[] {
  if (depth > MAX_DEPTH) return [];
  return nodes.slice(0, 1000).map((node, i) => nodeOption(String(i), node, text, depth));
}
