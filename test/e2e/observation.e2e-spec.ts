import { execFile } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import { waitFor } from '../cluster/wait-for.js';
import { startExporter, text } from '../integration/exporter.js';
import type { TestExporter } from '../integration/exporter.js';
import { startService } from './service.js';
import type { Service } from './service.js';
import { trainingJob } from './training-jobs.js';

const MODEL = 'NVIDIA A100-SXM4-40GB';
const CAPACITY_MIB = 40_536;
const COMMAND = fileURLToPath(new URL('../../bin/plimsoll.mjs', import.meta.url));

const SCRAPE_INTERVAL_MS = 1_000;

let plane: ControlPlane;
let exporter: TestExporter;
let service: Service;
/** What the one GPU shows that the exporter sees; pods that come later, and go late, hold others. */
let shown = { usedMib: 1, pod: '' };

beforeAll(async () => {
  plane = await startControlPlane();
  exporter = await startExporter((request, response) => text(exposition())(request, response));
  await createGpuNode(plane, {
    name: 'gpu-1',
    gpus: 4,
    labels: { 'nvidia.com/gpu.product': MODEL.replaceAll(' ', '-') },
  });
  service = await startService({
    PLIMSOLL_KUBECONFIG: plane.kubeconfig,
    PLIMSOLL_DCGM_TARGETS: exporter.url,
    PLIMSOLL_SCRAPE_INTERVAL_MS: String(SCRAPE_INTERVAL_MS),
    PLIMSOLL_OBSERVED_LEAST_MS: '1000',
    PLIMSOLL_ADMISSION_BUDGET_MS: '20000',
    PLIMSOLL_CLUSTER_NAME: 'here',
  });
  const probe = ['create', '--dry-run=server', '-f', '-'];
  await waitFor(
    async () => (await plane.kubectl(probe, { stdin: manifest('probe', 4) })).stderr.includes('plimsoll: fits'),
    { timeoutMs: 120_000, intervalMs: 500, what: 'the webhook answers' },
  );
  await waitFor(async () => /^plimsoll_leader(\{[^}]*\})? 1$/m.test(await metrics()), {
    timeoutMs: 60_000,
    what: 'this replica leads, and so writes down what it sees',
  });
  // What the GPU shows while nobody has it is seen with the next sample
  await setTimeout(2 * SCRAPE_INTERVAL_MS);
}, 300_000);

const metrics = async (): Promise<string> => (await fetch(`${service.url}/metrics`)).text();

afterAll(async () => {
  await service?.stop();
  await exporter?.close();
  await plane?.stop();
}, 60_000);

/** dcgm-exporter's lines, with the labels of the pod that holds the GPU. */
function exposition(): string {
  const { usedMib, pod } = shown;
  const holder = pod === '' ? '' : `,container="train",namespace="default",pod="${pod}"`;
  const labels = `gpu="0",UUID="GPU-0",device="nvidia0",modelName="${MODEL}",Hostname="gpu-1"${holder}`;
  return `DCGM_FI_DEV_FB_FREE{${labels}} ${CAPACITY_MIB - usedMib}\nDCGM_FI_DEV_FB_USED{${labels}} ${usedMib}\n`;
}

const manifest = (name: string, batchSize: number): string =>
  JSON.stringify(trainingJob({ name, namespace: 'default', batchSize }));

async function kubectl(args: readonly string[], stdin = ''): Promise<{ stdout: string; stderr: string }> {
  const result = await plane.kubectl(args, { stdin });
  expect({ args, ...result }).toMatchObject({ code: 0 });
  return result;
}

const create = async (name: string, batchSize: number): Promise<string> =>
  (await kubectl(['create', '-f', '-'], manifest(name, batchSize))).stderr;

/** The pod that the Job controller made and the scheduler bound. */
function podOf(job: string): Promise<string> {
  const bound = '--output=jsonpath={.items[?(@.spec.nodeName=="gpu-1")].metadata.name}';
  return waitFor(async () => (await kubectl(['get', 'pods', `--selector=job-name=${job}`, bound])).stdout.trim(), {
    timeoutMs: 30_000,
    what: `the Job ${job} has a pod on the node`,
  });
}

/** As a kubelet would, there being none. */
async function setStatus(pod: string, phase: string, state: object): Promise<void> {
  const container = { name: 'train', image: 'x', imageID: '', ready: false, restartCount: 0, state };
  const patch = JSON.stringify({ status: { phase, containerStatuses: [container] } });
  await kubectl(['patch', 'pod', pod, '--subresource=status', '--type=merge', '--patch', patch]);
}

