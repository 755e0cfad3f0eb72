import { describe, expect, it } from '@jest/globals';
import { node, snapshot } from '../../test/builders/cluster.js';
import type { BuiltNode } from '../../test/builders/cluster.js';
import { estimateOf, run } from '../../test/builders/run.js';
import { ANYWHERE, podSet, request, workload } from '../../test/builders/workload.js';
import type { Interval } from '../memory/estimate.js';
import type { PodSet } from '../workload/workload.js';
import { indexCluster } from './cluster.js';
import { fitWorkload } from './workload-fit.js';
import type { PodSetRun, WorkloadFit } from './workload-fit.js';

const GIB = 1024 ** 3;
const around = (expected: number, spread = 0.02): Interval => ({
  low: expected * (1 - spread) * GIB,
  expected: expected * GIB,
  high: expected * (1 + spread) * GIB,
});

const reading = (name: string, overrides: Partial<PodSetRun> = {}): PodSetRun => ({
  podSet: name,
  role: 'model',
  training: true,
  run: run(),
  unknown: [],
  ...overrides,
});

interface Scene {
  needs: Interval;
  nodes: readonly BuiltNode[];
  podSets?: readonly PodSet[];
  gangSize?: number | null;
  runs?: readonly PodSetRun[];
}

function fitted({ needs, nodes, podSets = [podSet()], gangSize = null, runs }: Scene): WorkloadFit {
  return fitWorkload({
    workload: workload(podSets, { gangSize }),
    runs: runs ?? podSets.map(({ name }) => reading(name)),
    cluster: indexCluster(snapshot(...nodes)),
    estimate: () => ({ estimate: estimateOf(needs) }),
    estimateTogether: () => ({ together: estimateOf(needs), alone: [] }),
    traitsOf: (model) => ({ model, vendor: 'nvidia', computeCapability: 8 }),
  });
}

const a100 = (name: string, count = 8): BuiltNode => node(name, [{ gib: 79.2, count }]);
const l4 = (name: string, count = 8): BuiltNode => node(name, [{ model: 'NVIDIA L4', gib: 22, count }]);

