import type { Node } from '../inventory/inventory.js';
import type { TopologyRule } from '../workload/workload.js';

const HOSTNAME = 'kubernetes.io/hostname';

/** Node of the cluster, as far as domains go. */
type DomainNode = Pick<Node, 'name' | 'labels'> & { supposed?: boolean; potential?: boolean };

/**
 * The domain of a node; null where the label is missing. Nodes that are not there yet, or that nothing describes, may turn
 * out to be of one domain.
 */
function domainOf({ name, labels, supposed, potential }: DomainNode, key: string): string | null {
  const value = labels[key];
  if (value !== undefined) return value;
  if (key === HOSTNAME) return name;
  return supposed === true || potential === true ? '' : null;
}

/** Anti-affinity of pods to each other; a group of one that has a domain of its own needs the label all the same. */
const keepsApart = ({ podsPerGroup, exclusive, atOnce }: TopologyRule): boolean =>
  exclusive && podsPerGroup === 1 && !atOnce;

/** Counts pods that have room at once, where they are tied to each other by labels of nodes. */
export class DomainRoom {
  private readonly rooms: { rule: TopologyRule; byDomain: Map<string, number>; unlabelled: number }[];

  constructor(
    rules: readonly TopologyRule[],
    private readonly nodes: readonly { node: DomainNode }[],
  ) {
    this.rooms = rules.map((rule) => ({ rule, byDomain: new Map(), unlabelled: 0 }));
  }

  /** A node, by its position, has room for so many pods. */
  add(position: number, pods: number): void {
    const { node } = this.nodes[position]!;
    for (const room of this.rooms) {
      const domain = domainOf(node, room.rule.key);
      if (domain !== null) room.byDomain.set(domain, (room.byDomain.get(domain) ?? 0) + pods);
      // Anti-affinity says nothing of nodes without the label; whoever is to be in a domain cannot run there.
      else if (keepsApart(room.rule)) room.unlabelled += pods;
    }
  }

  /** Several nodes have room for so many pods each. */
  addAll(positions: readonly number[], pods: number): void {
    if (pods > 0) for (const position of positions) this.add(position, pods);
  }

  /** The least that any of the rules leaves. */
  total(): number {
    return Math.min(...this.rooms.map(({ rule, byDomain, unlabelled }) => unlabelled + podsUnder(rule, byDomain)));
  }
}

function podsUnder({ podsPerGroup, exclusive, atOnce }: TopologyRule, byDomain: ReadonlyMap<string, number>): number {
  const groupsIn = (pods: number): number => {
    const groups = Math.floor(pods / podsPerGroup);
    return exclusive ? Math.min(1, groups) : groups;
  };
  const whole = [...byDomain.values()].reduce((sum, pods) => sum + groupsIn(pods) * podsPerGroup, 0);
  return whole > 0 || atOnce ? whole : Math.max(0, ...byDomain.values());
}

/** What is asked of the nodes, in words that go on from the pods: `, on nodes of one topology.kubernetes.io/rack`. */
export function topologyWords(rules: readonly TopologyRule[]): string {
  const words = rules.map((rule) => {
    if (keepsApart(rule))
      return rule.key === HOSTNAME ? ', no two on one node' : `, no two on nodes of one ${rule.key}`;
    const groups = `, ${rule.podsPerGroup} on nodes of one ${rule.key}`;
    return rule.exclusive ? `${groups} that no others share` : groups;
  });
  return [...new Set(words)].join('');
}
