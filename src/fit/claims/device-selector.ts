import { Environment } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import type { AttributeValue, SliceDevice } from '../../inventory/resource-slice.js';
import { parseQuantity } from '../../workload/quantity.js';

/**
 * `error`: the expression fails on the device, such as on an attribute that it does not have; the scheduler then gives
 * the pod up for the time being.
 */
export type Match = 'yes' | 'no' | 'error';

/** A CEL selector of a request or a device class, ready to be held against devices. */
export interface DeviceSelector {
  matches(device: SliceDevice): Match;
}

/** The API server takes no longer ones (resource.k8s.io/v1, CELSelectorExpressionMaxLength). */
const MOST_CHARACTERS = 10 * 1024;
const LIMITS = { maxAstNodes: 1_000, maxDepth: 60, maxListElements: 256, maxMapEntries: 256, maxCallArguments: 16 };
/** Loops within loops multiply: one within another over at most 32 attributes is the most that is run. */
const DEEPEST_LOOPS = 2;
const LOOPS: ReadonlySet<string> = new Set([
  'all',
  'exists',
  'exists_one',
  'existsOne',
  'map',
  'filter',
  'transformList',
  'transformMap',
]);
const LONGEST_PATTERN = 200;
const MOST_QUANTIFIERS = 3;

/** A Kubernetes quantity, as the CEL library of Kubernetes knows it (k8s.io/apiserver pkg/cel/library/quantity.go). */
class Quantity {
  constructor(readonly amount: number) {}
}

/** A semantic version (k8s.io/apiserver pkg/cel/library/semverlib.go). */
class Semver {
  constructor(readonly version: Version) {}
}

interface Version {
  numbers: readonly [number, number, number];
  prerelease: readonly string[];
}

const VERSION = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})(?:-([0-9A-Za-z.-]{1,100}))?(?:\+[0-9A-Za-z.-]{1,100})?$/;

function parseVersion(text: string): Version | null {
  const found = VERSION.exec(text);
  if (found === null) return null;
  const [, major, minor, patch, prerelease] = found;
  return { numbers: [Number(major), Number(minor), Number(patch)], prerelease: prerelease?.split('.') ?? [] };
}

/** Precedence of https://semver.org, section 11. */
function compareVersions(a: Version, b: Version): number {
  for (const [index, number] of a.numbers.entries()) {
    const difference = number - (b.numbers[index] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0)
    return Math.sign(b.prerelease.length - a.prerelease.length);
  for (const [index, one] of a.prerelease.entries()) {
    const other = b.prerelease[index];
    const order = other === undefined ? 1 : compareIdentifiers(one, other);
    if (order !== 0) return order;
  }
  return a.prerelease.length < b.prerelease.length ? -1 : 0;
}

function compareIdentifiers(a: string, b: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && isOtherNumber) return Math.sign(Number(a) - Number(b));
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function quantity(text: string): Quantity {
  const amount = parseQuantity(text);
  if (amount === null) throw new Error(`${text} is no quantity`);
  return new Quantity(amount);
}

function semver(text: string): Semver {
  const version = parseVersion(text);
  if (version === null) throw new Error(`${text} is no version`);
  return new Semver(version);
}

const order = (a: Quantity, b: Quantity): number => Math.sign(a.amount - b.amount);
const precedence = (a: Semver, b: Semver): number => compareVersions(a.version, b.version);

/** What a selector may use: the variable `device` and the functions of Kubernetes' own CEL libraries. */
const ENVIRONMENT = new Environment({ enableOptionalTypes: true, limits: LIMITS })
  .registerVariable('device', 'map')
  .registerType('Quantity', { ctor: Quantity, fields: {} })
  .registerType('Semver', { ctor: Semver, fields: {} })
  .registerFunction('quantity(string): Quantity', quantity)
  .registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== null)
  .registerFunction('Quantity.compareTo(Quantity): int', (a: Quantity, b: Quantity) => BigInt(order(a, b)))
  .registerFunction('Quantity.isGreaterThan(Quantity): bool', (a: Quantity, b: Quantity) => order(a, b) > 0)
  .registerFunction('Quantity.isLessThan(Quantity): bool', (a: Quantity, b: Quantity) => order(a, b) < 0)
  .registerFunction('Quantity.sign(): int', (a: Quantity) => BigInt(Math.sign(a.amount)))
  .registerFunction('Quantity.add(Quantity): Quantity', (a: Quantity, b: Quantity) => new Quantity(a.amount + b.amount))
  .registerFunction('Quantity.sub(Quantity): Quantity', (a: Quantity, b: Quantity) => new Quantity(a.amount - b.amount))
  .registerFunction('Quantity.isInteger(): bool', (a: Quantity) => Number.isSafeInteger(a.amount))
  .registerFunction('Quantity.asInteger(): int', (a: Quantity) => BigInt(a.amount))
  .registerFunction('Quantity.asApproximateFloat(): double', (a: Quantity) => a.amount)
  .registerOperator('Quantity == Quantity', (a: Quantity, b: Quantity) => order(a, b) === 0)
  .registerFunction('semver(string): Semver', semver)
  .registerFunction('isSemver(string): bool', (text: string) => parseVersion(text) !== null)
  .registerFunction('Semver.compareTo(Semver): int', (a: Semver, b: Semver) => BigInt(precedence(a, b)))
  .registerFunction('Semver.isGreaterThan(Semver): bool', (a: Semver, b: Semver) => precedence(a, b) > 0)
  .registerFunction('Semver.isLessThan(Semver): bool', (a: Semver, b: Semver) => precedence(a, b) < 0)
  .registerFunction('Semver.major(): int', (a: Semver) => BigInt(a.version.numbers[0]))
  .registerFunction('Semver.minor(): int', (a: Semver) => BigInt(a.version.numbers[1]))
  .registerFunction('Semver.patch(): int', (a: Semver) => BigInt(a.version.numbers[2]))
  .registerOperator('Semver == Semver', (a: Semver, b: Semver) => precedence(a, b) === 0);

