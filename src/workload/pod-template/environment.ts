import type { Field } from '../field.js';
import type { EnvSource, EnvVariable } from '../workload.js';

/** A container's `env`, in order. */
export function readEnvironment(container: Field): EnvVariable[] {
  return container.get('env').items().map(readVariable);
}

/** A container's `envFrom`, in order. */
export function readEnvSources(container: Field): EnvSource[] {
  return container
    .get('envFrom')
    .items()
    .flatMap((entry): EnvSource[] => {
      const prefix = entry.get('prefix').text() ?? '';
      const configMap = entry.get('configMapRef', 'name').text();
      if (configMap !== null) return [{ kind: 'configmap', name: configMap, prefix, path: entry.path }];
      const secret = entry.get('secretRef', 'name').text();
      return secret === null ? [] : [{ kind: 'secret', name: secret, prefix, path: entry.path }];
    });
}

const REFERENCES = [
  ['secretKeyRef', 'secret'],
  ['configMapKeyRef', 'configmap'],
  ['fieldRef', 'field'],
  ['resourceFieldRef', 'resource'],
  ['fileKeyRef', 'file'],
] as const;

function readVariable(entry: Field): EnvVariable {
  const name = entry.get('name').text() ?? '';
  const value = entry.get('value');
  const from = entry.get('valueFrom');
  if (value.present || !from.present) return { name, value: value.text() ?? '', path: value.path };
  const [member, reason] = REFERENCES.find(([key]) => from.get(key).present) ?? [null, 'unresolved' as const];
  const unread = { name, value: null, path: entry.path, from: reason };
  if (member !== 'configMapKeyRef') return unread;
  const reference = from.get(member);
  const configMap = { name: reference.get('name').text() ?? '', key: reference.get('key').text() ?? '' };
  return { ...unread, configMap };
}
