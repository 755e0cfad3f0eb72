import type { SyntaxNode } from '../grammars.js';
import type { Option, OptionValue } from '../options/option.js';
import { asNumber, asText, Options, textOption } from '../options/option.js';
import { Tracked } from '../text/tracked.js';
import type { PythonSource } from './source.js';
import { dottedName } from './source.js';

/** What names of the source can stand for beside its own constants. */
export interface PythonScope {
  source: PythonSource;
  /** Flags on the command line, and below them the defaults of its argument parser. */
  flags: Options;
  env: ReadonlyMap<string, Tracked>;
}

const MAX_DEPTH = 12;

type Evaluate = (node: SyntaxNode, scope: PythonScope, depth: number) => OptionValue | Option | null;

/** The value of an expression that can be known without running it: literals, constants, flags, variables of the environment. */
export function evaluate(name: string, node: SyntaxNode | undefined, scope: PythonScope, depth = 0): Option {
  if (!node || depth > MAX_DEPTH) return unknown(name, node, scope);
  const rule = Object.hasOwn(RULES, node.type) ? RULES[node.type] : undefined;
  const value = rule?.(node, scope, depth);
  if (value === undefined || (value === null && node.type !== 'none')) return unknown(name, node, scope);
  if (isOption(value)) return { ...value, name };
  return { name, value, place: placeOf(node, scope), unresolved: null };
}

function unknown(name: string, node: SyntaxNode | undefined, { source }: PythonScope): Option {
  const written = node ? source.text.slice(node.start, node.end) : Tracked.empty;
  const shown = written.text.split('\n')[0]?.slice(0, 60) ?? '';
  return { name, value: null, place: written.place(), unresolved: `${shown} is worked out by the program` };
}

const isOption = (value: OptionValue | Option): value is Option =>
  typeof value === 'object' && value !== null && 'unresolved' in value;

const child = (node: SyntaxNode, field: string): SyntaxNode | undefined => node.children.find((c) => c.field === field);
const named = (node: SyntaxNode): SyntaxNode[] => node.children.filter((c) => c.named && c.type !== 'comment');

/** Strings without their quotes. */
function placeOf(node: SyntaxNode, { source }: PythonScope): Option['place'] {
  const content = node.type === 'string' ? node.children.find((c) => c.type === 'string_content') : undefined;
  const { start, end } = content ?? node;
  return source.text.slice(start, end).place();
}

const RULES: Readonly<Record<string, Evaluate>> = {
  integer: (node, scope) => numberOf(node, scope),
  float: (node, scope) => numberOf(node, scope),
  true: () => true,
  false: () => false,
  none: () => null,
  string: (node, scope) => stringOf(node, scope),
  unary_operator: (node, scope, depth) => negative(node, scope, depth),
  binary_operator: (node, scope, depth) => binary(node, scope, depth),
  parenthesized_expression: (node, scope, depth) => evaluate('', named(node)[0], scope, depth + 1),
  list: (node, scope, depth) =>
    named(node)
      .slice(0, 200)
      .map((item, i) => evaluate(String(i), item, scope, depth + 1)),
  tuple: (node, scope, depth) =>
    named(node)
      .slice(0, 200)
      .map((item, i) => evaluate(String(i), item, scope, depth + 1)),
  dictionary: (node, scope, depth) => dictionary(node, scope, depth),
  identifier: (node, scope, depth) => reference(node, scope, depth),
  attribute: (node, scope, depth) => reference(node, scope, depth),
  subscript: (node, scope, depth) => subscript(node, scope, depth),
  call: (node, scope, depth) => call(node, scope, depth),
};

function numberOf(node: SyntaxNode, { source }: PythonScope): number | null {
  const value = Number(source.text.text.slice(node.start, node.end).replaceAll('_', ''));
  return Number.isFinite(value) ? value : null;
}

/** A string without anything put into it. */
function stringOf(node: SyntaxNode, { source }: PythonScope): string | null {
  if (node.children.some((part) => part.type === 'interpolation')) return null;
  return node.children
    .filter((part) => part.type === 'string_content')
    .map((part) => source.text.text.slice(part.start, part.end))
    .join('');
}

function negative(node: SyntaxNode, scope: PythonScope, depth: number): number | null {
  const operand = asNumber(evaluate('', child(node, 'argument'), scope, depth + 1));
  return operand === undefined || !node.children.some((c) => c.type === '-') ? null : -operand;
}

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '//': (a, b) => Math.floor(a / b),
  '/': (a, b) => a / b,
  '**': (a, b) => a ** b,
};

