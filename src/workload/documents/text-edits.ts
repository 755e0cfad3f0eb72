import type { Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { isMap, isNode, isScalar, isSeq, stringify } from 'yaml';
import { parsePath } from '../json-path.js';
import type { Json } from '../workload.js';
import type { PositionSource, TextSpan } from './positions.js';
import { nodeAt, positionOf } from './positions.js';
import { keyText } from './yaml-json.js';

/** A change of one value of a document, by its path. */
export type DocumentChange =
  /** The value, or a part of that string, becomes another. */
  | { kind: 'replace'; path: string; span?: TextSpan | undefined; from: string; to: string }
  /** The last step of the path is a member that is not there yet, or the index that the first of `items` will have. */
  | { kind: 'add'; path: string; value: Json }
  | { kind: 'insert'; path: string; items: readonly Json[] }
  /** The last step of the path is a key, which becomes another. */
  | { kind: 'rename'; path: string; to: string };

/** Characters to put in place of others; none where the span is empty. */
export interface TextEdit {
  span: TextSpan;
  text: string;
}

/** The edit of the text that makes a change, and leaves all else as it is; in words why there is none. */
export function editOf(source: PositionSource, change: DocumentChange): TextEdit | string {
  if (change.kind === 'replace') return replacement(source, change);
  const steps = parsePath(change.path) ?? [];
  const last = steps.at(-1);
  const holder = nodeAt(source, steps.slice(0, -1));
  const edit = holder === null || last === undefined ? null : within(source.text, holder, last, change);
  return edit ?? `${change.path}: there is no place for it in the text`;
}

/** The text with the edits made. Edits at one place come in the order in which they are given. */
export function edited(text: string, edits: readonly TextEdit[]): string {
  const ordered = edits.map((edit, order) => ({ ...edit, order }));
  ordered.sort((a, b) => b.span.start - a.span.start || b.order - a.order);
  return ordered.reduce(
    (changed, { span, text: to }) => changed.slice(0, span.start) + to + changed.slice(span.end),
    text,
  );
}

function replacement(
  source: PositionSource,
  { path, span, from, to }: Extract<DocumentChange, { kind: 'replace' }>,
): TextEdit | string {
  const position = positionOf(source, path, span);
  if (position === null) return `${path}: it is not in the text`;
  const { content } = position;
  if (content === null) return `${path}: written with escapes or folded lines`;
  if (source.text.slice(content.start, content.end) !== from) return `${path}: it is not ${from}`;
  const node = nodeAt(source, parsePath(path) ?? []);
  const text = isScalar(node) ? writtenIn(node, to, content, source.text) : null;
  return text === null ? `${path}: ${to} cannot be written without quotes there` : { span: content, text };
}

/** The characters that read as `to` within a scalar; null where they would end it or mean something else. */
function writtenIn({ type }: Scalar, to: string, { start, end }: TextSpan, text: string): string | null {
  if (type === 'QUOTE_DOUBLE') return JSON.stringify(to).slice(1, -1);
  if (type === 'QUOTE_SINGLE') return to.includes('\n') ? null : to.replaceAll("'", "''");
  if (type === 'BLOCK_LITERAL') return onLines(text, start, to);
  if (to.includes('\n')) return null;
  // A plain scalar ends at a comment and becomes something else at a colon or an indicator.
  const line = text.slice(lineStart(text, start), start) + to + text.slice(end).split('\n', 1)[0];
  return type === 'BLOCK_FOLDED' || isPlain(to, line) ? to : null;
}

const isPlain = (to: string, line: string): boolean =>
  !/: |:$| #|[[\]{},]|^[!&*?|>%@`"']/.test(to) && !/\s#/.test(line.slice(0, line.indexOf(to) + to.length));

/** Further lines stand as far in as the line that they follow: in a block that indentation is not part of the value. */
function onLines(text: string, offset: number, to: string): string {
  const line = text.slice(lineStart(text, offset));
  return to.replaceAll('\n', `\n${/^ */.exec(line)?.[0] ?? ''}`);
}

function within(
  text: string,
  holder: Node,
  last: unknown,
  change: Exclude<DocumentChange, { kind: 'replace' }>,
): TextEdit | null {
  if (change.kind === 'insert')
    return isSeq(holder) && typeof last === 'number' ? inserted(text, holder, last, change.items) : null;
  if (!isMap(holder) || typeof last !== 'string') return null;
  return change.kind === 'rename' ? renamed(text, holder, last, change.to) : added(text, holder, last, change.value);
}

const rangeOf = (node: unknown): readonly [number, number] | null => {
  const range = isNode(node) ? node.range : null;
  return range ? [range[0], range[1]] : null;
};

const at = (start: number, text: string): TextEdit => ({ span: { start, end: start }, text });
const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** A value as lines of YAML. */
const yamlLines = (value: Json): string[] => stringify(value, { lineWidth: 0 }).trimEnd().split('\n');

function renamed(text: string, map: YAMLMap, key: string, to: string): TextEdit | null {
  const pair = map.items.find((each) => keyText(each.key) === key);
  const range = rangeOf(pair?.key);
  if (range === null) return null;
  const start = text.indexOf(key, range[0]);
  return start === -1 || start >= range[1] ? null : { span: { start, end: start + key.length }, text: to };
}

/** Items in a list: on the same line in a flow list, on lines of their own in a block. */
function inserted(text: string, list: YAMLSeq, index: number, items: readonly Json[]): TextEdit | null {
  const previous = rangeOf(list.items[index - 1]);
  if (list.flow === true) {
    const words = items.map((item) => JSON.stringify(item)).join(', ');
    if (previous !== null) return at(previous[1], `, ${words}`);
    const range = rangeOf(list);
    return range === null || list.items.length > 0 ? null : at(range[0] + 1, words);
  }
  return previous === null ? null : insertedInBlock(text, previous, items);
}

function insertedInBlock(
  text: string,
  [start, end]: readonly [number, number],
  items: readonly Json[],
): TextEdit | null {
  const dash = text.lastIndexOf('-', start - 1);
  const indent = text.slice(lineStart(text, dash), dash);
  if (dash === -1 || indent.trim() !== '') return null;
  const lines = items.map((item) => `${indent}- ${yamlLines(item).join(`\n${indent}  `)}`).join('\n');
  if (text[end - 1] === '\n') return at(end, `${lines}\n`);
  const newline = text.indexOf('\n', end);
  return newline === -1 ? at(text.length, `\n${lines}`) : at(newline, `\n${lines}`);
}

function added(text: string, map: YAMLMap, key: string, value: Json): TextEdit | null {
  if (map.items.some((pair) => keyText(pair.key) === key)) return null;
  if (map.flow !== true) return addedInBlock(text, map, key, value);
  const last = map.items.at(-1);
  const range = rangeOf(last?.value) ?? rangeOf(last?.key);
  const words = `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
  if (range !== null) return at(range[1], `, ${words}`);
  const whole = rangeOf(map);
  return whole === null ? null : at(whole[0] + 1, words);
}

/** Before the last key that no comment stands above: what is written above a key belongs to it. */
function addedInBlock(text: string, map: YAMLMap, key: string, value: Json): TextEdit | null {
  const pair = map.items.findLast((each) => isFree(text, each)) ?? map.items[0];
  const range = rangeOf(pair?.key);
  if (range === null) return null;
  const indent = ' '.repeat(range[0] - lineStart(text, range[0]));
  return at(range[0], `${yamlLines({ [key]: value }).join(`\n${indent}`)}\n${indent}`);
}

function isFree(text: string, { key }: Pair): boolean {
  const range = rangeOf(key);
  if (range === null || !isScalar(key)) return false;
  const start = lineStart(text, range[0]);
  const above = text.slice(lineStart(text, start - 1), Math.max(0, start - 1));
  return text.slice(start, range[0]).trim() === '' && !above.trimStart().startsWith('#');
}
