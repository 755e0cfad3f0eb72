import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { RUNS_FOR } from '../cluster/fake-kubelets.js';
import { nodeObject } from '../cluster/gpu-node.js';
import { waitFor } from '../cluster/wait-for.js';
import type { TestExporter } from '../integration/exporter.js';
import { exporterOf } from './exporter.js';
import type { ExportedGpus } from './exporter.js';
import { trainingJob } from './training-jobs.js';
import { startWatching } from './watching.js';
import type { Watching } from './watching.js';

/** What the nodes are made of, in turn. */
const MODELS = [
  { product: 'Tesla-T4', model: 'Tesla T4', capacityMib: 14_912 },
  { product: 'NVIDIA-A100-SXM4-40GB', model: 'NVIDIA A100-SXM4-40GB', capacityMib: 40_536 },
  { product: 'NVIDIA-A100-SXM4-80GB', model: 'NVIDIA A100-SXM4-80GB', capacityMib: 81_000 },
  { product: 'NVIDIA-H100-80GB-HBM3', model: 'NVIDIA H100 80GB HBM3', capacityMib: 81_200 },
];
const NODES = 1_000;
const GPUS_PER_NODE = 8;
const WAVES = 4;
const JOBS_PER_WAVE = 60;
/** More than a T4 holds, less than the others. */
const TOO_LARGE_FOR_T4 = 24;
/** What a replica is given by the chart. */
const MEMORY_LIMIT_BYTES = 2 ** 30;

const fleet: ExportedGpus[] = Array.from({ length: NODES }, (_, index) => {
  const { model, capacityMib } = MODELS[index % MODELS.length]!;
  return { node: `gpu-${String(index).padStart(4, '0')}`, model, count: GPUS_PER_NODE, capacityMib };
});

let plane: ControlPlane;
let exporter: TestExporter;
let plimsoll: Watching;
/** A probe may come before the first answer is ready. */
let failedOpenBefore: number;

beforeAll(async () => {
  plane = await startControlPlane({ components: ['controller-manager', 'scheduler', 'fake-kubelets'] });
  exporter = await exporterOf(fleet);
  await createAll(
    fleet.map(({ node, count }, index) => {
      const { product } = MODELS[index % MODELS.length]!;
      return nodeObject({ name: node, gpus: count, labels: { 'nvidia.com/gpu.product': product } });
    }),
  );
  await kubectl(['create', 'namespace', 'research']);
  await kubectl(['create', 'namespace', 'production']);
  await kubectl(['label', 'namespace', 'production', 'plimsoll.dev/mode=enforce']);
  plimsoll = await startWatching(plane, exporter, 5_000);
  const refused = { name: 'probe', namespace: 'production', batchSize: TOO_LARGE_FOR_T4, product: 'Tesla-T4' };
  await waitFor(
    async () => {
      const stdin = JSON.stringify(trainingJob(refused));
      return (await plane.kubectl(['create', '--dry-run=server', '-f', '-'], { stdin })).code !== 0;
    },
    { timeoutMs: 120_000, intervalMs: 500, what: 'the webhooks reject in the namespace that enforces' },
  );
  failedOpenBefore = await failedOpen();
}, 600_000);

afterAll(async () => {
  await plimsoll?.stop();
  await exporter?.close();
  await plane?.stop();
}, 60_000);

async function kubectl(args: readonly string[], stdin = ''): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(args, { stdin, timeoutMs: 300_000 });
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const createAll = (items: readonly object[]): Promise<string> =>
  kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

/** A Job that is done a few seconds after its pod runs. Every second one is too large for a T4. */
function jobOf(wave: number, index: number): object {
  const { product } = MODELS[index % MODELS.length]!;
  const job = trainingJob({
    name: `wave-${wave}-${index}`,
    namespace: 'research',
    batchSize: index % 2 === 0 ? TOO_LARGE_FOR_T4 : 2 + (index % 5),
    product,
  }) as { spec: { template: { metadata?: object } } };
  job.spec.template.metadata = { annotations: { [RUNS_FOR]: `${2 + (index % 4)}s` } };
  return job;
}

