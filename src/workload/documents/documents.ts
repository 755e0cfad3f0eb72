import type { Document } from 'yaml';
import { LineCounter, parseAllDocuments } from 'yaml';
import { itemPath, memberPath } from '../json-path.js';
import type { Json, JsonObject } from '../workload.js';
import type { Position, PositionSource, TextSpan } from './positions.js';
import { positionOf } from './positions.js';
import type { DocumentChange, TextEdit } from './text-edits.js';
import { editOf } from './text-edits.js';
import type { Conversion } from './yaml-json.js';
import { toJson } from './yaml-json.js';

/** One manifest of a text. */
export interface ManifestDocument {
  /** null where the document holds no object, or could not be read. */
  manifest: JsonObject | null;
  /** The text's name for a text with one manifest, `<name>#2` for the second of several. */
  name: string;
  /**
   * Where the value at a path of the manifest stands in the text, and which characters a patch of it (or of the part
   * `part` of that string) would replace; null where the path leads nowhere.
   */
  position(path: string, part?: TextSpan): Position | null;
  /** The edit of the text that makes a change of this manifest; in words why there is none. */
  edit(change: DocumentChange): TextEdit | string;
  /** What is wrong with the text, in words, with line and column. */
  errors: readonly string[];
}

/** Kubernetes takes 3 MiB in a request; files with several documents may be larger. */
const MAX_CHARACTERS = 10 * 2 ** 20;
const MAX_DOCUMENTS = 10_000;
const MAX_ERRORS = 20;

/**
 * Reads the manifests of a YAML or JSON text, with the position of every value. Documents are taken one by one, so that
 * one that cannot be read does not hide the others; lists of objects (kind List) are unrolled. Bounded in size, depth,
 * documents and expanded aliases; throws nothing.
 */
export function readDocuments(text: string, name: string): ManifestDocument[] {
  if (text.length > MAX_CHARACTERS) return [unreadable(name, `larger than ${MAX_CHARACTERS / 2 ** 20} MiB: not read`)];
  const lines = new LineCounter();
  const parsed = parse(text, lines);
  if (typeof parsed === 'string') return [unreadable(name, parsed)];
  const read = parsed.slice(0, MAX_DOCUMENTS).flatMap((document) => readDocument(document, { text, lines }));
  return read.map((each, index) => ({ ...each, name: read.length === 1 ? name : `${name}#${index + 1}` }));
}

type Source = Pick<PositionSource, 'text' | 'lines'>;

/** Repeated keys are looked for while converting, in linear time; the parser's own check compares each key with each. */
function parse(text: string, lineCounter: LineCounter): Document.Parsed[] | string {
  try {
    const documents = parseAllDocuments(text, { lineCounter, uniqueKeys: false, strict: false, prettyErrors: false });
    return Array.isArray(documents) ? documents : [];
  } catch (error) {
    if (error instanceof RangeError) return 'nested too deeply: not read';
    return `not YAML: ${error instanceof Error ? error.message : 'unreadable'}`;
  }
}

function readDocument(document: Document.Parsed, source: Source): ManifestDocument[] {
  const root = document.contents;
  const errors = syntaxErrors(document, source);
  if (root === null && errors.length === 0) return [];
  const converted = toJson(root);
  if (typeof converted === 'string') return [unreadable('', converted)];
  const problems = [...errors, ...duplicateKeys(converted, source)];
  const { value, targets } = converted;
  const within = { ...source, root, targets };
  if (isHelm(value)) return [unreadable('', HELM_TEMPLATE)];
  if (!isObject(value)) return value === null && problems.length === 0 ? [] : [unreadable('', ...problems, NO_OBJECT)];
  return unroll(value).map(({ manifest, path }) => ({
    manifest,
    name: '',
    errors: problems,
    position: (inner, part) => positionOf(within, joined(path, inner), part),
    edit: (change) => editOf(within, { ...change, path: joined(path, change.path) }),
  }));
}

const NO_OBJECT = 'no object: not a manifest';
const HELM_TEMPLATE = 'a Helm template, not YAML yet: render it first, for example with helm template';

/** A document that is nothing but a template, or begins with one. */
function isHelm(value: Json): boolean {
  if (typeof value === 'string') return value.startsWith('{{');
  return isObject(value) && Object.keys(value).some((key) => key.startsWith('{ ') && key.endsWith(' }'));
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The items of a List (`v1 List`, `JobList`, ...), each with a kind of its own. */
function unroll(manifest: JsonObject): { manifest: JsonObject; path: string }[] {
  const { kind, items } = manifest;
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [{ manifest, path: '' }];
  const path = memberPath('', 'items');
  return items
    .slice(0, MAX_DOCUMENTS)
    .flatMap((item, index) => (isObject(item) ? [{ manifest: item, path: itemPath(path, index) }] : []));
}

function joined(outer: string, inner: string): string {
  if (outer === '' || inner === '' || inner.startsWith('[')) return outer + inner;
  return `${outer}.${inner}`;
}

function syntaxErrors(document: Document.Parsed, { text, lines }: Source): string[] {
  const [first] = document.errors;
  if (first === undefined) return [];
  const { line } = lines.linePos(first.pos[0]);
  if (nearTemplate(text, first.pos[0])) return [`${HELM_TEMPLATE} (line ${line})`];
  return document.errors.slice(0, MAX_ERRORS).map(({ pos, message }) => at(lines, pos[0], message));
}

/** Whether a template's braces stand on the line of an error or the lines beside it. */
function nearTemplate(text: string, offset: number): boolean {
  const start = text.lastIndexOf('\n', Math.max(0, text.lastIndexOf('\n', offset) - 1));
  const end = text.indexOf('\n', text.indexOf('\n', offset) + 1);
  return text.slice(Math.max(0, start), end === -1 ? undefined : end).includes('{{');
}

function duplicateKeys({ duplicates }: Conversion, { lines }: Source): string[] {
  return duplicates
    .slice(0, MAX_ERRORS)
    .map((key) => at(lines, key.range?.[0] ?? 0, 'this key stands twice in its object, and the last one counts'));
}

function at(lines: LineCounter, offset: number, message: string): string {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}: ${message}`;
}

function unreadable(name: string, ...errors: readonly string[]): ManifestDocument {
  return { manifest: null, name, position: () => null, edit: () => 'the text was not read', errors };
}
