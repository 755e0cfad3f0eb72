import type { Container, EnvSource, EnvVariable, LaunchFacts } from '../../workload/workload.js';
import { Tracked } from '../text/tracked.js';
import { markPlaceholders } from '../text/placeholders.js';
import type { AlongsideView } from '../alongside.js';

export type Environment = Map<string, Tracked>;

/** Longest value after expansion: `A=$(A)$(A)` over many variables must not grow without end. */
const MAX_VALUE_CHARS = 65_536;

/**
 * The environment of a container as its first process sees it. References `$(NAME)` reach variables named before, as
 * in Kubernetes (the kubelet's third_party/forked/golang/expansion), so that a cycle cannot arise. What the operator
 * sets comes first, the container's own values win.
 */
export function containerEnvironment(container: Container, facts: LaunchFacts, files: AlongsideView): Environment {
  const environment: Environment = new Map();
  for (const [name, value] of Object.entries(facts.env)) environment.set(name, Tracked.made(value));
  for (const source of container.envFrom) addWhole(source, environment, files);
  for (const variable of container.env) environment.set(variable.name, valueOf(variable, environment, files));
  return environment;
}

/** Every entry of a ConfigMap that is taken as environment; a Secret's entries stay unknown. */
function addWhole(source: EnvSource, environment: Environment, files: AlongsideView): void {
  if (source.kind !== 'configmap') return;
  for (const key of files.configMapKeys(source.name)) {
    const entry = files.configMapEntry(source.name, key);
    if (entry) environment.set(`${source.prefix}${key}`, entry);
  }
}

function valueOf(variable: EnvVariable, environment: Environment, files: AlongsideView): Tracked {
  if (variable.value === null) return outsideValue(variable, files);
  const written = Tracked.of(variable.value, { document: 'manifest', path: variable.path });
  return expandReferences(markPlaceholders(written), environment).slice(0, MAX_VALUE_CHARS);
}

function outsideValue(variable: EnvVariable, files: AlongsideView): Tracked {
  const { configMap } = variable;
  const given = configMap && files.configMapEntry(configMap.name, configMap.key);
  if (given) return given;
  const source = { document: 'manifest', path: variable.path };
  return Tracked.unresolved(Tracked.of(`$(${variable.name})`, source), `${variable.name} ${whyUnknown(variable)}`);
}

const REASONS: Readonly<Record<string, string>> = {
  secret: 'comes from a Secret',
  field: 'comes from a field of the running pod',
  resource: 'comes from the resources of the running pod',
};

function whyUnknown(variable: EnvVariable): string {
  if (variable.configMap) return `comes from ConfigMap ${variable.configMap.name}, which was not given`;
  return REASONS[variable.from ?? ''] ?? 'has no value in the manifest';
}

/**
 * Expands `$(NAME)` in a command, argument or value; `$$(NAME)` stands for itself, an unknown name stays as written.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expandReferences(text: Tracked, environment: ReadonlyMap<string, Tracked>): Tracked {
  const { text: raw } = text;
  if (!raw.includes('$')) return text;
  const parts: Tracked[] = [];
  let at = 0;
  for (let dollar = raw.indexOf('$'); dollar >= 0; dollar = raw.indexOf('$', Math.max(at, dollar + 1))) {
    const reference = referenceAt(raw, dollar);
    const value =
      reference && (reference.name === null ? text.slice(dollar, dollar + 1) : environment.get(reference.name));
    if (!reference || !value) continue;
    parts.push(text.slice(at, dollar), value);
    at = reference.end;
  }
  if (at === 0) return text;
  parts.push(text.slice(at));
  return Tracked.join(parts.filter((part) => part.length > 0));
}

/** `$(NAME)`, or `$$` (name null: one dollar sign). */
function referenceAt(text: string, dollar: number): { name: string | null; end: number } | null {
  const next = text.charAt(dollar + 1);
  if (next === '$') return { name: null, end: dollar + 2 };
  if (next !== '(') return null;
  const close = text.indexOf(')', dollar + 2);
  if (close < 0 || close - dollar > 300) return null;
  return { name: text.slice(dollar + 2, close), end: close + 1 };
}
