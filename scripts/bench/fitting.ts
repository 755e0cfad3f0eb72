import { createAdvisor } from '../../src/advisor/advisor.js';
import type { Advisor } from '../../src/advisor/advisor.js';
import { loadFacts } from '../../src/advisor/facts.js';
import { loadGrammars } from '../../src/advisor/load-grammars.js';
import { indexCluster } from '../../src/fit/cluster.js';
import { fitWorkload } from '../../src/fit/workload-fit.js';
import type { Device, InventorySnapshot, Node } from '../../src/inventory/inventory.js';
import type { JsonObject } from '../../src/workload/workload.js';
import type { Benchmark, Finding } from './benchmark.js';
import { finding, shown } from './benchmark.js';
import { inTurn, integerLoop, LOOP_STEPS } from './measure.js';
import { jobOf } from './trainings.js';

const NODES = 5000;
const GPUS = 8;
const GIB = 1024 ** 3;
const MODELS: readonly [string, number][] = [
  ['NVIDIA A100-SXM4-80GB', 79.2],
  ['NVIDIA A100-SXM4-40GB', 39.5],
  ['NVIDIA H100 80GB HBM3', 79.6],
  ['NVIDIA L4', 22.2],
];
const LOOP = `a loop of ${LOOP_STEPS / 1e6} million integer steps`;
const COMMAND =
  'python run_clm.py --model_name_or_path gpt2 --per_device_train_batch_size 32 --block_size 1024 --output_dir /out';
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

function snapshotOf(count: number): InventorySnapshot {
  const built = Array.from({ length: count }, (_, index) => nodeOf(index));
  return { takenAtMs: 0, nodes: built.map(({ node }) => node), devices: built.flatMap(({ devices }) => devices) };
}

/** Busy to a differing degree: every GPU of a node below its number modulo nine is held. */
function nodeOf(index: number): { node: Node; devices: readonly Device[] } {
  const name = `gpu-${index}`;
  const [model, gib] = MODELS[index % MODELS.length] ?? ['', 0];
  const held = index % (GPUS + 1);
  const node: Node = {
    name,
    labels: { 'kubernetes.io/hostname': name, 'nvidia.com/gpu.product': model.replaceAll(' ', '-') },
    taints: [],
    unschedulable: false,
    ready: true,
    allocatable: { cpu: 96, memory: 1024 * GIB, pods: 110, 'nvidia.com/gpu': GPUS },
    requested: { 'nvidia.com/gpu': held },
  };
  const devices = Array.from({ length: GPUS }, (_, gpu) => deviceOf(name, gpu, { model, gib, busy: gpu < held }));
  return { node, devices };
}

function deviceOf(node: string, index: number, of: { model: string; gib: number; busy: boolean }): Device {
  return {
    uuid: `GPU-${node}-${index}`,
    gpuInstance: null,
    node,
    index,
    model: of.model,
    migProfile: null,
    resource: 'nvidia.com/gpu',
    replicas: 1,
    capacityBytes: of.gib * GIB,
    capacitySource: 'dcgm',
    usedBytes: of.busy ? 20 * GIB : 0,
    seenAtMs: 0,
    pods: of.busy ? [`research/pod-${node}-${index}`] : [],
  };
}