interface Observed {
  pod: string;
  standing: string;
  usedBytes: number;
  ending: string | null;
  use: { samples: number };
}

const observations = async (): Promise<Observed[]> =>
  (await service.get<{ items: Observed[] }>('/v1/observations')).body.items;

const observed = (pod: string, holds: (one: Observed) => boolean, what: string): Promise<Observed> =>
  waitFor(async () => (await observations().catch(() => [])).find((one) => one.pod === pod && holds(one)), {
    timeoutMs: 60_000,
    intervalMs: 500,
    what,
  });

const annotation = async (job: string, name: string): Promise<string> =>
  (await kubectl(['get', 'job', job, String.raw`--output=jsonpath={.metadata.annotations.plimsoll\.dev/${name}}`]))
    .stdout;

describe('a training that is seen', () => {
  it('is estimated at first, and what its pod then uses is written down', async () => {
    expect(await create('first', 4)).toMatch(/^Warning: plimsoll: fits: needs [\d.]+ GiB/);
    expect(await annotation('first', 'observed')).toBe('');
    const pod = await podOf('first');
    await setStatus(pod, 'Running', { running: { startedAt: new Date().toISOString() } });
    shown = { usedMib: 9 * 1024, pod };
    await observed(pod, ({ use }) => use.samples >= 1, 'the pod is seen to use memory');
    shown = { usedMib: 20 * 1024, pod };
    await observed(pod, ({ use, usedBytes }) => use.samples >= 5 && usedBytes > 19 * 2 ** 30, 'its peak is seen');
    await setStatus(pod, 'Succeeded', { terminated: { exitCode: 0, reason: 'Completed' } });
    shown = { usedMib: 1, pod: '' };
    const found = await observed(pod, ({ ending }) => ending === 'completed', 'it is seen to end');
    expect(found).toMatchObject({ standing: 'measured', usedBytes: 20 * 2 ** 30 - 2 ** 20 });
  }, 180_000);

  it('is answered with what it used when it comes again', async () => {
    const stderr = await create('second', 4);
    const [verdict, before] = stderr.split('\n');
    expect(verdict).toMatch(
      /^Warning: plimsoll: fits: used 20\.0 GiB before \(estimate [\d.]+ GiB\), the device has 39\.6 GiB/,
    );
    expect(before).toMatch(
      /^Warning: plimsoll: the same settings used 20\.0 GiB on NVIDIA A100-SXM4-40GB (just now|\d+ minutes? ago)$/,
    );
    expect(await annotation('second', 'observed')).toMatch(/^20\.0Gi on NVIDIA A100-SXM4-40GB, \d{4}-\d{2}-\d{2}$/);
    await kubectl(['delete', 'job', 'second', '--force']);
  }, 60_000);

  it('will not fit where it was out of memory before, whatever the estimate says', async () => {
    expect(await create('third', 8)).toMatch(/^Warning: plimsoll: fits: needs/);
    const pod = await podOf('third');
    shown = { usedMib: 30 * 1024, pod };
    await observed(pod, ({ use }) => use.samples >= 1, 'the pod is seen to use memory');
    const message = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 12.00 GiB of /private/data';
    await setStatus(pod, 'Failed', { terminated: { exitCode: 1, reason: 'Error', message } });
    shown = { usedMib: 1, pod: '' };
    await observed(pod, ({ ending }) => ending === 'out-of-gpu-memory', 'it is seen to be out of memory');
    await kubectl(['delete', 'job', 'third', '--force']);
    const stderr = await create('fourth', 8);
    expect(stderr).toMatch(
      /^Warning: plimsoll: will-not-fit: was out of memory with 39\.6 GiB before \(estimate [\d.]+ GiB\)/,
    );
    expect(service.output()).not.toContain('/private/data');
  }, 180_000);

  it('shows how good estimates are, by program and version', async () => {
    const { body } = await service.get<{ items: object[] }>('/v1/accuracy');
    expect(body.items).toEqual([
      expect.objectContaining({ cluster: 'here', runs: 1, pods: 1, outOfMemory: 1, outOfMemoryUnforeseen: 1 }),
    ]);
    const { stdout } = await promisify(execFile)(process.execPath, [COMMAND, 'accuracy', '--server', service.url]);
    expect(stdout).toMatch(/^CLUSTER +PROGRAM/);
    expect(stdout).toMatch(/^here .* 1 \(1 unforeseen\)$/m);
  }, 60_000);
});
