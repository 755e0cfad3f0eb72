import type { SyntaxNode } from '../grammars.js';
import type { Tracked } from '../text/tracked.js';
import type { Truth } from './conditions.js';
import { or } from './conditions.js';
import { textOf } from './expansion-context.js';
import type { Script } from './state.js';

/** One branch of an `if`. */
export interface Clause {
  condition: readonly SyntaxNode[];
  body: readonly SyntaxNode[];
}

/** The branches of an `if`: `if`, each `elif`, `else` (a condition that holds). */
export function clausesOf(node: SyntaxNode): Clause[] {
  const own = clauseOf(node.children.filter((child) => child.type !== 'elif_clause' && child.type !== 'else_clause'));
  const others = node.children.flatMap((child) => {
    if (child.type === 'elif_clause') return [clauseOf(child.children)];
    return child.type === 'else_clause' ? [{ condition: [], body: child.children }] : [];
  });
  return [own, ...others];
}

function clauseOf(children: readonly SyntaxNode[]): Clause {
  const then = children.findIndex((child) => child.type === 'then');
  return { condition: children.slice(0, Math.max(0, then)), body: children.slice(then + 1) };
}

/** Whether a value takes a branch of `case`; patterns other than `*` and plain text are not decided. */
export function caseMatches(item: SyntaxNode, value: Tracked, script: Script): Truth {
  let truth: Truth = false;
  for (const pattern of item.children.filter((child) => child.field === 'value')) {
    truth = or(truth, patternMatches(textOf(pattern, script).text, value));
  }
  return truth;
}

function patternMatches(pattern: string, value: Tracked): Truth {
  if (pattern === '*') return true;
  if (!value.isResolved || ['*', '?', '[', '$'].some((sign) => pattern.includes(sign))) return null;
  const quote = pattern.charAt(0);
  const plain = quote === '"' || quote === "'" ? pattern.slice(1, -1) : pattern;
  return plain === value.text;
}
