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

const substituted = (text: string, bindings: Bindings): string =>
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
  const numbers = workload.podSets.flatMap((podSet) => podSet.replicasUnresolved.map(({ path }) => path));
  return new Binder(bindings, new Set(numbers)).bound(manifest, '') as JsonObject;
}

const variables = (unresolved: readonly (Unresolved | undefined)[]): string[] =>
  unresolved.flatMap((each) => (each?.kind === 'envsubst' && each.names.length === 1 ? each.names : []));

/**
 * What `--gpu NAME:COUNT` says of variables that stand for counts: GPUs per pod, and nodes. Variables that are set
 * by hand win.
 */
export function impliedBindings(workload: Workload, supposed: SupposedGpus | undefined): Map<string, string> {
  const implied = new Map<string, string>();
  if (supposed?.perNode == null) return implied;
  const nodes = variables(workload.podSets.flatMap((podSet) => podSet.replicasUnresolved));
  for (const name of nodes) implied.set(name, String(supposed.nodes ?? 1));
  const counts = variables(workload.podSets.flatMap((podSet) => podSet.devices.map((request) => request.unresolved)));
  for (const name of counts) implied.set(name, String(supposed.perNode));
  return implied;
}
