import { itemPath, memberPath } from '../../workload/json-path.js';
import type { Json, JsonObject, Unresolved, Workload } from '../../workload/workload.js';
import { CliError } from '../cli-error.js';
import type { SupposedGpus } from './supposed-gpus.js';

/** Values for variables that another tool would fill in. */
export type Bindings = ReadonlyMap<string, string>;

const VARIABLE = /\$(?:\{([A-Za-z_]\w{0,99})(?::?-[^{}$]{0,100})?\}|([A-Za-z_]\w{0,99}))/g;
const DEEPEST = 100;

/** Reads `--set NAME=VALUE`. Throws CliError where it is not understood. */
export function parseSetting(text: string): [string, string] {
  const found = /^([A-Za-z_]\w*)=(.*)$/s.exec(text);
  if (found?.[1] === undefined) throw new CliError(`--set ${text} is not understood`, 'write --set NAME=VALUE');
  return [found[1], found[2] ?? ''];
}

/** Variables anywhere in a text; a placeholder only where it is the whole of it. */
const substituted = (text: string, bindings: Bindings): string =>
  bindings.get(text) ??
  text.replace(VARIABLE, (written, braced?: string, bare?: string) => bindings.get(braced ?? bare ?? '') ?? written);

/** Replaces variables in every string; at the paths where a number belongs, digits become a number. */
class Binder {
  constructor(
    private readonly bindings: Bindings,
    private readonly numbers: ReadonlySet<string>,
  ) {}

  bound(value: Json, path: string, depth = 0): Json {
    if (typeof value === 'string') return this.scalar(substituted(value, this.bindings), path);
    if (value === null || typeof value !== 'object' || depth > DEEPEST) return value;
    if (Array.isArray(value)) return value.map((item, index) => this.bound(item, itemPath(path, index), depth + 1));
    const members = Object.entries(value).map(([key, member]): [string, Json] => [
      key,
      this.bound(member, memberPath(path, key), depth + 1),
    ]);
    return Object.fromEntries(members);
  }

  private scalar(text: string, path: string): string | number {
    return this.numbers.has(path) && /^\d{1,9}$/.test(text) ? Number(text) : text;
  }
}

/** The manifest with variables replaced by their values, numbers as numbers where the workload reader wanted one. */
export function bind(manifest: JsonObject, bindings: Bindings, workload: Workload): JsonObject {
  if (bindings.size === 0) return manifest;
  const counts = workload.podSets.flatMap((podSet) => podSet.replicasUnresolved.map(({ path }) => path));
  const requests = workload.podSets.flatMap((podSet) => podSet.devices.flatMap((request) => request.places));
  const numbers = [...counts, ...requests];
  return new Binder(bindings, new Set(numbers)).bound(manifest, '') as JsonObject;
}

/** What can be filled in by one value: a variable, or a word that stands for one. */
const isOneValue = ({ kind, names }: Unresolved): boolean =>
  (kind === 'envsubst' || kind === 'placeholder') && names.length === 1;

/** Variables that stand for the number of GPUs of a pod; not those that stand for the name of the resource. */
function countVariables({ podSets, unresolved }: Workload): string[] {
  const places = new Set(podSets.flatMap((podSet) => podSet.devices.flatMap((request) => request.places)));
  const counts = unresolved.filter((each) => places.has(each.path) && !each.path.includes(each.text));
  return counts.filter(isOneValue).flatMap(({ names }) => names);
}

const nodeVariables = ({ podSets }: Workload): string[] =>
  podSets.flatMap(({ replicasUnresolved }) => replicasUnresolved.filter(isOneValue).flatMap(({ names }) => names));

/**
 * What `--gpu NAME:COUNT` says of variables that stand for counts: GPUs per pod, and nodes. Variables that are set
 * by hand win.
 */
export function impliedBindings(workload: Workload, supposed: SupposedGpus | undefined): Map<string, string> {
  const implied = new Map<string, string>();
  if (supposed?.perNode == null) return implied;
  for (const name of nodeVariables(workload)) implied.set(name, String(supposed.nodes ?? 1));
  for (const name of countVariables(workload)) implied.set(name, String(supposed.perNode));
  return implied;
}
