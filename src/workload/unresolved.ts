import type { Unresolved } from './workload.js';

const MAX_TEXT = 200;
const MAX_NAMES = 20;
/** `$NAME`, `${NAME}` and `${NAME:-default}`, as envsubst and shells write them. */
const VARIABLE = /\$(?:\{([A-Za-z_][A-Za-z0-9_]{0,99})(?::?-([^{}$]{0,100}))?\}|([A-Za-z_][A-Za-z0-9_]{0,99}))/g;
/** Argo's own scopes; every other `{{ }}` is taken as Helm's. */
const ARGO = /^=?\s*(?:workflow|inputs|outputs|tasks|steps|item|pod|node|retries)\b/;
/** Words that templates and guides leave to be replaced by hand. */
const PLACEHOLDER = /^(?:<[^<>]{1,100}>|PLACEHOLDER\w{0,100}|(?:YOUR|your)[-_]\S{1,100})$/;
/** The same where only a number makes sense: there any word like this is one. */
const WORD_FOR_A_NUMBER = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;

type Found = Pick<Unresolved, 'kind' | 'names'> & { fallback: string | null };

/** What of a name or word is left to another tool; null where it is a plain value. Time is linear in the text. */
export function findSubstitution(text: string): Found | null {
  return templateIn(text) ?? variableIn(text) ?? placeholderIn(text, PLACEHOLDER);
}

/** As findSubstitution, for places where a number belongs. */
export function findUnresolvedNumber(text: string): Found | null {
  return findSubstitution(text) ?? placeholderIn(text, WORD_FOR_A_NUMBER);
}

/** The record of an unresolved value, its text cut to a readable length. */
export function unresolvedAt(path: string, text: string, found: Found, assumed: string): Unresolved {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return { path, text: cut, kind: found.kind, names: found.names, assumed };
}

/** What people are told of unresolved values, one line for each thing that stands at one or more places. */
export function describeUnresolved(all: readonly Unresolved[]): string[] {
  const groups = new Map<string, Unresolved[]>();
  for (const each of all) {
    const key = `${each.kind} ${each.text} ${each.assumed}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].map(describeGroup);
}

function describeGroup([first, ...others]: readonly Unresolved[]): string {
  if (first === undefined) return '';
  const elsewhere = others.length === 0 ? '' : ` and ${others.length} more place${others.length === 1 ? '' : 's'}`;
  return `${first.text} is ${WORDS[first.kind]}: assumed ${first.assumed} at ${first.path}${elsewhere}`;
}

const WORDS: Readonly<Record<Unresolved['kind'], string>> = {
  envsubst: 'left to envsubst',
  helm: 'a Helm template',
  parameter: 'a workflow parameter without a value',
  placeholder: 'a placeholder',
  'not-given': 'another object that was not given',
};

function templateIn(text: string): Found | null {
  const start = text.indexOf('{{');
  if (start === -1) return null;
  const end = text.indexOf('}}', start);
  if (end === -1) return null;
  const inner = text.slice(start + 2, end).trim();
  const kind = ARGO.test(inner) ? 'parameter' : 'helm';
  return { kind, names: [inner.slice(0, MAX_TEXT)], fallback: null };
}

function variableIn(text: string): Found | null {
  const found = [...text.slice(0, 10_000).matchAll(VARIABLE)];
  if (found.length === 0) return null;
  const names = [...new Set(found.map((match) => match[1] ?? match[3] ?? ''))].slice(0, MAX_NAMES);
  const whole = found.length === 1 && found[0]?.[0] === text ? (found[0][2] ?? null) : null;
  return { kind: 'envsubst', names, fallback: whole };
}

function placeholderIn(text: string, pattern: RegExp): Found | null {
  if (text.length > MAX_TEXT || !pattern.test(text)) return null;
  return { kind: 'placeholder', names: [text], fallback: null };
}
