import { createAdvisor } from '../../src/advisor/advisor.js';
import type { Advisor } from '../../src/advisor/advisor.js';
import { loadFacts } from '../../src/advisor/facts.js';
import { loadGrammars } from '../../src/advisor/load-grammars.js';
import { indexCluster } from '../../src/fit/cluster.js';
import { fitWorkload } from '../../src/fit/workload-fit.js';
import type { InventorySnapshot } from '../../src/inventory/inventory.js';
import type { JsonObject } from '../../src/workload/workload.js';
import type { Benchmark, Finding } from './benchmark.js';
import { finding, shown } from './benchmark.js';
import { GPUS, snapshotOf } from './generated-cluster.js';
import { inTurn, integerLoop, LOOP_STEPS } from './measure.js';
import { jobOf } from './trainings.js';

const NODES = 5000;
const LOOP = `a loop of ${LOOP_STEPS / 1e6} million integer steps`;
const COMMAND =
  'python run_clm.py --model_name_or_path gpt2 --per_device_train_batch_size 32 --block_size 1024 --do_train --output_dir /out';
const NO_FILES = { configMap: () => undefined };

/** A workload against a cluster of 40,000 GPUs, its estimates known. */
export const fitting: Benchmark = {
  name: 'fitting',
  about: `verdict on a generated cluster of ${NODES} nodes of ${GPUS} GPUs, estimates known`,
  async run(): Promise<readonly Finding[]> {
    const advisor = createAdvisor({ facts: loadFacts(), grammars: await loadGrammars() });
    const snapshot = snapshotOf(NODES);
    const manifest = jobOf(COMMAND, 1);
    const budget = { budgetMs: 1200 };
    const index = inTurn(() => indexCluster(snapshot), integerLoop, budget);
    const whole = inTurn(() => assessedAnew(advisor, snapshot, manifest), integerLoop, budget);
    return [
      finding('index a new snapshot', index, LOOP, `${shown((NODES * GPUS) / index.subject.median)} devices/ms`),
      finding(
        'verdict, places known',
        inTurn(
          fitOf(advisor, snapshot, () => manifest),
          integerLoop,
          budget,
        ),
        LOOP,
      ),
      finding(
        'verdict, other places each time',
        inTurn(fitOf(advisor, snapshot, elsewhere), integerLoop, budget),
        LOOP,
      ),
      finding('index, read, verdict and advice', whole, LOOP),
    ];
  },
};

/** Readings of the manifests that `manifestOf` gives in turn, each held against one cluster. */
function fitOf(advisor: Advisor, snapshot: InventorySnapshot, manifestOf: (turn: number) => JsonObject): () => unknown {
  const cluster = indexCluster(snapshot);
  const readings = Array.from({ length: TURNS }, (_, turn) => advisor.read(manifestOf(turn), NO_FILES));
  const estimation = {
    estimate: advisor.estimate.bind(advisor),
    estimateTogether: advisor.estimateTogether.bind(advisor),
    traitsOf: advisor.traitsOf.bind(advisor),
  };
  let turn = 0;
  return () => {
    const reading = readings[turn++ % TURNS] ?? null;
    if (reading === null) throw new Error('the manifest is no workload');
    const { verdict } = fitWorkload({ ...reading, cluster, ...estimation });
    if (verdict === 'unknown' || verdict === 'unschedulable') throw new Error(`the verdict is ${verdict}`);
    return verdict;
  };
}

/** More than the cluster keeps places for: none is known when its turn comes again. */
const TURNS = 300;

/** Asks for as much CPU as no other turn does, on nodes that a selector and an affinity choose. */
function elsewhere(turn: number): JsonObject {
  const job = structuredClone(jobOf(COMMAND, 1)) as { spec: { template: { spec: Record<string, unknown> } } };
  const pod = job.spec.template.spec;
  const { containers } = pod as { containers: { resources: { limits: Record<string, string> } }[] };
  for (const { resources } of containers) resources.limits['cpu'] = `${8000 + turn}m`;
  const products = ['NVIDIA-A100-SXM4-80GB', 'NVIDIA-A100-SXM4-40GB', 'NVIDIA-H100-80GB-HBM3'];
  const matchExpressions = [{ key: 'nvidia.com/gpu.product', operator: 'In', values: products }];
  const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms: [{ matchExpressions }] };
  pod['affinity'] = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution } };
  return job as unknown as JsonObject;
}

/** A copy of the snapshot is a new one to the advisor: nothing but estimates is remembered. */
function assessedAnew(advisor: Advisor, snapshot: InventorySnapshot, manifest: JsonObject): unknown {
  return advisor.assess({ manifest, files: NO_FILES, inventory: { ...snapshot }, nowMs: 0 });
}