const COMPILED_KEPT = 200;
const compiled = new Map<string, DeviceSelector | string>();

/**
 * Makes a selector of a CEL expression as Kubernetes takes it (k8s.io/dynamic-resource-allocation cel/compile.go). In
 * words why not where it is none, or is more than is run here: its time is bounded by its length, its loops and the plain
 * form of its patterns. Nothing but the device can be seen by it.
 */
export function deviceSelector(expression: string): DeviceSelector | string {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  if (compiled.size >= COMPILED_KEPT) compiled.clear();
  const made = compile(expression);
  compiled.set(expression, made);
  return made;
}

function compile(expression: string): DeviceSelector | string {
  if (expression.length > MOST_CHARACTERS) return `it is longer than ${MOST_CHARACTERS} characters`;
  try {
    const { ast } = ENVIRONMENT.parse(expression);
    const tooMuch = costlyPart(ast, 0);
    if (tooMuch !== null) return tooMuch;
    const text = withPlainPresence(expression, ast);
    const { valid, type, error } = ENVIRONMENT.check(text);
    if (!valid) return firstLine(error);
    if (type !== 'bool' && type !== 'dyn') return `it gives ${type}, not true or false`;
    return selectorOf(ENVIRONMENT.parse(text), namesIn(ast));
  } catch (error) {
    return firstLine(error);
  }
}

const firstLine = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n', 1)[0] ?? 'it is no CEL') : 'it is no CEL';

function childrenOf(node: ASTNode): ASTNode[] {
  const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value;
  const args: unknown = node.args;
  const all: unknown[] = Array.isArray(args) ? (args.flat(2) as unknown[]) : [args];
  return all.filter(isNode);
}

/** What of an expression may take long; null where nothing does. */
function costlyPart(node: ASTNode, loops: number): string | null {
  const isLoop = node.op === 'rcall' && LOOPS.has(node.args[0]);
  const depth = loops + (isLoop ? 1 : 0);
  if (depth > DEEPEST_LOOPS) return 'it loops within loops';
  if (node.op === 'rcall' && node.args[0] === 'matches' && !isPlainPattern(node.args[2][0]))
    return 'its regular expression is not a plain one';
  for (const child of childrenOf(node)) {
    const found = costlyPart(child, depth);
    if (found !== null) return found;
  }
  return null;
}

