import type { SyntaxNode } from '../grammars.js';
import { Tracked } from '../text/tracked.js';
import type { ShellState } from './state.js';
import type { ExpandText, ExpansionContext, WordPart } from './expansion-context.js';
import { textOf } from './expansion-context.js';

/** `$NAME` or `${ … }` with its operators. */
export function expandParameter(node: SyntaxNode, context: ExpansionContext, expand: ExpandText): WordPart[] {
  const parameter = parameterOf(node, context);
  if (parameter === null) return [unknown(node, context, 'is not followed')];
  if (parameter.all) return [{ kind: 'list', items: allOf(parameter.name, context.state) }];
  const value = valueOf(parameter, context.state);
  const operator = operatorOf(node, context, expand);
  if (operator === null) return [value ? { kind: 'text', text: value } : notSet(node, context, parameter.name)];
  return applyOperator({ node, context, value, operator });
}

interface Parameter {
  name: string;
  /** `@` or `*`: every element. */
  all: boolean;
  index: number | null;
}

function parameterOf(node: SyntaxNode, context: ExpansionContext): Parameter | null {
  const holder = node.children.find(isParameterNode);
  if (!holder) return null;
  if (holder.type !== 'subscript') {
    const name = textOf(holder, context.script).text;
    return { name, all: name === '@' || name === '*', index: null };
  }
  return subscriptOf(holder, context);
}

const isParameterNode = (child: SyntaxNode): boolean =>
  child.type === 'variable_name' || child.type === 'special_variable_name' || child.type === 'subscript';

function subscriptOf(node: SyntaxNode, context: ExpansionContext): Parameter | null {
  const name = node.children.find((child) => child.field === 'name');
  const index = node.children.find((child) => child.field === 'index');
  if (!name || !index) return null;
  const written = textOf(index, context.script).text;
  const all = written === '@' || written === '*';
  const position = Number(written);
  if (!all && !Number.isInteger(position)) return null;
  return { name: textOf(name, context.script).text, all, index: all ? null : position };
}

function allOf(name: string, state: ShellState): readonly Tracked[] {
  return name === '@' || name === '*' ? state.positional.slice(1) : state.list(name);
}

function valueOf({ name, index }: Parameter, state: ShellState): Tracked | undefined {
  if (index !== null) return state.list(name)[index];
  if (name === '#') return Tracked.made(String(Math.max(0, state.positional.length - 1)));
  const position = Number(name);
  if (name !== '' && Number.isInteger(position)) return state.positional[position] ?? Tracked.empty;
  return state.text(name);
}

interface Operator {
  sign: string;
  /** Expanded lazily: only the branch that is taken. */
  operand: () => Tracked;
  operandIsPlain: boolean;
  isLength: boolean;
}

function operatorOf(node: SyntaxNode, context: ExpansionContext, expand: ExpandText): Operator | null {
  const operator = node.children.find((child) => child.field === 'operator');
  if (!operator) return null;
  const parameter = node.children.findIndex(isParameterNode);
  const isBefore = node.children.indexOf(operator) < parameter;
  const after = node.children.slice(node.children.indexOf(operator) + 1).filter((child) => child.type !== '}');
  const rest = isBefore ? [] : after;
  return {
    sign: operator.type,
    operand: () => Tracked.join(rest.map((child) => expand(child, context)).filter((part) => part.length > 0)),
    operandIsPlain: rest.length <= 1,
    isLength: isBefore && operator.type === '#',
  };
}

interface Application {
  node: SyntaxNode;
  context: ExpansionContext;
  value: Tracked | undefined;
  operator: Operator;
}

type Apply = (application: Application) => Tracked | null;

const OPERATORS: Readonly<Record<string, Apply>> = {
  ':-': ({ value, operator }) => (value && value.length > 0 ? value : operator.operand()),
  '-': ({ value, operator }) => value ?? operator.operand(),
  ':=': (application) => assigned(application, (value) => value !== undefined && value.length > 0),
  '=': (application) => assigned(application, (value) => value !== undefined),
  ':?': ({ value }) => value ?? null,
  '?': ({ value }) => value ?? null,
  ':+': ({ value, operator }) => (value && value.length > 0 ? operator.operand() : Tracked.empty),
  '+': ({ value, operator }) => (value ? operator.operand() : Tracked.empty),
  '#': (application) => trimmed(application, 'front', false),
  '##': (application) => trimmed(application, 'front', true),
  '%': (application) => trimmed(application, 'back', false),
  '%%': (application) => trimmed(application, 'back', true),
};

function applyOperator(application: Application): WordPart[] {
  const { operator, value, node, context } = application;
  if (operator.isLength)
    return [
      value ? { kind: 'text', text: Tracked.made(String(value.length)) } : unknown(node, context, 'has no value'),
    ];
  const apply = Object.hasOwn(OPERATORS, operator.sign) ? OPERATORS[operator.sign] : undefined;
  const result = apply?.(application) ?? null;
  return [result ? { kind: 'text', text: result } : unknown(node, context, 'is not followed')];
}

function assigned(
  { node, context, value, operator }: Application,
  isSet: (v: Tracked | undefined) => boolean,
): Tracked {
  if (value && isSet(value)) return value;
  const operand = operator.operand();
  const name = node.children.find((child) => child.type === 'variable_name');
  if (name) context.state.set(textOf(name, context.script).text, operand);
  return operand;
}

/** `${V#pattern}` and its kin, for patterns of literal text with at most one star at its outer end. */
function trimmed({ value, operator }: Application, side: 'front' | 'back', longest: boolean): Tracked | null {
  if (!value?.isResolved) return null;
  const { literal, star } = splitPattern(operator.operand().text, side);
  if (hasGlob(literal)) return null;
  if (literal === '') return longest && star ? Tracked.empty : value;
  return (side === 'front' ? trimFront : trimBack)(value, literal, star, longest);
}

function splitPattern(pattern: string, side: 'front' | 'back'): { literal: string; star: boolean } {
  if (side === 'front' && pattern.startsWith('*')) return { literal: pattern.slice(1), star: true };
  if (side === 'back' && pattern.endsWith('*')) return { literal: pattern.slice(0, -1), star: true };
  return { literal: pattern, star: false };
}

const hasGlob = (pattern: string): boolean => ['*', '?', '['].some((sign) => pattern.includes(sign));

function trimFront(value: Tracked, literal: string, star: boolean, longest: boolean): Tracked {
  if (!star) return value.text.startsWith(literal) ? value.slice(literal.length) : value;
  const found = longest ? value.text.lastIndexOf(literal) : value.text.indexOf(literal);
  return found < 0 ? value : value.slice(found + literal.length);
}

function trimBack(value: Tracked, literal: string, star: boolean, longest: boolean): Tracked {
  if (!star) return value.text.endsWith(literal) ? value.slice(0, value.length - literal.length) : value;
  const found = longest ? value.text.indexOf(literal) : value.text.lastIndexOf(literal);
  return found < 0 ? value : value.slice(0, found);
}

function unknown(node: SyntaxNode, context: ExpansionContext, why: string): WordPart {
  const written = textOf(node, context.script);
  return { kind: 'text', text: Tracked.unresolved(written, `${written.text.slice(0, 80)} ${why}`) };
}

function notSet(node: SyntaxNode, context: ExpansionContext, name: string): WordPart {
  return unknown(node, context, `is not set in the manifest (envsubst or the image may set ${name})`);
}
