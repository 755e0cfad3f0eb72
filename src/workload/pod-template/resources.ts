import type { Field } from '../field.js';
import type { Amount } from '../requests/request-form.js';
import { findSubstitution } from '../unresolved.js';

/** The amounts that one container (or, for native ones, the pod as a whole) asks for. */
export interface Amounts {
  /** Resources of device plugins, by name. */
  extended: ReadonlyMap<string, Amount>;
  /** cpu, memory, hugepages and the like in base units. */
  native: ReadonlyMap<string, number>;
}

/**
 * Reads a container's `resources`. Extended resources cannot be overcommitted: requests must equal limits and default to
 * them, so the limit counts and a difference is said. Native ones count by their request, which defaults to the limit.
 */
export function readAmounts(resources: Field): Amounts {
  const limits = new Map(resources.get('limits').entries());
  const requests = new Map(resources.get('requests').entries());
  const extended = new Map<string, Amount>();
  const native = new Map<string, number>();
  for (const name of new Set([...limits.keys(), ...requests.keys()])) {
    const written = { limit: limits.get(name), request: requests.get(name) };
    if (isExtended(name)) setIfPresent(extended, name, extendedAmount(name, written));
    else setIfPresent(native, name, nativeAmount(written));
  }
  return { extended, native };
}

interface Written {
  limit: Field | undefined;
  request: Field | undefined;
}

/** Names of a domain other than Kubernetes' own, and names that another tool fills in. */
function isExtended(name: string): boolean {
  if (findSubstitution(name) !== null) return true;
  const slash = name.indexOf('/');
  return slash > 0 && !name.slice(0, slash).endsWith('kubernetes.io');
}

function extendedAmount(name: string, { limit, request }: Written): Amount | null {
  const fields = [limit, request].filter((field) => field?.present === true) as Field[];
  const [first] = fields;
  if (first === undefined) return null;
  const amounts = fields.map((field) => wholeAmount(field));
  const [amount = { value: 0, unresolved: [] }, other] = amounts;
  if (other !== undefined && other.value !== amount.value) {
    first.log.note(`${name}: requests (${other.value}) and limits (${amount.value}) differ, which Kubernetes refuses`);
  }
  if (limit?.present !== true) first.log.note(`${name}: requested without a limit, which Kubernetes refuses`);
  const [unresolved] = amount.unresolved;
  const places = fields.map(({ path }) => path);
  return unresolved === undefined ? { value: amount.value, places } : { value: amount.value, places, unresolved };
}

function wholeAmount(field: Field): ReturnType<Field['amount']> {
  const amount = field.amount(1, 'a whole number of devices');
  if (!Number.isInteger(amount.value) || amount.value < 0) throw field.expected('a whole number of devices');
  return amount;
}

function nativeAmount({ limit, request }: Written): number | null {
  const field = request?.present === true ? request : limit;
  if (field?.present !== true) return null;
  const { value } = field.amount(0);
  if (value < 0) throw field.expected('a quantity of 0 or more');
  return value;
}

function setIfPresent<T>(map: Map<string, T>, name: string, value: T | null): void {
  if (value !== null) map.set(name, value);
}
