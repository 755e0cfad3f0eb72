import type { Node } from '../inventory/inventory.js';
import type { NodeRequirement, NodeTerm, Placement } from '../workload/workload.js';

type Labels = Readonly<Record<string, string>>;
type Test = (actual: string | undefined, values: readonly string[]) => boolean;

/** An integer as Go's strconv.ParseInt reads it (base 10, 64 bits), else null. */
function parseInteger(text: string | undefined): bigint | null {
  if (text === undefined || !/^[+-]?\d{1,63}$/.test(text)) return null;
  const value = BigInt.asIntN(64, BigInt(text));
  return value === BigInt(text) ? value : null;
}

function compare(actual: string | undefined, values: readonly string[]): bigint | null {
  const [left, right] = [parseInteger(actual), parseInteger(values[0])];
  return left === null || right === null || values.length !== 1 ? null : left - right;
}

/** Meaning of the operators: k8s.io/apimachinery pkg/labels/selector.go, Requirement.Matches. */
const TESTS: Readonly<Record<NodeRequirement['operator'], Test>> = {
  In: (actual, values) => actual !== undefined && values.includes(actual),
  NotIn: (actual, values) => actual === undefined || !values.includes(actual),
  Exists: (actual) => actual !== undefined,
  DoesNotExist: (actual) => actual === undefined,
  Gt: (actual, values) => (compare(actual, values) ?? 0n) > 0n,
  Lt: (actual, values) => (compare(actual, values) ?? 0n) < 0n,
};

const own = (labels: Labels, key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);

/** Whether one label requirement holds. Gt and Lt hold only where both sides are integers. */
export function labelMatches(labels: Labels, requirement: NodeRequirement): boolean {
  return TESTS[requirement.operator](own(labels, requirement.key), requirement.values);
}

/** The scheduler knows one field, `metadata.name`, with In and NotIn. */
function fieldMatches(nodeName: string, requirement: NodeRequirement): boolean {
  if (requirement.key !== 'metadata.name') return false;
  if (requirement.operator !== 'In' && requirement.operator !== 'NotIn') return false;
  return TESTS[requirement.operator](nodeName, requirement.values);
}

/** A term without any requirement matches nothing (k8s.io/component-helpers scheduling/corev1/nodeaffinity). */
function termMatches(node: Node, term: NodeTerm): boolean {
  if (term.labels.length === 0 && term.fields.length === 0) return false;
  return (
    term.labels.every((requirement) => labelMatches(node.labels, requirement)) &&
    term.fields.every((requirement) => fieldMatches(node.name, requirement))
  );
}

/** The first selector entry that the node does not carry, as `key=value`; null where all match. */
export function missingSelector(node: Node, selector: Placement['nodeSelector']): string | null {
  const entry = Object.entries(selector).find(([key, value]) => own(node.labels, key) !== value);
  return entry === undefined ? null : `${entry[0]}=${entry[1]}`;
}

/** Whether any term of the required node affinity holds; null terms mean that there is no such affinity. */
export function affinityMatches(node: Node, terms: Placement['requiredNodeTerms']): boolean {
  return terms === null || terms.some((term) => termMatches(node, term));
}