/** Kubernetes runs patterns in linear time (RE2), JavaScript does not: only those are run that cannot take long. */
function isPlainPattern(pattern: ASTNode | undefined): boolean {
  if (pattern?.op !== 'value' || typeof pattern.args !== 'string') return false;
  const text = pattern.args;
  const quantifiers = text.match(/[*+?{]/g)?.length ?? 0;
  return text.length <= LONGEST_PATTERN && quantifiers <= MOST_QUANTIFIERS && !/\)[*+?{]|\\[1-9]|\(\?/.test(text);
}

/** `device.attributes` and `device.capacity`, of which every domain can be asked. */
const isOfDomains = (node: ASTNode): boolean =>
  node.op === '.' &&
  node.args[0].op === 'id' &&
  node.args[0].args === 'device' &&
  /^(attributes|capacity)$/.test(node.args[1]);

/** What to say instead of a question whether something is there; null where it is no such question. */
function presence(node: ASTNode, wordsOf: (part: ASTNode) => string): string | null {
  if (node.op === 'in' && isOfDomains(node.args[1]))
    return `((${wordsOf(node.args[0])}) in ${wordsOf(node.args[1])}Domains)`;
  const [argument] = node.op === 'call' && node.args[0] === 'has' ? node.args[1] : [];
  if (argument?.op !== '.') return null;
  return `("${argument.args[1]}" in (${wordsOf(argument.args[0])}))`;
}

/**
 * `has(x["y"].z)` in the words that the library knows, which takes no index within has(); and `"y" in device.attributes`
 * asked of the domains that there are.
 */
function withPlainPresence(expression: string, ast: ASTNode): string {
  const found: { start: number; end: number; text: string }[] = [];
  const visit = (node: ASTNode): void => {
    const text = presence(node, ({ start, end }) => expression.slice(start, end));
    if (text === null) childrenOf(node).forEach(visit);
    else found.push({ start: node.start, end: node.end, text });
  };
  visit(ast);
  found.sort((a, b) => b.start - a.start);
  return found.reduce((text, each) => text.slice(0, each.start) + each.text + text.slice(each.end), expression);
}

/** The name that a part looks something up by; null where it looks nothing up. */
function nameIn(node: ASTNode): string | null {
  if (node.op === '.' || node.op === '.?') return node.args[1];
  return node.op === 'value' && typeof node.args === 'string' ? node.args : null;
}

/** Whether a part makes a name up, or goes through all that there are. */
function isOpen(node: ASTNode): boolean {
  if (node.op === 'call' || node.op === 'rcall') return node.args[0] === 'size' || LOOPS.has(node.args[0]);
  return node.op === '+' || (node.op === '[]' && node.args[1].op !== 'value');
}

/** Every name that an expression may look attributes up by; null where all may count. */
function namesIn(ast: ASTNode): ReadonlySet<string> | null {
  const parts: ASTNode[] = [ast];
  for (const part of parts) parts.push(...childrenOf(part));
  return parts.some(isOpen) ? null : new Set(parts.flatMap((part) => nameIn(part) ?? []));
}

type Expression = ReturnType<typeof ENVIRONMENT.parse>;

/** Devices that are equal in all that the expression looks at are looked at once. */
function selectorOf(expression: Expression, names: ReadonlySet<string> | null): DeviceSelector {
  const answers = new Map<string, Match>();
  return {
    matches(device) {
      const key = seenOf(device, names);
      const known = answers.get(key);
      if (known !== undefined) return known;
      if (answers.size >= ANSWERS_KEPT) answers.clear();
      const answer = evaluated(expression, device);
      answers.set(key, answer);
      return answer;
    },
  };
}

const ANSWERS_KEPT = 50_000;

const idOf = (name: string): string => name.slice(name.indexOf('/') + 1);

/** What an expression sees of a device, as text: the values under the names that it may use. */
function seenOf({ driver, attributes, capacity }: SliceDevice, names: ReadonlySet<string> | null): string {
  let seen = driver;
  for (const name in attributes) {
    const { kind, value } = attributes[name]!;
    if (names === null || names.has(idOf(name))) seen += `\n${name}:${kind}:${JSON.stringify(value)}`;
  }
  for (const name in capacity) if (names === null || names.has(idOf(name))) seen += `\n${name}=${capacity[name]}`;
  return seen;
}

function evaluated(expression: Expression, device: SliceDevice): Match {
  try {
    const result: unknown = expression({ device: variableOf(device) });
    return typeof result === 'boolean' ? (result ? 'yes' : 'no') : 'error';
  } catch {
    return 'error';
  }
}

function celValue({ kind, value }: AttributeValue): unknown {
  if (kind === 'int') return BigInt(value);
  return kind === 'version' ? semver(value) : value;
}

/** Names by domain. A domain that the device does not have is an empty one, as for Kubernetes (compile.go, mapper). */
function byDomain(values: readonly (readonly [string, unknown])[]): Map<string, Map<string, unknown>> {
  const domains = new Map<string, Map<string, unknown>>();
  for (const [name, value] of values) {
    const domain = name.slice(0, name.indexOf('/'));
    const known = domains.get(domain) ?? new Map<string, unknown>();
    domains.set(domain, known);
    known.set(idOf(name), value);
  }
  const nothing = new Map<string, unknown>();
  const find = domains.get.bind(domains);
  // The library takes plain Maps only, so that a subclass cannot say this.
  domains.get = (domain) => find(domain) ?? nothing;
  return domains;
}

function variableOf({ driver, attributes, capacity }: SliceDevice): Record<string, unknown> {
  const attributesByDomain = byDomain(Object.entries(attributes).map(([name, value]) => [name, celValue(value)]));
  const capacityByDomain = byDomain(Object.entries(capacity).map(([name, value]) => [name, new Quantity(value)]));
  return {
    driver,
    allowMultipleAllocations: false,
    attributes: attributesByDomain,
    capacity: capacityByDomain,
    attributesDomains: [...attributesByDomain.keys()],
    capacityDomains: [...capacityByDomain.keys()],
  };
}
