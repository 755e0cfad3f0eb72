import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { node, snapshot } from '../../test/builders/cluster.js';
import type { BuiltNode, DevicesOfNode } from '../../test/builders/cluster.js';
import { estimateOf, run } from '../../test/builders/run.js';
import { podSet, request, workload } from '../../test/builders/workload.js';
import type { Verdict } from './assessment.js';
import { indexCluster } from './cluster.js';
import { fitWorkload } from './workload-fit.js';
import type { WorkloadFit } from './workload-fit.js';

const GIB = 1024 ** 3;
/** From best to worst where memory is known. */
const ORDER: readonly Verdict[] = ['fits', 'fits-some', 'tight', 'will-not-fit', 'unschedulable'];

interface Question {
  nodes: readonly DevicesOfNode[][];
  devicesPerPod: number;
  replicas: number;
  gang: boolean;
  needsGib: number;
}

const devices = fc.record({
  model: fc.constantFrom('NVIDIA A100-SXM4-80GB', 'NVIDIA L4', 'Tesla T4'),
  gib: fc.double({ min: 4, max: 100, noNaN: true }),
  count: fc.integer({ min: 1, max: 4 }),
  replicas: fc.constantFrom(1, 1, 1, 2),
  usedGib: fc.double({ min: 0, max: 20, noNaN: true }),
});

const question: fc.Arbitrary<Question> = fc.record({
  nodes: fc.array(fc.array(devices, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 5 }),
  devicesPerPod: fc.integer({ min: 1, max: 4 }),
  replicas: fc.integer({ min: 1, max: 4 }),
  gang: fc.boolean(),
  needsGib: fc.double({ min: 2, max: 110, noNaN: true }),
});

const built = ({ nodes }: Question): BuiltNode[] => nodes.map((held, index) => node(`n${index}`, held));

function fitOn(nodes: readonly BuiltNode[], { devicesPerPod, replicas, gang, needsGib }: Question): WorkloadFit {
  const pods = podSet({ replicas, devices: [request(devicesPerPod)] });
  const bytes = { low: needsGib * 0.9 * GIB, expected: needsGib * GIB, high: needsGib * 1.1 * GIB };
  return fitWorkload({
    workload: workload([pods], { gangSize: gang ? replicas : null }),
    runs: [{ podSet: 'main', role: 'model', training: true, run: run(), unknown: [] }],
    cluster: indexCluster(snapshot(...nodes)),
    estimate: () => ({ estimate: estimateOf(bytes) }),
    estimateTogether: () => ({ together: estimateOf(bytes), alone: [] }),
    traitsOf: (model) => ({ model, vendor: 'nvidia', computeCapability: 8 }),
  });
}

const rank = (fit: WorkloadFit): number => ORDER.indexOf(fit.verdict);

describe('fit, for any cluster', () => {
  it('more capacity never worsens a verdict', () => {
    fc.assert(
      fc.property(question, fc.nat(), fc.double({ min: 0, max: 50, noNaN: true }), (asked, which, moreGib) => {
        const before = built(asked);
        const grown = which % before.length;
        const after = before.map((entry, index) => {
          if (index !== grown) return entry;
          const [first, ...rest] = entry.devices;
          if (first === undefined) return entry;
          return { ...entry, devices: [{ ...first, capacityBytes: first.capacityBytes + moreGib * GIB }, ...rest] };
        });
        expect(rank(fitOn(after, asked))).toBeLessThanOrEqual(rank(fitOn(before, asked)));
      }),
      { numRuns: 500 },
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
    const asked = { nodes: [], devicesPerPod: 8, replicas: 16, gang: true, needsGib: 12 };
    expect(fitOn(nodes, asked).podSets[0]?.classes.reduce((sum, row) => sum + row.podsEver, 0)).toBe(5000);
  });
});
