import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { node, snapshot } from '../../test/builders/cluster.js';
import type { BuiltNode, DevicesOfNode } from '../../test/builders/cluster.js';
import { estimateOf, run } from '../../test/builders/run.js';
import { ANYWHERE, podSet, request, workload } from '../../test/builders/workload.js';
import type { DeviceRequest, PodSet } from '../workload/workload.js';
import { indexCluster } from './cluster.js';
import { fitWorkload, severity } from './workload-fit.js';
import type { WorkloadFit } from './workload-fit.js';

const GIB = 1024 ** 3;
/** No catalog knows it: what runs on it cannot be estimated. */
const UNKNOWN_MODEL = 'Prototype X';

interface Pods {
  devicesPerPod: number;
  replicas: number;
  /** What is asked of each device. */
  form: 'device' | 'half' | 'bytes';
  needsGib: number;
  /** Only nodes with this label, and taints that keep others away. */
  zone: string | null;
  tolerates: boolean;
}

interface Question {
  nodes: readonly { devices: readonly DevicesOfNode[]; zone: string; tainted: boolean }[];
  podSets: readonly Pods[];
  gang: boolean;
}

const devices = fc.record({
  model: fc.constantFrom('NVIDIA A100-SXM4-80GB', 'NVIDIA L4', 'Tesla T4', UNKNOWN_MODEL),
  gib: fc.double({ min: 4, max: 100, noNaN: true }),
  count: fc.integer({ min: 1, max: 4 }),
  replicas: fc.constantFrom(1, 1, 1, 2),
  usedGib: fc.option(fc.double({ min: 0, max: 20, noNaN: true })),
});

const pods: fc.Arbitrary<Pods> = fc.record({
  devicesPerPod: fc.integer({ min: 1, max: 4 }),
  replicas: fc.integer({ min: 1, max: 4 }),
  form: fc.constantFrom('device', 'device', 'half', 'bytes'),
  needsGib: fc.double({ min: 2, max: 110, noNaN: true }),
  zone: fc.constantFrom(null, null, 'a', 'b'),
  tolerates: fc.boolean(),
});

