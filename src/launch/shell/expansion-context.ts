import type { SyntaxNode } from '../grammars.js';
import type { Tracked } from '../text/tracked.js';
import type { Script, ShellState } from './state.js';

/** A part of a word: literal or quoted text, text that the shell splits at blanks, or several words (`"$@"`). */
export type WordPart =
  { kind: 'text'; text: Tracked } | { kind: 'split'; text: Tracked } | { kind: 'list'; items: readonly Tracked[] };

export interface ExpansionContext {
  script: Script;
  state: ShellState;
  /** Follows `$( … )`: only the interpreter can run what stands inside. */
  substitute: (node: SyntaxNode, script: Script, state: ShellState) => Tracked;
}

/** Expands a word to one text, as on the right of an assignment. */
export type ExpandText = (node: SyntaxNode, context: ExpansionContext) => Tracked;

export const textOf = (node: SyntaxNode, script: Script): Tracked => script.text.slice(node.start, node.end);
