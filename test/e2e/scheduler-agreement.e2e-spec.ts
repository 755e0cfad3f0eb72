import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadFacts } from '../../src/advisor/facts.js';
import { connect } from '../../src/cluster/connection.js';
import { indexCluster } from '../../src/fit/cluster.js';
import type { Cluster } from '../../src/fit/cluster.js';
import { candidateOrReason } from '../../src/fit/pod-set-fit.js';
import { podsNow } from '../../src/fit/room.js';
import { ClaimObjects } from '../../src/inventory/claim-objects.js';
import { readBoundPod, readNode, withRequested } from '../../src/inventory/node-object.js';
import { buildSnapshot } from '../../src/inventory/snapshot.js';
import { readWorkload } from '../../src/workload/read-workload.js';
import type { JsonObject } from '../../src/workload/workload.js';
import { DEVICE_CLASSES, generatedClusters, generatedOffers } from '../builders/scheduling.js';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { CLAIMS, CLASSES, NODES, PODS, PROBE_CLASS, SchedulerAnswers, SLICES } from './scheduler-answers.js';
import type { SchedulerAnswer } from './scheduler-answers.js';

/** Other questions than those of every run: `PLIMSOLL_SEED=7 PLIMSOLL_CLUSTERS=100`. */
const SEED = Number(process.env['PLIMSOLL_SEED'] ?? 20_261_130);
const CLUSTERS = Number(process.env['PLIMSOLL_CLUSTERS'] ?? 10);
const PODS_OF_EACH = 30;
const ASKED = CLUSTERS * PODS_OF_EACH;

let plane: ControlPlane;
let scheduler: SchedulerAnswers;

beforeAll(async () => {
  plane = await startControlPlane({ components: ['scheduler'] });
  scheduler = new SchedulerAnswers(connect(plane.kubeconfig, null));
  for (const deviceClass of [PROBE_CLASS, ...DEVICE_CLASSES]) await scheduler.create(CLASSES, deviceClass);
}, 120_000);

afterAll(() => plane?.stop());

/** The cluster as Plimsoll reads it from the API server. */
async function inventory(): Promise<Cluster> {
  const pods = (await scheduler.list(PODS)).flatMap((pod) => readBoundPod(pod) ?? []);
  const nodes = (await scheduler.list(NODES)).flatMap((node) => readNode(node) ?? []);
  const claims = new ClaimObjects();
  const kinds = { ResourceSlice: SLICES, DeviceClass: CLASSES, ResourceClaim: CLAIMS };
  for (const [kind, path] of Object.entries(kinds))
    for (const object of await scheduler.list(path)) claims.add(kind, object);
  const offers = claims.offers();
  const input = { nodes: withRequested(nodes, pods), devices: [], nowMs: 0, gpus: loadFacts().gpus };
  return indexCluster(buildSnapshot({ ...input, ...(offers === null ? {} : { offers }) }));
}

/** Whether the pod has a place now, whatever memory it needs, with the reasons in words; null: it cannot be told. */
function place(
  pod: JsonObject,
  claims: readonly JsonObject[],
  cluster: Cluster,
): { has: boolean | null; words: string } {
  const named = new Map(claims.map((claim) => [(claim['metadata'] as { name: string }).name, claim]));
  const podSet = readWorkload(pod, { object: (_kind, name) => named.get(name) })?.podSets[0];
  const candidate = podSet === undefined ? null : candidateOrReason(podSet, cluster, null);
  if (candidate === null) throw new Error(`no devices were read of ${JSON.stringify(pod)}`);
  if (typeof candidate === 'string') return { has: null, words: candidate };
  const { room } = candidate;
  return { has: podsNow(room, () => 0) > 0, words: JSON.stringify([...room.obstacles]) };
}

interface Asked {
  pod: JsonObject;
  claims: readonly JsonObject[];
}

/** What was asked, and how both answered. */
class Tally {
  private readonly disagreements: object[] = [];
  private readonly open: string[] = [];
  private readonly counts = { bound: 0, unschedulable: 0, refused: 0 };

  /**
   * Asks both. What pods before were given may still count as taken for the scheduler: where it says otherwise, it is asked
   * again on the same cluster laid anew.
   */
  async ask(asked: Asked, cluster: Cluster, layAnew: () => Promise<void>): Promise<void> {
    const { has, words } = place(asked.pod, asked.claims, cluster);
    const isContradicted = ({ kind }: SchedulerAnswer): boolean =>
      has !== null && kind !== 'refused' && has !== (kind === 'bound');
    let answer = await scheduler.answerFor(asked.pod, asked.claims);
    if (isContradicted(answer)) {
      await layAnew();
      answer = await scheduler.answerFor(asked.pod, asked.claims);
    }
    this.counts[answer.kind] += 1;
    if (has === null) this.open.push(words);
    if (!isContradicted(answer)) return;
    const said = answer.kind === 'bound' ? `bound to ${answer.node}` : answer.words;
    this.disagreements.push({ ...asked, scheduler: said, plimsoll: has ? 'has a place' : `no place: ${words}` });
  }

  /** A test that only ever sees one answer, or pods that the API server does not take, tells nothing. */
  expectToTell(): void {
    expect(this.disagreements.slice(0, 3).map((each) => JSON.stringify(each))).toEqual([]);
    const { bound, unschedulable, refused } = this.counts;
    const tells = Math.min(bound, unschedulable) > ASKED / 10 && refused < ASKED / 10;
    expect({ ...this.counts, tells }).toEqual({ ...this.counts, tells: true });
    expect(this.open).toEqual([]);
  }
}

describe(`pods and clusters generated from seed ${SEED}`, () => {
  it('have a place where the scheduler binds them, and none where it says that none does', async () => {
    const tally = new Tally();
    for (const { nodes, bound, asking } of generatedClusters(SEED, CLUSTERS, PODS_OF_EACH)) {
      const lay = (): Promise<void> => scheduler.lay({ nodes, pods: bound });
      await lay();
      const cluster = await inventory();
      for (const pod of asking) await tally.ask({ pod, claims: [] }, cluster, lay);
    }
    tally.expectToTell();
  }, 600_000);

  it('and so do pods with claims, by selectors, classes, counts, alternatives, constraints and taints of devices', async () => {
    const tally = new Tally();
    for (const { nodes, slices, held, asking } of generatedOffers(SEED, CLUSTERS, PODS_OF_EACH)) {
      const lay = (): Promise<void> => scheduler.lay({ nodes, slices, claims: held });
      await lay();
      const cluster = await inventory();
      for (const asked of asking) await tally.ask(asked, cluster, lay);
    }
    tally.expectToTell();
  }, 600_000);
});
