import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { node, snapshot } from '../../test/builders/cluster.js';
import type { BuiltNode } from '../../test/builders/cluster.js';
import { ANYWHERE, podSet, request } from '../../test/builders/workload.js';
import type { TopologyRule } from '../workload/workload.js';
import { classRows } from './class-fit.js';
import { indexCluster } from './cluster.js';
import { candidateFor } from './pod-set-fit.js';
import { unschedulable } from './reasons.js';
import { podsEver, podsNow } from './room.js';

const RACK = 'topology.kubernetes.io/rack';
const HOSTNAME = 'kubernetes.io/hostname';

const inRack = (name: string, rack: string | null, used = 0): BuiltNode =>
  node(name, [{ gib: 79.2, count: 8, usedGib: used, pods: used > 0 ? ['other'] : [] }], {
    labels: rack === null ? {} : { [RACK]: rack },
  });
/** Pods with a whole node's GPUs each. */
const candidate = (nodes: readonly BuiltNode[], topology: readonly TopologyRule[], replicas = 4) =>
  candidateFor(
    podSet({ replicas, devices: [request(8)], placement: { ...ANYWHERE, topology } }),
    indexCluster(snapshot(...nodes)),
    null,
  )!;
const rule = (change: Partial<TopologyRule>): TopologyRule => ({
  key: RACK,
  podsPerGroup: 4,
  exclusive: false,
  atOnce: true,
  ...change,
});
const ever = (nodes: readonly BuiltNode[], ...rules: readonly TopologyRule[]): number =>
  podsEver(candidate(nodes, rules).room, () => true);

const racks = (sizes: Record<string, number>): BuiltNode[] =>
  Object.entries(sizes).flatMap(([rack, count]) =>
    Array.from({ length: count }, (_, index) => inRack(`${rack}-${index}`, rack)),
  );

describe('pods that must be on nodes of one rack', () => {
  it('have room where a rack takes them all, however many nodes there are elsewhere', () => {
    expect(ever(racks({ a: 3, b: 3, c: 2 }), rule({}))).toBe(0);
    expect(ever(racks({ a: 3, b: 4, c: 2 }), rule({}))).toBe(4);
    expect(ever(racks({ a: 9, b: 4 }), rule({}))).toBe(12);
  });

  it('need all their places at once, and are told so', () => {
    const wanted = candidate(racks({ a: 3, b: 3 }), [rule({})]);
    expect(wanted.podsNeeded).toBe(4);
    expect(
      unschedulable(
        wanted,
        classRows(wanted.room, () => ({ kind: 'unknown', unknown: [] })),
      ),
    ).toBe(
      `4 pods at once, each with 8 nvidia.com/gpu, 4 on nodes of one ${RACK}; there is room for 6 pods, but not on such nodes`,
    );
  });

  it('do not run on nodes without the label', () => {
    expect(ever([...racks({ a: 3 }), inRack('x', null)], rule({}))).toBe(0);
  });

  it('may start one by one where only the pods’ own affinity ties them', () => {
    expect(ever(racks({ a: 3, b: 2 }), rule({ atOnce: false }))).toBe(3);
    expect(candidate(racks({ a: 3 }), [rule({ atOnce: false })]).podsNeeded).toBe(1);
  });

  it('have a rack of their own for each group where it is theirs alone', () => {
    expect(ever(racks({ a: 9, b: 2, c: 1 }), rule({ podsPerGroup: 2, exclusive: true }))).toBe(4);
  });

  it('have a labelled rack of their own even where a group is of one pod', () => {
    const alone = rule({ podsPerGroup: 1, exclusive: true });
    expect(ever([...racks({ a: 3, b: 1 }), inRack('x', null)], alone)).toBe(2);
  });

  it('are counted beside what runs now', () => {
    const nodes = [inRack('a1', 'a'), inRack('a2', 'a', 60), inRack('b1', 'b'), inRack('b2', 'b')];
    const { room } = candidate(nodes, [rule({ podsPerGroup: 2 })], 2);
    expect(podsEver(room, () => true)).toBe(4);
    expect(podsNow(room, () => 30 * 2 ** 30)).toBe(2);
  });
});

describe('pods that keep apart', () => {
  const apart = rule({ key: HOSTNAME, podsPerGroup: 1, exclusive: true, atOnce: false });

  it('have one place on each node', () => {
    const nodes = [inRack('n1', 'a'), inRack('n2', 'a')];
    const two = candidateFor(
      podSet({ replicas: 4, devices: [request(2)], placement: { ...ANYWHERE, topology: [apart] } }),
      indexCluster(snapshot(...nodes)),
      null,
    )!;
    expect(podsEver(two.room, () => true)).toBe(2);
  });

  it('are not held to a label that a node has not', () => {
    expect(ever([inRack('n1', 'a'), inRack('n2', null)], { ...apart, key: RACK })).toBe(2);
  });
});

describe('the room of any racks', () => {
  it('is never more than without the rule, whole groups, and not less for one more node', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 });
    const rules = fc.record({ podsPerGroup: fc.integer({ min: 1, max: 4 }), exclusive: fc.boolean() });
    fc.assert(
      fc.property(sizes, rules, (counts, change) => {
        const nodes = racks(Object.fromEntries(counts.map((count, index) => [`r${index}`, count])));
        const pods = ever(nodes, rule(change));
        expect(pods).toBeLessThanOrEqual(ever(nodes));
        expect(pods % change.podsPerGroup).toBe(0);
        expect(ever([...nodes, inRack('more', 'r0')], rule(change))).toBeGreaterThanOrEqual(pods);
      }),
    );
  });
});
