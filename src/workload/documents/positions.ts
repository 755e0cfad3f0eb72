import type { Alias, LineCounter, Node, Scalar } from 'yaml';
import { isAlias, isMap, isNode, isScalar, isSeq } from 'yaml';
import { parsePath } from '../json-path.js';
import type { PathStep } from '../json-path.js';
import { keyText } from './yaml-json.js';

/** A half-open range of character offsets. */
export interface TextSpan {
  start: number;
  end: number;
}

/** Where a value stands in the text. */
export interface Position {
  /** The scalar with its quotes, or the whole of a list or map. */
  span: TextSpan;
  /**
   * The characters that are the value (or the asked part of it) as it is: what a patch may replace. null where the text
   * writes it otherwise than it reads (escapes, folded lines), and for lists and maps.
   */
  content: TextSpan | null;
  line: number;
  column: number;
}

/** Everything that positions of one document are told by. */
export interface PositionSource {
  text: string;
  lines: LineCounter;
  root: Node | null;
  targets: ReadonlyMap<Alias, Node>;
}

/** The position of the value at a path, or of a part of that string; null where the path leads nowhere. */
export function positionOf(source: PositionSource, path: string, part?: TextSpan): Position | null {
  const steps = parsePath(path);
  const node = steps === null ? null : nodeAt(source, steps);
  const range = node?.range;
  if (node === null || range === null || range === undefined) return null;
  const [start, end] = range;
  const { line, col } = source.lines.linePos(start);
  const content = isScalar(node) ? contentOf(node, source.text, part) : null;
  return { span: { start, end }, content, line, column: col };
}

/** The node that the steps lead to, aliases followed; null where they lead nowhere. */
export function nodeAt({ root, targets }: PositionSource, steps: readonly PathStep[]): Node | null {
  let node: unknown = root;
  for (const step of steps) {
    if (typeof step === 'object') return null;
    const target = isAlias(node) ? targets.get(node) : node;
    node = typeof step === 'number' ? itemOf(target, step) : memberOf(target, step);
  }
  return isNode(node) ? node : null;
}

function itemOf(node: unknown, index: number): unknown {
  return isSeq(node) ? node.items[index] : null;
}

/** The last of equal keys, which is the one that counts. */
function memberOf(node: unknown, key: string): unknown {
  if (!isMap(node)) return null;
  return node.items.findLast((pair) => keyText(pair.key) === key)?.value;
}

function contentOf(node: Scalar, text: string, part: TextSpan | undefined): TextSpan | null {
  const value = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
  const wanted = part ?? { start: 0, end: value.length };
  const isBlock = node.type === 'BLOCK_LITERAL' || (node.type === 'BLOCK_FOLDED' && isEvenlyFolded(node, text, value));
  const found = isBlock ? inLiteral(node, text, wanted) : inLine(node, text, wanted);
  if (found === null || text.slice(found.start, found.end) !== value.slice(wanted.start, wanted.end)) return null;
  return found;
}

function inLine(node: Scalar, text: string, wanted: TextSpan): TextSpan | null {
  const quoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
  const start = (node.range?.[0] ?? 0) + (quoted ? 1 : 0);
  const end = (node.range?.[1] ?? 0) - (quoted ? 1 : 0);
  if (/[\\\n]|''/.test(text.slice(start, end)) && quoted) return null;
  return { start: start + wanted.start, end: start + wanted.end };
}

/** In a block literal each line of the value stands behind an indentation that is not part of it. */
function inLiteral(node: Scalar, text: string, wanted: TextSpan): TextSpan | null {
  const [from, to] = node.range ?? [0, 0];
  const header = text.indexOf('\n', from);
  if (header === -1 || header >= to) return null;
  const body = text.slice(header + 1, to);
  const indent = indentOf(body, text.slice(from, header));
  let offset = 0;
  let at = header + 1;
  for (const line of body.split('\n')) {
    const length = Math.max(0, line.replace(/\r$/, '').length - indent);
    const within = wanted.start - offset;
    if (within <= length) {
      const start = at + Math.min(indent, line.length) + within;
      return { start, end: start + (wanted.end - wanted.start) };
    }
    offset += length + 1;
    at += line.length + 1;
  }
  return null;
}

/** Whether every line break of a folded text reads as one space, so that characters stand where a literal has them. */
function isEvenlyFolded(node: Scalar, text: string, value: string): boolean {
  const [from, to] = node.range ?? [0, 0];
  const header = text.indexOf('\n', from);
  if (header === -1 || header >= to) return false;
  const body = text.slice(header + 1, to);
  const indent = indentOf(body, text.slice(from, header));
  const lines = body.trimEnd().split('\n');
  return lines.map((line) => line.slice(indent)).join(' ') === value.trimEnd();
}

function indentOf(body: string, header: string): number {
  const first = body.split('\n').find((line) => line.trim() !== '') ?? '';
  const natural = first.length - first.trimStart().length;
  return /\d/.test(header) ? 0 : natural;
}