describe('the six verdicts', () => {
  it('fits: even the highest reading is below the smallest device', () => {
    const fit = fitted({ needs: around(34.1), nodes: [a100('n1'), a100('n2')] });
    expect(fit.verdict).toBe('fits');
    expect(fit.reason).toBe('needs 34.1 GiB, the device has 79.2 GiB (NVIDIA A100-SXM4-80GB)');
    expect(fit.podSets[0]?.classes).toMatchObject([{ nodes: 2, devices: 16, podsEver: 16, podsNow: 16 }]);
  });

  it('fits-some: names the devices that fit and the affinity that keeps it there', () => {
    const fit = fitted({ needs: around(34.1), nodes: [a100('n1'), l4('n2')] });
    expect(fit.verdict).toBe('fits-some');
    expect(fit.reason).toBe(
      'needs 34.1 GiB: fits NVIDIA A100-SXM4-80GB, but its pods may also be given 22.0 GiB (NVIDIA L4)',
    );
    expect(fit.podSets[0]?.affinity).toEqual({
      key: 'nvidia.com/gpu.product',
      operator: 'In',
      values: ['NVIDIA-A100-SXM4-80GB'],
    });
  });

  it('tight: expected fits, the highest reading does not', () => {
    const fit = fitted({ needs: around(78), nodes: [a100('n1')] });
    expect(fit.verdict).toBe('tight');
    expect(fit.reason).toBe(
      'needs 78.0 GiB (76.4 GiB to 79.6 GiB): fits 79.2 GiB (NVIDIA A100-SXM4-80GB) if it goes as expected, not at its highest',
    );
  });

  it('never will-not-fit for a program that is only guessed: it may need anything less', () => {
    const evidence = { kind: 'assumed', reason: 'its flags' } as const;
    const guess = { ...run(), program: { value: { id: null, name: 'train.py', version: null }, evidence } };
    const fit = fitted({ needs: around(120), nodes: [a100('n1')], runs: [reading('main', { run: guess })] });
    expect(fit.verdict).toBe('tight');
    expect(fit.reason).toBe(
      'needs 120.0 GiB, more than the 79.2 GiB (NVIDIA A100-SXM4-80GB), if train.py does what its flags say: it is not known',
    );
    expect(fit.podSets[0]?.classes[0]?.requiredBytes.low).toBe(0);
  });

  it('counts nodes that a pool may still get for later, not for now', () => {
    const grown = node('later', [{ gib: 79.2, count: 8 }], { potential: true });
    const fit = fitted({ needs: around(34.1), nodes: [grown] });
    expect(fit.verdict).toBe('fits');
    expect(fit.podSets[0]?.classes).toMatchObject([{ podsEver: 8, podsNow: 0 }]);
  });

  it('tight, and says so, where the expected value is too much and the lowest is not', () => {
    const fit = fitted({ needs: around(80), nodes: [a100('n1')] });
    expect(fit.verdict).toBe('tight');
    expect(fit.reason).toContain('more than the 79.2 GiB (NVIDIA A100-SXM4-80GB) if it goes as expected');
  });

  it('will-not-fit: even the lowest reading is above the largest device', () => {
    const fit = fitted({ needs: around(171.2), nodes: [a100('n1'), l4('n2')] });
    expect(fit.verdict).toBe('will-not-fit');
    expect(fit.reason).toBe('needs 171.2 GiB, the largest device has 79.2 GiB (NVIDIA A100-SXM4-80GB)');
  });

  it('unschedulable: no node has so many devices', () => {
    const fit = fitted({
      needs: around(1),
      nodes: [a100('n1', 4), node('n2', [])],
      podSets: [podSet({ devices: [request(8)] })],
    });
    expect(fit.verdict).toBe('unschedulable');
    expect(fit.reason).toBe('asks for 8 nvidia.com/gpu; of 2 nodes: 1 with only 4 and 1 without nvidia.com/gpu');
  });

  it('unknown: says which field keeps it from being answered', () => {
    const unknown = [{ field: 'model', reason: 'no catalog entry for acme/frog-7b' }];
    const fit = fitted({ needs: around(1), nodes: [a100('n1')], runs: [reading('main', { run: null, unknown })] });
    expect(fit).toMatchObject({ verdict: 'unknown', reason: 'model: no catalog entry for acme/frog-7b' });
  });
});

describe('what is not known never rejects', () => {
  it('an empty inventory', () => {
    expect(fitted({ needs: around(1), nodes: [] })).toMatchObject({
      verdict: 'unknown',
      reason: 'the inventory is empty: no node is known yet',
    });
  });

  it('devices that nothing describes', () => {
    const undescribed = node('n1', [], { allocatable: { 'nvidia.com/gpu': 8 } });
    expect(fitted({ needs: around(500), nodes: [undescribed] })).toMatchObject({
      verdict: 'unknown',
      reason: 'no capacity is known for nvidia.com/gpu',
    });
  });

  it('a claim whose devices a driver chooses', () => {
    const claim = podSet({ devices: [request(1, { resource: 'gpu.nvidia.com', form: 'claim' })] });
    expect(fitted({ needs: around(500), nodes: [a100('n1')], podSets: [claim] }).verdict).toBe('unknown');
  });

  it('CPU and memory of a node that lists only its GPUs', () => {
    const sparse = node('n1', [{ gib: 79.2 }], { allocatable: { 'nvidia.com/gpu': 1 } });
    const hungry = podSet({ placement: { ...ANYWHERE, otherRequests: { cpu: 500 } } });
    expect(fitted({ needs: around(1), nodes: [sparse], podSets: [hungry] }).verdict).toBe('fits');
  });
});

