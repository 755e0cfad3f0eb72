import type { SyntaxNode } from '../grammars.js';
import { isBlank } from '../text/characters.js';
import { Tracked } from '../text/tracked.js';
import { arithmetic } from './arithmetic.js';
import { expandParameter } from './parameters.js';
import type { ExpansionContext, WordPart } from './expansion-context.js';
import { textOf } from './expansion-context.js';
import type { ShellState } from './state.js';
import { spend } from './state.js';

const text = (value: Tracked): WordPart[] => [{ kind: 'text', text: value }];

/** The words that a word of the script becomes: none, one or several. */
export function expandWords(node: SyntaxNode, context: ExpansionContext): Tracked[] {
  return fieldsOf(expandParts(node, context), context.state);
}

/** The text of a word where the shell does not split it, as on the right of an assignment. */
export function expandText(node: SyntaxNode, context: ExpansionContext): Tracked {
  const parts = expandParts(node, context).map((part) =>
    part.kind === 'list' ? Tracked.join(spaced(part.items)) : part.text,
  );
  const joined = Tracked.join(parts.filter((part) => part.length > 0));
  spend(context.state.budget, joined.length);
  return joined;
}

const SPACE = Tracked.made(' ');
const spaced = (items: readonly Tracked[]): Tracked[] => items.flatMap((item, i) => (i === 0 ? [item] : [SPACE, item]));

type Expander = (node: SyntaxNode, context: ExpansionContext) => WordPart[];

const EXPANDERS: Readonly<Record<string, Expander>> = {
  word: (node, { script }) => text(unescape(textOf(node, script), isUnquotedEscape)),
  number: (node, { script }) => text(textOf(node, script)),
  raw_string: (node, { script }) => text(script.text.slice(node.start + 1, node.end - 1)),
  ansi_c_string: (node, { script }) =>
    text(unescape(script.text.slice(node.start + 2, node.end - 1), isUnquotedEscape)),
  string: (node, context) => insideString(node, context),
  translated_string: (node, context) =>
    node.children.flatMap((child) => (child.named ? expandParts(child, context) : [])),
  concatenation: (node, context) => withGaps(node, context, UNQUOTED),
  command_name: (node, context) => withGaps(node, context, UNQUOTED),
  simple_expansion: (node, context) => unquoted(expandParameter(node, context, expandText)),
  expansion: (node, context) => unquoted(expandParameter(node, context, expandText)),
  command_substitution: (node, { script, state, substitute }) => [
    { kind: 'split', text: substitute(node, script, state) },
  ],
  arithmetic_expansion: (node, context) => text(arithmetic(node, context, expandText)),
  process_substitution: (node, { script }) => text(outputOf(textOf(node, script))),
};

/** The parts of a word; node types without a rule of their own stand as written. */
export function expandParts(node: SyntaxNode, context: ExpansionContext): WordPart[] {
  const expander = Object.hasOwn(EXPANDERS, node.type) ? EXPANDERS[node.type] : undefined;
  return expander ? expander(node, context) : text(textOf(node, context.script));
}

const outputOf = (written: Tracked): Tracked =>
  Tracked.unresolved(written, `${written.text.slice(0, 60)} is the output of a command`);

function unquoted(parts: WordPart[]): WordPart[] {
  return parts.flatMap((part): WordPart[] => {
    if (part.kind === 'text') return [{ kind: 'split', text: part.text }];
    return part.kind === 'list' ? [{ kind: 'split', text: Tracked.join(spaced(part.items)) }] : [part];
  });
}

/** A double-quoted string: expansions inside are not split, and `"$@"` stays several words. */
function insideString(node: SyntaxNode, context: ExpansionContext): WordPart[] {
  const parts = withGaps(node, context, IN_STRING);
  return [{ kind: 'text', text: Tracked.empty }, ...parts.map(quoted)];
}

const quoted = (part: WordPart): WordPart => (part.kind === 'split' ? { kind: 'text', text: part.text } : part);

interface Quoting {
  /** Characters at both ends that belong to the quotes. */
  margin: number;
  inQuotes: boolean;
}

const UNQUOTED: Quoting = { margin: 0, inQuotes: false };
const IN_STRING: Quoting = { margin: 1, inQuotes: true };
const IN_HEREDOC: Quoting = { margin: 0, inQuotes: true };

