import type { SyntaxNode } from '../grammars.js';
import type { Tracked } from '../text/tracked.js';
import type { ExpansionContext } from './expansion-context.js';
import { textOf } from './expansion-context.js';
import { expandText } from './words.js';

/** true or false where the condition can be decided from the manifest, else null. */
export type Truth = boolean | null;

const not = (truth: Truth): Truth => (truth === null ? null : !truth);
export const and = (a: Truth, b: Truth): Truth =>
  a === false || b === false ? false : a === null || b === null ? null : true;
export const or = (a: Truth, b: Truth): Truth => not(and(not(a), not(b)));

/** `[ … ]`, `[[ … ]]`. */
export function testCommand(node: SyntaxNode, context: ExpansionContext): Truth {
  const inner = node.children.filter((child) => child.named);
  return inner.length === 1 ? testExpression(inner[0] as SyntaxNode, context) : null;
}

function testExpression(node: SyntaxNode, context: ExpansionContext): Truth {
  const named = node.children.filter((child) => child.named && child.type !== 'test_operator');
  if (node.type === 'binary_expression') return binaryTest(node, context);
  if (node.type === 'unary_expression') return unaryTest(node, named[0], context);
  if (node.type === 'negation_expression' && named[0]) return not(testExpression(named[0], context));
  if (node.type === 'parenthesized_expression' && named[0]) return testExpression(named[0], context);
  const value = expandText(node, context);
  return value.isResolved ? value.length > 0 : null;
}

function binaryTest(node: SyntaxNode, context: ExpansionContext): Truth {
  const [left, operator, right] = ['left', 'operator', 'right'].map((field) =>
    node.children.find((child) => child.field === field),
  );
  if (!left || !operator || !right) return null;
  const sign = textOf(operator, context.script).text;
  if (sign === '&&') return and(testExpression(left, context), testExpression(right, context));
  if (sign === '||') return or(testExpression(left, context), testExpression(right, context));
  return compare(expandText(left, context), sign, expandText(right, context));
}

const COMPARE: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '-eq': (a, b) => Number(a) === Number(b),
  '-ne': (a, b) => Number(a) !== Number(b),
  '-lt': (a, b) => Number(a) < Number(b),
  '-le': (a, b) => Number(a) <= Number(b),
  '-gt': (a, b) => Number(a) > Number(b),
  '-ge': (a, b) => Number(a) >= Number(b),
};

/** Compares two known texts; patterns and unknown operators are not decided. */
export function compare(left: Tracked, sign: string, right: Tracked): Truth {
  const decide = Object.hasOwn(COMPARE, sign) ? COMPARE[sign] : undefined;
  if (!decide || !left.isResolved || !right.isResolved || right.text.includes('*')) return null;
  return decide(left.text, right.text);
}

function unaryTest(node: SyntaxNode, operand: SyntaxNode | undefined, context: ExpansionContext): Truth {
  const operator = node.children.find((child) => child.field === 'operator' || child.type === 'test_operator');
  if (!operator || !operand) return null;
  const sign = textOf(operator, context.script).text;
  if (sign === '!') return not(testExpression(operand, context));
  return unary(sign, expandText(operand, context));
}

/** `-n` and `-z`; tests of files are not decided. */
export function unary(sign: string, value: Tracked): Truth {
  if (!value.isResolved) return null;
  if (sign === '-z') return value.length === 0;
  return sign === '-n' ? value.length > 0 : null;
}