const verdictExpected = (index: number): string => (index % MODELS.length === 0 ? 'will-not-fit' : 'fits');

interface StoredJob {
  metadata: { name: string; annotations?: Record<string, string> };
  status?: { succeeded?: number };
}

async function jobs(): Promise<StoredJob[]> {
  const stdout = await kubectl(['get', 'jobs', '--namespace', 'research', '--output=json']);
  return (JSON.parse(stdout) as { items: StoredJob[] }).items;
}

async function jobNamed(name: string): Promise<StoredJob> {
  return JSON.parse(await kubectl(['get', 'job', name, '--namespace', 'research', '--output=json'])) as StoredJob;
}

const verdictOf = ({ metadata }: StoredJob): string | undefined => metadata.annotations?.['plimsoll.dev/verdict'];

/** The sum of a metric over all its labels that hold `label`. */
function sumOf(exposition: string, metric: string, label = ''): number {
  const samples = exposition.split('\n').filter((line) => line.startsWith(metric) && line.includes(label));
  return samples.map((line) => Number(line.split(' ').at(-1))).reduce((sum, value) => sum + value, 0);
}

/** How many objects the API server has admitted because Plimsoll did not answer. */
async function failedOpen(): Promise<number> {
  return sumOf(await kubectl(['get', '--raw', '/metrics']), 'apiserver_admission_webhook_fail_open_count{', 'plimsoll');
}

async function residentBytes(): Promise<number> {
  return sumOf(await (await fetch(`${plimsoll.service.url}/metrics`)).text(), 'process_resident_memory_bytes ');
}

describe('a fleet of 1,000 nodes with 8,000 GPUs', () => {
  it('gives every Job of waves that come and go its verdict at once, and all of them run to their end', async () => {
    for (let wave = 0; wave < WAVES; wave += 1) {
      await createAll(Array.from({ length: JOBS_PER_WAVE }, (_, index) => jobOf(wave, index)));
      const created = (await jobs()).filter(({ metadata }) => metadata.name.startsWith(`wave-${wave}-`));
      const names = Array.from({ length: JOBS_PER_WAVE }, (_, index) => `wave-${wave}-${index}`);
      expect(Object.fromEntries(created.map((job) => [job.metadata.name, verdictOf(job)]))).toEqual(
        Object.fromEntries(names.map((name, index) => [name, verdictExpected(index)])),
      );
    }
    await waitFor(async () => (await jobs()).every(({ status }) => status?.succeeded === 1), {
      timeoutMs: 180_000,
      intervalMs: 1_000,
      what: 'all pods were scheduled and ran to their end',
    });
  }, 500_000);

  it('has verdicts that follow when all devices of a kind go away', async () => {
    const product = 'NVIDIA-H100-80GB-HBM3';
    await createAll([trainingJob({ name: 'stays', namespace: 'research', product })]);
    expect(verdictOf(await jobNamed('stays'))).toBe('fits');
    await kubectl(['delete', 'nodes', '--selector', `nvidia.com/gpu.product=${product}`, '--wait=false']);
    await waitFor(async () => verdictOf(await jobNamed('stays')) === 'unschedulable', {
      timeoutMs: 180_000,
      intervalMs: 1_000,
      what: 'the Job is told that no node is left for it',
    });
    const selector = '--field-selector=involvedObject.name=stays,involvedObject.kind=Job';
    const events = await kubectl(['get', 'events', '--namespace', 'research', selector, '--output=json']);
    const { items } = JSON.parse(events) as { items: { reason: string }[] };
    expect(items.map(({ reason }) => reason)).toContain('GpusUnschedulable');
  }, 400_000);

  it('leaves API server, scheduler and Plimsoll healthy', async () => {
    expect(await kubectl(['get', '--raw', '/readyz'])).toBe('ok');
    expect(await failedOpen()).toBe(failedOpenBefore);
    expect((await plimsoll.service.get('/readyz')).status).toBe(200);
    expect(await residentBytes()).toBeLessThan(MEMORY_LIMIT_BYTES);
  }, 60_000);
});