/** Children in order, with the text between them, which the grammar leaves out of its nodes, as it stands. */
function withGaps(node: SyntaxNode, context: ExpansionContext, { margin, inQuotes }: Quoting): WordPart[] {
  const parts: WordPart[] = [];
  let at = node.start + margin;
  const literal = (until: number): void => {
    if (until <= at) return;
    const gap = context.script.text.slice(at, until);
    parts.push({ kind: 'text', text: unescape(gap, inQuotes ? isQuotedEscape : isUnquotedEscape) });
  };
  for (const child of node.children) {
    if (!child.named || PLAIN_CONTENT.has(child.type) || child.start < at) continue;
    literal(child.start);
    parts.push(...(inQuotes ? expandInQuotes(child, context) : expandParts(child, context)));
    at = child.end;
  }
  literal(node.end - margin);
  return parts;
}

const PLAIN_CONTENT: ReadonlySet<string> = new Set(['string_content', 'heredoc_content']);

function expandInQuotes(node: SyntaxNode, context: ExpansionContext): WordPart[] {
  const isParameter = node.type === 'simple_expansion' || node.type === 'expansion';
  return isParameter ? expandParameter(node, context, expandText) : expandParts(node, context);
}

/** The text of a heredoc: as it stands where its mark is quoted, else with its expansions. */
export function heredocText(body: SyntaxNode, context: ExpansionContext, isQuoted: boolean): Tracked {
  if (isQuoted) return textOf(body, context.script);
  const parts = withGaps(body, context, IN_HEREDOC);
  const joined = Tracked.join(
    parts.map((part) => (part.kind === 'list' ? Tracked.join(spaced(part.items)) : part.text)),
  );
  spend(context.state.budget, joined.length);
  return joined;
}

const isUnquotedEscape = (_next: string): boolean => true;
const isQuotedEscape = (next: string): boolean =>
  next === '"' || next === '\\' || next === '$' || next === '`' || next === '\n';

/** Removes the backslashes that quote; a backslash before a line end vanishes with it. */
function unescape(value: Tracked, isEscape: (next: string) => boolean): Tracked {
  const raw = value.text;
  if (!raw.includes('\\')) return value;
  const parts: Tracked[] = [];
  let at = 0;
  for (let slash = raw.indexOf('\\'); slash >= 0; slash = raw.indexOf('\\', slash + 2)) {
    const next = raw.charAt(slash + 1);
    if (next === '' || !isEscape(next)) continue;
    parts.push(value.slice(at, slash));
    at = next === '\n' ? slash + 2 : slash + 1;
  }
  parts.push(value.slice(at));
  return Tracked.join(parts.filter((part) => part.length > 0));
}

/** Joins parts to words, splitting unquoted expansions at blanks. */
function fieldsOf(parts: readonly WordPart[], state: ShellState): Tracked[] {
  const builder = new FieldBuilder();
  for (const part of parts) builder.add(part);
  const fields = builder.finish();
  spend(
    state.budget,
    fields.reduce((sum, field) => sum + field.length, 0),
  );
  return fields;
}

class FieldBuilder {
  private readonly fields: Tracked[] = [];
  private open: Tracked[] | null = null;

  add(part: WordPart): void {
    if (part.kind === 'text') this.extend(part.text);
    else if (part.kind === 'split') this.split(part.text);
    else this.spread(part.items);
  }

  finish(): Tracked[] {
    this.close();
    return this.fields;
  }

  private extend(value: Tracked): void {
    (this.open ??= []).push(value);
  }

  private close(): void {
    if (this.open) this.fields.push(Tracked.join(this.open.filter((piece) => piece.length > 0)));
    this.open = null;
  }

  private spread(items: readonly Tracked[]): void {
    items.forEach((item, i) => {
      if (i > 0) this.close();
      this.extend(item);
    });
    if (items.length === 0 && this.open?.every((piece) => piece.length === 0)) this.open = null;
  }

  private split(value: Tracked): void {
    const shown = value.masked('x');
    let at = 0;
    while (at < shown.length) {
      const from = skip(shown, at, true);
      if (from > at) this.close();
      at = skip(shown, from, false);
      if (at > from) this.extend(value.slice(from, at));
    }
  }
}

function skip(value: string, from: number, blanks: boolean): number {
  let at = from;
  while (at < value.length && isBlank(value.charAt(at)) === blanks) at++;
  return at;
}