describe('places', () => {
  it('only nodes that the selectors let in count', () => {
    const pinned = podSet({
      placement: { ...ANYWHERE, nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB' } },
    });
    expect(fitted({ needs: around(34), nodes: [a100('n1'), l4('n2')], podSets: [pinned] }).verdict).toBe('fits');
  });

  it('too little CPU is a reason', () => {
    const hungry = podSet({ placement: { ...ANYWHERE, otherRequests: { cpu: 500 } } });
    const fit = fitted({ needs: around(1), nodes: [a100('n1')], podSets: [hungry] });
    expect(fit.reason).toBe('asks for 1 nvidia.com/gpu; of 1 node: 1 with too little cpu');
  });

  it('a cordoned node has room later, not now', () => {
    const cordoned = node('n1', [{ gib: 79.2, count: 2 }], { unschedulable: true });
    const fit = fitted({ needs: around(34), nodes: [cordoned] });
    expect(fit.podSets[0]?.classes[0]).toMatchObject({ podsEver: 2, podsNow: 0, verdict: 'fits' });
  });

  it('pods, and memory held by nobody, keep devices busy now', () => {
    const held = { gib: 79.2, usedGib: 40, pods: ['team-b/other'] };
    const ghost = { gib: 79.2, usedGib: 60 };
    const busy = node('n1', [held, ghost, { gib: 79.2, usedGib: 0.5, count: 2 }], {
      requested: { 'nvidia.com/gpu': 1 },
    });
    expect(fitted({ needs: around(34), nodes: [busy] }).podSets[0]?.classes[0]).toMatchObject({
      podsEver: 4,
      podsNow: 2,
    });
  });

  it('two models under one resource name on a node: no affinity can tell them apart', () => {
    const mixed = node('n1', [{ gib: 79.2 }, { model: 'NVIDIA L4', gib: 22 }]);
    const fit = fitted({ needs: around(34), nodes: [mixed] });
    expect(fit.podSets[0]).toMatchObject({ verdict: 'fits-some', affinity: null });
  });

  it('falls back to another label where a mixed node carries the same product', () => {
    const mixed = node('n1', [{ gib: 79.2 }, { model: 'NVIDIA L4', gib: 22 }]);
    const fit = fitted({ needs: around(34), nodes: [mixed, a100('n2')] });
    expect(fit.podSets[0]?.affinity).toEqual({ key: 'kubernetes.io/hostname', operator: 'In', values: ['n2'] });
  });

  it('MIG instances are a class of their own', () => {
    const slices = node('n1', [
      {
        model: 'NVIDIA H100 80GB HBM3',
        gib: 39.5,
        count: 2,
        migProfile: '3g.40gb',
        resource: 'nvidia.com/mig-3g.40gb',
      },
    ]);
    const slice = podSet({
      devices: [request(1, { resource: 'nvidia.com/mig-3g.40gb', form: 'mig', migProfile: '3g.40gb' })],
    });
    const fit = fitted({ needs: around(34), nodes: [slices, a100('n2')], podSets: [slice] });
    expect(fit.podSets[0]?.classes.map((row) => row.deviceClass)).toEqual(['NVIDIA H100 80GB HBM3 MIG 3g.40gb']);
  });
});

describe('shares of a device', () => {
  it('are not cut from one that is too small beside others on its node, whatever it is', () => {
    const devices = [
      { gib: 40, count: 1 },
      { model: 'Prototype X', gib: 10, count: 1 },
    ] as const;
    const pods = podSet({ devices: [request(1, { form: 'memory', memoryBytes: 20 * GIB })] });
    const [fit] = fitted({ needs: around(12), nodes: [node('n1', devices)], podSets: [pods] }).podSets;
    expect(fit?.classes.map(({ deviceClass }) => deviceClass)).toEqual(['NVIDIA A100-SXM4-80GB']);
    expect(fit?.affinity).toBeNull();
  });

  const sliced = (strategy: string): BuiltNode =>
    node('n1', [{ gib: 79.2, replicas: 4 }], { labels: { 'nvidia.com/gpu.sharing-strategy': strategy } });

  it('time-slicing promises a share and enforces nothing', () => {
    const fit = fitted({ needs: around(34), nodes: [sliced('time-slicing')] });
    expect(fit.verdict).toBe('tight');
    expect(fit.reason).toContain('a share of 19.8 GiB of 79.2 GiB');
    expect(fit.reason).toContain('nothing enforces the share');
  });

  it('MPS holds each client to its share', () => {
    expect(fitted({ needs: around(34), nodes: [sliced('mps')] }).verdict).toBe('will-not-fit');
  });

  it('a memory request that is enforced is the budget', () => {
    const part = podSet({
      devices: [request(1, { resource: 'nvidia.com/gpumem', form: 'memory', memoryBytes: 20 * GIB })],
    });
    expect(fitted({ needs: around(34), nodes: [a100('n1')], podSets: [part] }).verdict).toBe('will-not-fit');
    expect(fitted({ needs: around(12), nodes: [a100('n1')], podSets: [part] }).verdict).toBe('fits');
  });
});

describe('gangs', () => {
  const workers = podSet({ name: 'worker', replicas: 3, devices: [request(8)] });

  it('pods that run by themselves need room for one', () => {
    expect(fitted({ needs: around(34), nodes: [a100('n1')], podSets: [workers] }).verdict).toBe('fits');
  });

  it('pods that run together need room for all', () => {
    const fit = fitted({ needs: around(34), nodes: [a100('n1'), a100('n2')], podSets: [workers], gangSize: 3 });
    expect(fit).toMatchObject({
      verdict: 'unschedulable',
      reason: '3 pods at once, each with 8 nvidia.com/gpu; there is room for 2 pods',
    });
  });

  it('room on devices that cannot hold it is no room', () => {
    const nodes = [a100('n1'), a100('n2'), l4('n3')];
    const fit = fitted({ needs: around(34), nodes, podSets: [workers], gangSize: 3 });
    expect(fit.verdict).toBe('will-not-fit');
    expect(fit.reason).toContain('it fits only NVIDIA A100-SXM4-80GB, where there is room for 2 pods');
  });

  it('pod sets that each have room may not have it together', () => {
    const master = podSet({ name: 'master', devices: [request(8)] });
    const question = { needs: around(34), podSets: [master, { ...workers, replicas: 1 }], gangSize: 2 };
    expect(fitted({ ...question, nodes: [a100('n1')] })).toMatchObject({
      verdict: 'unschedulable',
      reason: 'its 2 pods must run at once, and there is no room for all of them together',
    });
    expect(fitted({ ...question, nodes: [a100('n1'), a100('n2')] }).verdict).toBe('fits');
  });

  it('pod sets without room together have none, whether or not they would fit: as one pod set by itself', () => {
    const master = podSet({ name: 'master', devices: [request(8)] });
    const podSets = [master, { ...workers, replicas: 1 }];
    expect(fitted({ needs: around(340), podSets, gangSize: 2, nodes: [a100('n1')] }).verdict).toBe('unschedulable');
    const both = { needs: around(340), podSets, gangSize: 2, nodes: [a100('n1'), a100('n2')] };
    expect(fitted(both).verdict).toBe('will-not-fit');
  });

  it('pods take nodes first that are of no use to the others', () => {
    const labelled = (name: string, labels: Record<string, string>): BuiltNode =>
      node(name, [{ gib: 79.2, count: 8 }], { labels });
    const selecting = (name: string, replicas: number): PodSet => {
      const placement = { ...ANYWHERE, nodeSelector: { [name]: 'yes' } };
      return podSet({ name, replicas, devices: [request(8)], placement });
    };
    const nodes = [labelled('n1', { a: 'yes', b: 'yes' }), labelled('n2', { a: 'yes' }), labelled('n3', { b: 'yes' })];
    const podSets = [selecting('a', 1), selecting('b', 2)];
    expect(fitted({ needs: around(12), podSets, gangSize: 3, nodes }).verdict).toBe('fits');
  });

  it('pods that hold devices without training do not hide the verdict of those that train', () => {
    const head = podSet({ name: 'head' });
    const runs = [reading('head', { training: false, run: null }), reading('main')];
    expect(fitted({ needs: around(34), nodes: [a100('n1')], podSets: [head, podSet()], runs }).verdict).toBe('fits');
  });
});
