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
      finding('verdict', inTurn(fitOf(advisor, snapshot, manifest), integerLoop, budget), LOOP),
      finding('index, read, verdict and advice', whole, LOOP),
    ];
  },
};

function fitOf(advisor: Advisor, snapshot: InventorySnapshot, manifest: JsonObject): () => unknown {
  const reading = advisor.read(manifest, NO_FILES);
  if (reading === null) throw new Error('the manifest is no workload');
  const cluster = indexCluster(snapshot);
  const question = {
    ...reading,
    cluster,
    estimate: advisor.estimate.bind(advisor),
    traitsOf: advisor.traitsOf.bind(advisor),
  };
  const { verdict } = fitWorkload(question);
  if (verdict === 'unknown' || verdict === 'unschedulable') throw new Error(`the verdict is ${verdict}`);
  return () => fitWorkload(question);
}

/** A copy of the snapshot is a new one to the advisor: nothing but estimates is remembered. */
function assessedAnew(advisor: Advisor, snapshot: InventorySnapshot, manifest: JsonObject): unknown {
  return advisor.assess({ manifest, files: NO_FILES, inventory: { ...snapshot }, nowMs: 0 });
}
