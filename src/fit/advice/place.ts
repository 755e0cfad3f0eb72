import type { SourcePlace } from '../../run/setting.js';
import { parsePath } from '../../workload/json-path.js';
import type { Json, JsonObject } from '../../workload/workload.js';
import type { Patch } from '../assessment.js';

/** The manifest and the files beside it, as they were read. */
export interface Documents {
  manifest: JsonObject;
  configMap(name: string): Readonly<Record<string, string>> | undefined;
}

const CONFIGMAP = /^configmap\/([^/]+)\/(.+)$/s;

function memberOf(node: Json | undefined, step: string | number): Json | undefined {
  if (Array.isArray(node)) return typeof step === 'number' ? node[step] : undefined;
  if (node === null || typeof node !== 'object') return undefined;
  return Object.hasOwn(node, step) ? node[String(step)] : undefined;
}

/** The value at a path; undefined where there is none. */
export function valueAt(root: Json, path: string): Json | undefined {
  const steps = parsePath(path);
  if (steps === null) return undefined;
  let node: Json | undefined = root;
  for (const step of steps) {
    if (typeof step === 'object') return undefined;
    node = memberOf(node, step);
  }
  return node;
}

/** The scalar at a path of a document, as text; undefined where there is none. */
export function scalarAt(documents: Documents, document: string, path: string): string | undefined {
  const file = CONFIGMAP.exec(document);
  if (file !== null) return documents.configMap(file[1] ?? '')?.[file[2] ?? ''];
  if (document !== 'manifest') return undefined;
  const value = valueAt(documents.manifest, path);
  return value === undefined || value === null || typeof value === 'object' ? undefined : String(value);
}

/** A value as it stands in the person's own text. */
export interface Spoken {
  /** What stands before the value and names it: `--epochs `, `batch_size: `, `LR=`; empty where nothing does. */
  introduction: string;
  text: string;
  patch(to: string): Patch;
}

const FLAG_IN_TEXT = /(?:^|[\s'"])(--?[A-Za-z][\w.-]*(?:=|\s+))["']?$/;
const KEY_IN_TEXT = /(?:^|[\s{,(])(["']?[A-Za-z_][\w.]*["']?\s*[:=]\s*)["']?$/;
const LIST_ITEM = /^(.*)\[(\d+)\]$/s;
const ENVIRONMENT = /^(.*\.env\[\d+\])\.value$/s;

const singleSpaced = (text: string): string => text.replace(/\s+/g, ' ').replace(/["']/g, '');

/** The word before in the same list, where it is a flag or the key of a pair: `args: [--epochs, "3", SOLVER.STEPS, "9"]`. */
function flagBefore(place: SourcePlace, documents: Documents): string {
  const item = LIST_ITEM.exec(place.path);
  if (item === null || Number(item[2]) === 0) return '';
  const word = scalarAt(documents, place.document, `${item[1]}[${Number(item[2]) - 1}]`);
  return word !== undefined && /^(?:--?[A-Za-z][\w.-]*|[A-Z_]+(?:\.[A-Z_]+)+)$/.test(word) ? `${word} ` : '';
}

function variableName(place: SourcePlace, documents: Documents): string {
  const variable = ENVIRONMENT.exec(place.path);
  const name = variable === null ? undefined : scalarAt(documents, place.document, `${variable[1]}.name`);
  return name === undefined ? '' : `${name}=`;
}

function introduction(before: string, place: SourcePlace, documents: Documents): string {
  const inText = FLAG_IN_TEXT.exec(before)?.[1] ?? KEY_IN_TEXT.exec(before)?.[1];
  if (inText !== undefined) return singleSpaced(inText);
  if (before.trim() !== '') return '';
  return flagBefore(place, documents) || variableName(place, documents);
}

const LONGEST_TEXT = 1_000_000;

/** Reads a value where evidence says that it stands; null where the place cannot be found again. */
export function spokenAt(place: SourcePlace, documents: Documents): Spoken | null {
  const whole = scalarAt(documents, place.document, place.path);
  if (whole === undefined || whole.length > LONGEST_TEXT) return null;
  const span = place.span ?? { start: 0, end: whole.length };
  const text = whole.slice(span.start, span.end);
  if (text === '' || text !== place.text.slice(0, text.length)) return null;
  const { document, path } = place;
  return {
    introduction: introduction(whole.slice(Math.max(0, span.start - 200), span.start), place, documents),
    text,
    patch: (to) => ({ document, path, span, from: text, to }),
  };
}
