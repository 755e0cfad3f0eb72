import type { SyntaxNode } from '../grammars.js';
import { Tracked } from '../text/tracked.js';
import type { ExpandText, ExpansionContext } from './expansion-context.js';
import { textOf } from './expansion-context.js';

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => Math.trunc(a / b),
  '%': (a, b) => a % b,
  '**': (a, b) => a ** b,
  '<<': (a, b) => a * 2 ** b,
};

/** The value of `$(( … ))` in whole numbers, or an unresolved piece where an operand is unknown. */
export function arithmetic(node: SyntaxNode, context: ExpansionContext, expand: ExpandText): Tracked {
  const inner = node.children.filter((child) => child.named);
  const value = inner.length === 1 ? evaluate(inner[0] as SyntaxNode, context, expand) : null;
  if (value !== null && Number.isSafeInteger(value)) return Tracked.made(String(value));
  const written = textOf(node, context.script);
  return Tracked.unresolved(written, `${written.text.slice(0, 80)} cannot be worked out`);
}

function evaluate(node: SyntaxNode, context: ExpansionContext, expand: ExpandText): number | null {
  const [only, ...others] = node.children.filter((child) => child.named);
  if (node.type === 'parenthesized_expression' && only && others.length === 0) return evaluate(only, context, expand);
  if (node.type === 'binary_expression') return binary(node, context, expand);
  if (node.type === 'variable_name') return wholeNumber(context.state.text(textOf(node, context.script).text));
  return wholeNumber(expand(node, context));
}

function binary(node: SyntaxNode, context: ExpansionContext, expand: ExpandText): number | null {
  const [left, operator, right] = ['left', 'operator', 'right'].map((field) =>
    node.children.find((child) => child.field === field),
  );
  const compute = operator && Object.hasOwn(BINARY, operator.type) ? BINARY[operator.type] : undefined;
  if (!left || !right || !compute) return null;
  const a = evaluate(left, context, expand);
  const b = evaluate(right, context, expand);
  return a === null || b === null ? null : compute(a, b);
}

function wholeNumber(value: Tracked | undefined): number | null {
  if (!value?.isResolved || value.text.trim() === '') return null;
  const number = Number(value.text);
  return Number.isSafeInteger(number) ? number : null;
}
