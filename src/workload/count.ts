import type { LaunchFacts, Unresolved } from './workload.js';

/** A count, with what of it another tool fills in. */
export interface Count {
  value: number;
  unresolved: readonly Unresolved[];
}

/** Kubernetes counts pods in 32 bits. */
export const LARGEST_COUNT = 2 ** 31 - 1;

export function known(value: number): Count {
  return { value, unresolved: [] };
}

/** The facts on nodes that a count of pods makes. */
export function asNodes({ value, unresolved }: Count): Pick<LaunchFacts, 'nodes' | 'nodesUnresolved'> {
  return { nodes: value, nodesUnresolved: unresolved };
}

export function product(...counts: readonly Count[]): Count {
  return join(counts, (values) => values.reduce((all, value) => all * value, 1));
}

export function sum(...counts: readonly Count[]): Count {
  return join(counts, (values) => values.reduce((all, value) => all + value, 0));
}

export function smallest(...counts: readonly [Count, ...Count[]]): Count {
  return join(counts, (values) => Math.min(...values));
}

function join(counts: readonly Count[], combine: (values: number[]) => number): Count {
  const value = combine(counts.map((count) => count.value));
  const unresolved = new Map(counts.flatMap((count) => count.unresolved.map((each) => [each.path, each])));
  return { value: Math.min(value, LARGEST_COUNT), unresolved: [...unresolved.values()] };
}