const question: fc.Arbitrary<Question> = fc.record({
  nodes: fc.array(
    fc.record({
      devices: fc.array(devices, { minLength: 1, maxLength: 2 }),
      zone: fc.constantFrom('a', 'b'),
      tainted: fc.constantFrom(false, false, true),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  podSets: fc.array(pods, { minLength: 1, maxLength: 2 }),
  gang: fc.boolean(),
});

const built = ({ nodes }: Question): BuiltNode[] =>
  nodes.map(({ devices: held, zone, tainted }, index) =>
    node(`n${index}`, held, {
      labels: { zone },
      taints: tainted ? [{ key: 'reserved', value: 'yes', effect: 'NoSchedule' }] : [],
    }),
  );

function requestOf({ form, devicesPerPod, needsGib }: Pods): DeviceRequest {
  if (form === 'half') return request(1, { form: 'fraction', fraction: 0.5 });
  if (form === 'bytes') return request(1, { form: 'memory', memoryBytes: Math.round(needsGib * GIB) });
  return request(devicesPerPod);
}

const builtPods = (asked: Pods, index: number): PodSet =>
  podSet({
    name: `p${index}`,
    replicas: asked.replicas,
    devices: [requestOf(asked)],
    placement: {
      ...ANYWHERE,
      nodeSelector: asked.zone === null ? {} : { zone: asked.zone },
      tolerations: asked.tolerates ? [{ key: 'reserved', operator: 'Exists', value: '' }] : [],
    },
  });

const intervalOf = (gib: number): { low: number; expected: number; high: number } => ({
  low: gib * 0.9 * GIB,
  expected: gib * GIB,
  high: gib * 1.1 * GIB,
});

function fitOn(nodes: readonly BuiltNode[], { podSets, gang }: Question): WorkloadFit {
  const pods = podSets.reduce((sum, { replicas }) => sum + replicas, 0);
  const needs = (seed: number): number => podSets[seed]?.needsGib ?? 1;
  return fitWorkload({
    workload: workload(podSets.map(builtPods), { gangSize: gang ? pods : null }),
    // The batch tells which pod set a run is of, so that each needs what it was given.
    runs: podSets.map((_, index) => ({
      podSet: `p${index}`,
      role: 'model',
      training: true,
      run: run({ microBatchSize: index + 1 }),
      unknown: [],
    })),
    cluster: indexCluster(snapshot(...nodes)),
    estimate: (made) => ({ estimate: estimateOf(intervalOf(needs(made.microBatchSize.value - 1))) }),
    estimateTogether: () => ({ unknown: [{ field: 'runs', reason: 'there is one run' }] }),
    traitsOf: (model) => (model === UNKNOWN_MODEL ? null : { model, vendor: 'nvidia', computeCapability: 8 }),
  });
}

/** A device too small for the share that is asked for is no choice; grown, one of which nothing is known would be a new one. */
function becomesAnUnknownChoice(
  { model, capacityBytes }: { model: string; capacityBytes: number },
  moreGib: number,
  { podSets }: Question,
): boolean {
  const shares = podSets.filter(({ form }) => form === 'bytes').map(({ needsGib }) => Math.round(needsGib * GIB));
  return (
    model === UNKNOWN_MODEL && shares.some((share) => capacityBytes < share && capacityBytes + moreGib * GIB >= share)
  );
}

const rank = (fit: WorkloadFit): number => severity(fit.verdict);

describe('fit, for any cluster', () => {
  it('more capacity never worsens a verdict', () => {
    fc.assert(
      fc.property(question, fc.nat(), fc.double({ min: 0, max: 50, noNaN: true }), (asked, which, moreGib) => {
        const before = built(asked);
        const all = before.flatMap((entry) => entry.devices);
        const grown = all[which % all.length]!;
        fc.pre(!becomesAnUnknownChoice(grown, moreGib, asked));
        const after = before.map((entry) => ({
          ...entry,
          devices: entry.devices.map((device) =>
            device === grown ? { ...device, capacityBytes: device.capacityBytes + moreGib * GIB } : device,
          ),
        }));
        const [now, then] = [fitOn(after, asked), fitOn(before, asked)];
        expect(rank(now)).toBeLessThanOrEqual(rank(then));
        for (const [index, fit] of now.podSets.entries())
          expect(severity(fit.verdict)).toBeLessThanOrEqual(severity(then.podSets[index]?.verdict ?? 'fits'));
      }),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the order of nodes and devices', () => {
    fc.assert(
      fc.property(question, fc.infiniteStream(fc.nat()), (asked, dice) => {
        const nodes = built(asked);
        const shuffled = [...nodes]
          .map((entry) => ({ entry, at: dice.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ entry }) => ({ ...entry, devices: [...entry.devices].reverse() }));
        expect(fitOn(shuffled, asked)).toEqual(fitOn(nodes, asked));
      }),
    );
  });

  it('a node more never takes room away', () => {
    fc.assert(
      fc.property(question, devices, (asked, extra) => {
        const podsEver = (fit: WorkloadFit): number =>
          fit.podSets.flatMap((entry) => entry.classes).reduce((sum, row) => sum + row.podsEver, 0);
        const nodes = built(asked);
        const more = [...nodes, node('extra', [extra])];
        expect(podsEver(fitOn(more, asked))).toBeGreaterThanOrEqual(podsEver(fitOn(nodes, asked)));
      }),
    );
  });

  it('never has more room now than ever', () => {
    fc.assert(
      fc.property(question, (asked) => {
        for (const row of fitOn(built(asked), asked).podSets.flatMap((entry) => entry.classes))
          expect(row.podsNow).toBeLessThanOrEqual(row.podsEver);
      }),
    );
  });
});

describe('fit, on a large cluster', () => {
  it('answers for 5,000 nodes with 8 devices each out of its index', () => {
    const nodes = Array.from({ length: 5000 }, (_, index) =>
      node(`n${index}`, [{ model: index % 2 === 0 ? 'NVIDIA L4' : 'Tesla T4', gib: 14 + (index % 8), count: 8 }]),
    );
    const pods = {
      devicesPerPod: 8,
      replicas: 16,
      form: 'device',
      needsGib: 12,
      zone: null,
      tolerates: false,
    } as const;
    const asked: Question = { nodes: [], podSets: [pods], gang: true };
    expect(fitOn(nodes, asked).podSets[0]?.classes.reduce((sum, row) => sum + row.podsEver, 0)).toBe(5000);
  });
});
