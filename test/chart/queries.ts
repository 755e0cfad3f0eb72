import type { Manifest } from './helm.js';

/** Names of Plimsoll's own metrics in the queries of a dashboard and of alerts, without the parts of a histogram. */
export function metricsIn(...objects: readonly Manifest[]): string[] {
  const names = objects.flatMap((object) => JSON.stringify(object).match(/plimsoll_[a-z0-9_]+(?=[{\\)[ ,])/g) ?? []);
  return [...new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))].sort();
}