function binary(node: SyntaxNode, scope: PythonScope, depth: number): number | null {
  const operator = child(node, 'operator')?.type ?? '';
  const a = asNumber(evaluate('', child(node, 'left'), scope, depth + 1));
  const b = asNumber(evaluate('', child(node, 'right'), scope, depth + 1));
  const compute = Object.hasOwn(ARITHMETIC, operator) ? ARITHMETIC[operator] : undefined;
  const value = compute && a !== undefined && b !== undefined ? compute(a, b) : NaN;
  return Number.isFinite(value) ? value : null;
}

function dictionary(node: SyntaxNode, scope: PythonScope, depth: number): Options {
  const pairs = named(node)
    .filter((part) => part.type === 'pair')
    .slice(0, 300);
  return new Options(
    pairs.flatMap((pair) => {
      const key = asText(evaluate('', child(pair, 'key'), scope, depth + 1));
      return key === undefined ? [] : [evaluate(key, child(pair, 'value'), scope, depth + 1)];
    }),
  );
}

/** Types of torch are values by their own name. */
const TORCH = 'torch.';

/** A constant of the source, a flag (`args.batch_size`), a field of a configuration (`config.batch_size`), a type. */
function reference(node: SyntaxNode, scope: PythonScope, depth: number): OptionValue | Option | null {
  const name = dottedName(node, scope.source.text);
  if (name === null) return null;
  if (name.startsWith(TORCH)) return name;
  const own = scope.source.names.get(name);
  if (own && own !== node) return evaluate(name, own, scope, depth + 1);
  const dot = name.lastIndexOf('.');
  if (dot < 0) return null;
  return attributeOf(name.slice(0, dot), name.slice(dot + 1), { node, scope, depth });
}

interface At {
  node: SyntaxNode;
  scope: PythonScope;
  depth: number;
}

const ARGUMENTS: ReadonlySet<string> = new Set([
  'args',
  'opt',
  'opts',
  'flags',
  'FLAGS',
  'hparams',
  'parsed_args',
  'cli_args',
  'self.args',
]);

function attributeOf(object: string, name: string, { scope, depth }: At): Option | null {
  const flag = ARGUMENTS.has(object) ? scope.flags.find(name) : undefined;
  if (flag) return flag;
  const value = scope.source.names.get(name);
  return value ? evaluate(name, value, scope, depth + 1) : null;
}

function subscript(node: SyntaxNode, scope: PythonScope, depth: number): Option | null {
  const object = child(node, 'value');
  const key = asText(evaluate('', child(node, 'subscript'), scope, depth + 1));
  if (!object || key === undefined) return null;
  if (dottedName(object, scope.source.text)?.endsWith('environ')) return variable(key, scope);
  const holder = evaluate('', object, scope, depth + 1).value;
  return holder instanceof Options ? (holder.find(key) ?? null) : null;
}

function variable(name: string, { env }: PythonScope): Option | null {
  const text = env.get(name);
  return text ? textOption(name, text) : null;
}

/** Conversions of one value, and the environment. */
const CONVERSIONS: ReadonlySet<string> = new Set(['int', 'float', 'str', 'bool', 'Path']);
const ENVIRONMENT: ReadonlySet<string> = new Set(['os.environ.get', 'os.getenv', 'environ.get', 'getenv']);

function call(node: SyntaxNode, scope: PythonScope, depth: number): OptionValue | Option | null {
  const name = dottedName(child(node, 'function'), scope.source.text);
  const given = named(child(node, 'arguments') ?? node);
  if (name === null) return null;
  if (CONVERSIONS.has(name) && given.length === 1) return evaluate('', given[0], scope, depth + 1);
  if (ENVIRONMENT.has(name)) return environment(given, scope, depth);
  return name === 'dict' ? keywordOptions(given, scope, depth) : null;
}

function environment(given: readonly SyntaxNode[], scope: PythonScope, depth: number): Option | null {
  const key = asText(evaluate('', given[0], scope, depth + 1));
  if (key === undefined) return null;
  return variable(key, scope) ?? (given[1] ? evaluate(key, given[1], scope, depth + 1) : null);
}

function keywordOptions(given: readonly SyntaxNode[], scope: PythonScope, depth: number): Options {
  const keywords = given.filter((part) => part.type === 'keyword_argument');
  return new Options(
    keywords.flatMap((part) => {
      const name = child(part, 'name');
      const text = name && scope.source.text.text.slice(name.start, name.end);
      return text ? [evaluate(text, child(part, 'value'), scope, depth + 1)] : [];
    }),
  );
}
