import type { Field } from '../field.js';
import type { NodeRequirement, NodeTerm, Placement, Toleration } from '../workload.js';

const OPERATORS: readonly NodeRequirement['operator'][] = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];
const TOLERATION_OPERATORS: readonly Toleration['operator'][] = ['Exists', 'Equal', 'Lt', 'Gt'];
const ANY_NODE = 'any node';

/**
 * Where a pod spec lets the scheduler put the pod. Requirements that another tool fills in are left out, so that more
 * nodes pass than in the end may: never a node too few because of a `${INSTANCE_TYPE}`.
 */
export function readPlacement(spec: Field, otherRequests: Readonly<Record<string, number>>): Placement {
  return {
    nodeName: spec.get('nodeName').settledText(ANY_NODE),
    nodeSelector: readSelector(spec.get('nodeSelector')),
    requiredNodeTerms: readTerms(
      spec.get('affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution'),
    ),
    tolerations: spec.get('tolerations').items().map(readToleration),
    otherRequests,
  };
}

function readSelector(selector: Field): Record<string, string> {
  const settled = selector.entries().flatMap(([key, field]): [string, string][] => {
    const value = field.settledText(ANY_NODE);
    return value === null ? [] : [[key, value]];
  });
  return Object.fromEntries(settled);
}

function readTerms(required: Field): NodeTerm[] | null {
  if (!required.present) return null;
  const terms = required.get('nodeSelectorTerms').items().map(readTerm);
  return terms.includes('unsettled') ? null : (terms as NodeTerm[]);
}

/** `unsettled` where nothing of a term is left once what another tool fills in is left out: it may match any node. */
function readTerm(term: Field): NodeTerm | 'unsettled' {
  const labels = term.get('matchExpressions').items().map(readRequirement);
  const fields = term.get('matchFields').items().map(readRequirement);
  const settled = { labels: labels.filter(isSettled), fields: fields.filter(isSettled) };
  const written = labels.length + fields.length;
  const left = settled.labels.length + settled.fields.length;
  return written > 0 && left === 0 ? 'unsettled' : settled;
}

function isSettled(requirement: NodeRequirement | null): requirement is NodeRequirement {
  return requirement !== null;
}

function readRequirement(requirement: Field): NodeRequirement | null {
  const key = requirement.get('key').settledText(ANY_NODE);
  const operator = oneOf(requirement.get('operator'), OPERATORS);
  const values = requirement
    .get('values')
    .items()
    .map((value) => value.settledText(ANY_NODE));
  if (key === null || values.includes(null)) return null;
  return { key, operator, values: values as string[] };
}

/** A toleration whose value is filled in by another tool is taken to tolerate every value. */
export function readToleration(toleration: Field): Toleration {
  const key = toleration.get('key').text();
  const effect = toleration.get('effect').text();
  const value = toleration.get('value');
  const settled = value.settledText('every value is tolerated');
  const open = value.present && settled === null;
  const operator = open ? 'Exists' : oneOf(toleration.get('operator'), TOLERATION_OPERATORS, 'Equal');
  return {
    operator,
    ...(key === null ? {} : { key }),
    ...(settled === null ? {} : { value: settled }),
    ...(effect === null ? {} : { effect }),
  };
}

function oneOf<T extends string | undefined>(field: Field, allowed: readonly T[], fallback?: T): T {
  if (!field.present && fallback !== undefined) return fallback;
  const found = allowed.find((each) => each === field.value);
  if (found === undefined) throw field.expected(`one of ${allowed.join(', ')}`);
  return found;
}
