/** A rule of a ClusterRole. */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** What following and annotating the kinds takes, one rule per API group, groups and resources in order. */
export function workloadRules(kinds: readonly { apiGroup: string; resource: string }[]): PolicyRule[] {
  const groups = [...new Set(kinds.map(({ apiGroup }) => apiGroup))].sort();
  return groups.map((group) => {
    const resources = kinds.filter(({ apiGroup }) => apiGroup === group).map(({ resource }) => resource);
    return { apiGroups: [group], resources: resources.sort(), verbs: ['list', 'watch', 'patch'] };
  });
}
