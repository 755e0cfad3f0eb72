import type { Container, Workload } from '../workload/workload.js';

/** Names of the ConfigMaps that the workload's containers mount or take environment from. */
export function namedConfigMaps(workload: Workload): Set<string> {
  const containers = workload.podSets.flatMap((podSet) => podSet.containers);
  return new Set(containers.flatMap(namedBy));
}

function namedBy({ mounts, env, envFrom }: Container): string[] {
  return [
    ...mounts.filter(({ source }) => source.kind === 'configmap').map(({ source }) => source.name),
    ...env.flatMap(({ configMap }) => configMap?.name ?? []),
    ...envFrom.filter(({ kind }) => kind === 'configmap').map(({ name }) => name),
  ];
}
