import { describe, expect, it } from '@jest/globals';
import { node } from '../../test/builders/cluster.js';
import { ANYWHERE } from '../../test/builders/workload.js';
import type { Taint } from '../inventory/inventory.js';
import type { NodeRequirement, Placement, Toleration } from '../workload/workload.js';
import { obstacle } from './placement.js';

const labels = { zone: 'a', 'nvidia.com/gpu.memory': '81920', empty: '' };
const plain = node('n1', [{ gib: 80 }], { labels }).node;
const takes = (placement: Partial<Placement>): boolean => obstacle(plain, { ...ANYWHERE, ...placement }) === null;
const withLabel = (key: string, operator: NodeRequirement['operator'], ...values: string[]): boolean =>
  takes({ requiredNodeTerms: [{ labels: [{ key, operator, values }], fields: [] }] });

describe('node selector', () => {
  it('takes the node whose labels carry every entry', () => {
    expect(takes({ nodeSelector: { zone: 'a', empty: '' } })).toBe(true);
    expect(takes({ nodeSelector: { zone: 'a', rack: '7' } })).toBe(false);
  });

  it('does not find labels that every object inherits', () => {
    expect(takes({ nodeSelector: { constructor: 'Object' } })).toBe(false);
    expect(withLabel('toString', 'Exists')).toBe(false);
  });
});

describe('a pod that names its node', () => {
  const taint = (effect: Taint['effect']): Taint => ({ key: 'gpu', value: '', effect });
  const kept = (overrides: object): string | null =>
    obstacle({ ...plain, ...overrides }, { ...ANYWHERE, nodeName: 'n1' })?.words ?? null;

  it('runs there in spite of a cordon and of what keeps the scheduler away', () => {
    expect(kept({ unschedulable: true, taints: [taint('NoSchedule')] })).toBeNull();
  });

  it('does not run where it would be evicted, nor on another node', () => {
    expect(kept({ taints: [taint('NoExecute')] })).toContain('untolerated taint gpu:NoExecute');
    expect(kept({ name: 'n2' })).toBe('other than n1');
  });
});

describe('required node affinity', () => {
  it.each<[string, NodeRequirement['operator'], string[], boolean]>([
    ['zone', 'In', ['b', 'a'], true],
    ['zone', 'In', ['b'], false],
    ['rack', 'In', ['7'], false],
    ['zone', 'NotIn', ['b'], true],
    ['zone', 'NotIn', ['a'], false],
    ['rack', 'NotIn', ['7'], true],
    ['empty', 'Exists', [], true],
    ['rack', 'Exists', [], false],
    ['rack', 'DoesNotExist', [], true],
    ['zone', 'DoesNotExist', [], false],
    ['nvidia.com/gpu.memory', 'Gt', ['40960'], true],
    ['nvidia.com/gpu.memory', 'Gt', ['81920'], false],
    ['nvidia.com/gpu.memory', 'Lt', ['81921'], true],
    ['nvidia.com/gpu.memory', 'Lt', ['81920'], false],
    ['zone', 'Gt', ['1'], false],
    ['rack', 'Lt', ['1'], false],
    ['nvidia.com/gpu.memory', 'Gt', ['40Gi'], false],
    ['nvidia.com/gpu.memory', 'Gt', ['99999999999999999999'], false],
  ])('%s %s %j: %s', (key, operator, values, expected) => {
    expect(withLabel(key, operator, ...values)).toBe(expected);
  });

  it('needs one of its terms, and within a term every requirement', () => {
    const zone = { key: 'zone', operator: 'In', values: ['a'] } as const;
    const rack = { key: 'rack', operator: 'Exists', values: [] } as const;
    expect(takes({ requiredNodeTerms: [{ labels: [zone, rack], fields: [] }] })).toBe(false);
    expect(
      takes({
        requiredNodeTerms: [
          { labels: [rack], fields: [] },
          { labels: [zone], fields: [] },
        ],
      }),
    ).toBe(true);
  });

  it('matches nothing without terms, and nothing by an empty term', () => {
    expect(takes({ requiredNodeTerms: [] })).toBe(false);
    expect(takes({ requiredNodeTerms: [{ labels: [], fields: [] }] })).toBe(false);
  });

  it('knows the field metadata.name, and no other', () => {
    const byField = (key: string, operator: NodeRequirement['operator'], value: string): boolean =>
      takes({ requiredNodeTerms: [{ labels: [], fields: [{ key, operator, values: [value] }] }] });
    expect(byField('metadata.name', 'In', 'n1')).toBe(true);
    expect(byField('metadata.name', 'NotIn', 'n1')).toBe(false);
    expect(byField('metadata.namespace', 'NotIn', 'n1')).toBe(false);
  });
});

describe('taints', () => {
  const dedicated: Taint = { key: 'dedicated', value: 'ml', effect: 'NoSchedule' };
  const tolerated = (taint: Taint, ...tolerations: Toleration[]): boolean =>
    obstacle({ ...plain, taints: [taint] }, { ...ANYWHERE, tolerations }) === null;

  it.each<[string, Toleration, boolean]>([
    ['equal key and value', { key: 'dedicated', operator: 'Equal', value: 'ml', effect: 'NoSchedule' }, true],
    ['operator left out means Equal', { key: 'dedicated', value: 'ml' }, true],
    ['another value', { key: 'dedicated', value: 'web' }, false],
    ['Exists needs no value', { key: 'dedicated', operator: 'Exists' }, true],
    ['Exists without a key tolerates everything', { operator: 'Exists' }, true],
    ['another effect', { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, false],
  ])('%s', (_, toleration, expected) => {
    expect(tolerated(dedicated, toleration)).toBe(expected);
  });

  it('compares numbers with Gt and Lt', () => {
    const level: Taint = { key: 'level', value: '950', effect: 'NoExecute' };
    expect(tolerated(level, { key: 'level', operator: 'Gt', value: '900' })).toBe(true);
    expect(tolerated(level, { key: 'level', operator: 'Lt', value: '900' })).toBe(false);
    expect(tolerated(level, { key: 'level', operator: 'Gt', value: 'high' })).toBe(false);
  });

  it('does not mind a preference', () => {
    expect(tolerated({ ...dedicated, effect: 'PreferNoSchedule' })).toBe(true);
  });

  it('names the taint that keeps the pod off', () => {
    expect(obstacle({ ...plain, taints: [dedicated] }, ANYWHERE)).toEqual({
      words: 'with the untolerated taint dedicated=ml:NoSchedule',
      passing: false,
    });
  });
});

describe('states that pass', () => {
  it('a cordoned node comes back, and a pod that tolerates the cordon goes there now', () => {
    const cordoned = { ...plain, unschedulable: true };
    const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] as const;
    expect(obstacle(cordoned, ANYWHERE)).toEqual({ words: 'cordoned', passing: true });
    expect(obstacle(cordoned, { ...ANYWHERE, tolerations })).toBeNull();
  });

  it('a node that is not ready comes back', () => {
    expect(obstacle({ ...plain, ready: false }, ANYWHERE)?.passing).toBe(true);
    const notReady: Taint = { key: 'node.kubernetes.io/not-ready', value: '', effect: 'NoExecute' };
    expect(obstacle({ ...plain, taints: [notReady] }, ANYWHERE)?.passing).toBe(true);
  });

  it('a lasting obstacle is named before a passing one', () => {
    const both = { ...plain, unschedulable: true };
    expect(obstacle(both, { ...ANYWHERE, nodeName: 'n2' })?.passing).toBe(false);
  });
});
