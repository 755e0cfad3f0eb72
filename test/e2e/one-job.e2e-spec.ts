import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assessment } from '../../src/fit/assessment.js';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import type { KubectlResult } from '../cluster/kubectl.js';
import { waitFor } from '../cluster/wait-for.js';
import type { TestExporter } from '../integration/exporter.js';
import { exporterOf } from './exporter.js';
import type { ExportedGpus } from './exporter.js';
import { startService } from './service.js';
import type { Service } from './service.js';
import { trainingJob } from './training-jobs.js';
import type { TrainingJob } from './training-jobs.js';

const MIB = 2 ** 20;
const T4 = { node: 'gpu-t4', model: 'Tesla T4', count: 4, capacityMib: 14_912 };
const A100 = { node: 'gpu-a100', model: 'NVIDIA A100-SXM4-40GB', count: 8, capacityMib: 40_536 };
/** What only one of them is asked for by. */
const PRODUCT = { t4: 'Tesla-T4', a100: 'NVIDIA-A100-SXM4-40GB' };

let plane: ControlPlane;
let exporter: TestExporter;
let gpus: ExportedGpus[];
let postgres: EmbeddedPostgres;
let postgresFolder: string;
let service: Service;

beforeAll(async () => {
  plane = await startControlPlane();
  gpus = [T4, A100];
  exporter = await exporterOf(gpus);
  await createGpuNode(plane, { name: T4.node, gpus: T4.count, labels: { 'nvidia.com/gpu.product': PRODUCT.t4 } });
  await createGpuNode(plane, { name: A100.node, gpus: A100.count, labels: { 'nvidia.com/gpu.product': PRODUCT.a100 } });
  await kubectl(['create', 'namespace', 'research']);
  await kubectl(['create', 'namespace', 'production']);
  await kubectl(['create', 'namespace', 'left-alone']);
  await kubectl(['label', 'namespace', 'production', 'plimsoll.dev/mode=enforce']);
  await kubectl(['label', 'namespace', 'left-alone', 'plimsoll.dev/mode=off']);
  await create({ name: 'before-plimsoll', namespace: 'research', batchSize: 64, product: PRODUCT.t4 });
  postgresFolder = await mkdtemp(join(tmpdir(), 'plimsoll-postgres-'));
  postgres = await startEmbeddedPostgres({ dataFolder: postgresFolder });
  service = await startService({
    DATABASE_URL: postgres.url,
    PLIMSOLL_KUBECONFIG: plane.kubeconfig,
    PLIMSOLL_DCGM_TARGETS: exporter.url,
    PLIMSOLL_SCRAPE_INTERVAL_MS: '2000',
    PLIMSOLL_ADMISSION_BUDGET_MS: '20000',
  });
  await reviewed();
}, 300_000);

afterAll(async () => {
  await service?.stop();
  await exporter?.close();
  await plane?.stop();
  await postgres?.stop();
  await rm(postgresFolder, { recursive: true, force: true });
}, 60_000);

/** The API server takes a moment to notice new webhooks, and namespaces and devices must have come in. */
async function reviewed(): Promise<void> {
  const probe = { name: 'probe', namespace: 'production', batchSize: 64, product: PRODUCT.t4 };
  await waitFor(async () => (await tryCreate(probe, ['--dry-run=server'])).code !== 0, {
    timeoutMs: 120_000,
    intervalMs: 500,
    what: 'the webhooks reject in the namespace that enforces',
  });
}

async function kubectl(args: readonly string[], stdin = ''): Promise<KubectlResult> {
  const result = await plane.kubectl(args, { stdin });
  expect({ args, ...result }).toMatchObject({ code: 0 });
  return result;
}

const tryCreate = (job: TrainingJob, flags: readonly string[] = []): Promise<KubectlResult> =>
  plane.kubectl(['create', ...flags, '-f', '-'], { stdin: JSON.stringify(trainingJob(job)) });

const create = (job: TrainingJob): Promise<KubectlResult> =>
  kubectl(['create', '-f', '-'], JSON.stringify(trainingJob(job)));

interface Stored {
  metadata: { uid: string; annotations?: Record<string, string> };
}

async function stored(namespace: string, name: string): Promise<Stored> {
  const { stdout } = await kubectl(['get', 'job', name, '--namespace', namespace, '--output=json']);
  return JSON.parse(stdout) as Stored;
}

const annotationsOf = async (namespace: string, name: string): Promise<Record<string, string>> =>
  (await stored(namespace, name)).metadata.annotations ?? {};

interface Summary {
  id: string;
  verdict: string;
  name: string | null;
}

const listed = async (query: string): Promise<Summary[]> =>
  (await service.get<{ items: Summary[] }>(`/v1/assessments?${query}`)).body.items;

describe('kubectl create of a training Job', () => {
  it('says that it fits, and the object carries the verdict', async () => {
    const { stderr } = await create({ name: 'fits', namespace: 'research', product: PRODUCT.t4 });
    expect(stderr).toMatch(/^Warning: plimsoll: fits: needs [\d.]+ GiB/);
    expect(await annotationsOf('research', 'fits')).toMatchObject({
      'plimsoll.dev/verdict': 'fits',
      'plimsoll.dev/memory': expect.stringMatching(/^[\d.]+Gi \([\d.]+Gi–[\d.]+Gi\)$/),
      'plimsoll.dev/capacity': '14.6Gi on Tesla T4',
      'plimsoll.dev/assessment': expect.stringMatching(/^\w+$/),
    });
  }, 30_000);

  it('has the assessment at the REST address, with evidence', async () => {
    const id = (await annotationsOf('research', 'fits'))['plimsoll.dev/assessment']!;
    const body = await waitFor(
      async () => {
        const answer = await service.get<Assessment>(`/v1/assessments/${id}`);
        return answer.status === 200 && answer.body;
      },
      { timeoutMs: 10_000, what: 'the assessment is stored' },
    );
    expect(body).toMatchObject({ verdict: 'fits', workload: { kind: 'Job', namespace: 'research', name: 'fits' } });
    expect(body.runs[0]?.settings?.microBatchSize).toMatchObject({
      value: 4,
      evidence: { kind: 'read', place: { path: expect.stringContaining('spec.template.spec.containers[0].args') } },
    });
    // By its id it is found while it waits to be written; lists are read from the database.
    const all = await waitFor(
      async () => {
        const items = await listed('namespace=research&verdict=fits');
        return items.length > 0 && items;
      },
      { timeoutMs: 10_000, what: 'the assessment is listed' },
    );
    expect(all).toEqual([expect.objectContaining({ id, name: 'fits' })]);
  }, 30_000);

  it('says that it is tight where the device gives what is expected, not what is possible', async () => {
    const between = await capacityBetween({ namespace: 'research', batchSize: 16 });
    const node = 'gpu-tight';
    const labels = { 'nvidia.com/gpu.product': 'tight' };
    gpus.push({ node, model: 'NVIDIA A100-SXM4-40GB', count: 1, capacityMib: between });
    await createGpuNode(plane, { name: node, gpus: 1, labels });
    const tight = { namespace: 'research', batchSize: 16, product: 'tight' };
    const { stderr } = await waitFor(
      async () => {
        const result = await tryCreate({ ...tight, name: 'probe' }, ['--dry-run=server']);
        return result.stderr.includes('plimsoll: tight') && create({ ...tight, name: 'tight' });
      },
      { timeoutMs: 30_000, intervalMs: 500, what: 'the new node is in the inventory' },
    );
    expect(stderr).toMatch(/^Warning: plimsoll: tight: /);
    expect(await annotationsOf('research', 'tight')).toMatchObject({ 'plimsoll.dev/verdict': 'tight' });
  }, 60_000);

  it('warns in a namespace that advises, and lets it through', async () => {
    const job = { name: 'too-large', namespace: 'research', batchSize: 64, product: PRODUCT.t4 };
    const { stderr } = await create(job);
    expect(stderr).toMatch(/^Warning: plimsoll: will-not-fit: needs [\d.]+ GiB/);
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(3);
    expect(Math.max(...stderr.split('\n').map((line) => line.length))).toBeLessThanOrEqual('Warning: '.length + 120);
    expect(await annotationsOf('research', 'too-large')).toMatchObject({
      'plimsoll.dev/verdict': 'will-not-fit',
      'plimsoll.dev/advice': expect.stringContaining('--per_device_train_batch_size'),
    });
  }, 30_000);

  it('is turned away in a namespace that enforces, with the number, the device and the smallest change', async () => {
    const { code, stderr } = await tryCreate({
      name: 'no',
      namespace: 'production',
      batchSize: 64,
      product: PRODUCT.t4,
    });
    expect(code).toBe(1);
    expect(stderr).toContain('admission webhook "validate.plimsoll.dev" denied the request: plimsoll: will-not-fit');
    expect(stderr).toMatch(/needs [\d.]+ GiB, .*14\.6 GiB.*Tesla T4/);
    expect(stderr).toMatch(/Smallest change: .*--per_device_train_batch_size/);
    expect((await plane.kubectl(['get', 'job', 'no', '--namespace', 'production'])).code).toBe(1);
  }, 30_000);

  it('is let through there by the override annotation', async () => {
    const annotations = { 'plimsoll.dev/override': 'measured: it needs 13 GiB' };
    const job = { name: 'overridden', namespace: 'production', batchSize: 64, product: PRODUCT.t4, annotations };
    const { stderr } = await create(job);
    expect(stderr).toContain('Warning: plimsoll: will-not-fit, let through by plimsoll.dev/override');
    expect(await annotationsOf('production', 'overridden')).toMatchObject(annotations);
  }, 30_000);

  it('is admitted with an unknown model, told what to declare', async () => {
    const { stderr } = await create({ name: 'unknown', namespace: 'production', model: 'acme/secret-sauce-13b' });
    expect(stderr).toMatch(/^Warning: plimsoll: unknown: /);
    expect(stderr).toContain('plimsoll.dev/run');
    expect(await annotationsOf('production', 'unknown')).toMatchObject({ 'plimsoll.dev/verdict': 'unknown' });
  }, 30_000);

  it('is annotated under a name that the API server makes up', async () => {
    const { stdout } = await create({ generateName: 'made-up-', namespace: 'research', product: PRODUCT.t4 });
    const name = /job\.batch\/(made-up-\w+) created/.exec(stdout)?.[1] ?? '';
    expect(await annotationsOf('research', name)).toMatchObject({ 'plimsoll.dev/verdict': 'fits' });
    await waitFor(async () => (await listed(`name=${name}`)).length > 0, {
      timeoutMs: 20_000,
      what: 'the assessment is listed under the name',
    });
  }, 40_000);

  it('leaves nothing behind when it is a dry run', async () => {
    const { code, stderr } = await tryCreate(
      { name: 'dry', namespace: 'research', batchSize: 3, product: PRODUCT.t4 },
      ['--dry-run=server'],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Warning: plimsoll: fits') });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await listed('name=dry')).toEqual([]);
  }, 30_000);

  it('is not looked at in a namespace whose mode is off', async () => {
    const { stderr } = await create({ name: 'off', namespace: 'left-alone', batchSize: 64, product: PRODUCT.t4 });
    expect(stderr).toBe('');
    expect(await annotationsOf('left-alone', 'off')).toEqual({});
  }, 30_000);

  it('is assessed again when its pods change, and not for anything else', async () => {
    const job = { name: 'changed', namespace: 'research', product: PRODUCT.t4, suspend: true };
    await create(job);
    const target = ['--namespace', 'research', 'job', 'changed'];
    expect((await kubectl(['label', ...target, 'team=a'])).stderr).toBe('');
    const { stderr } = await kubectl(['patch', ...target, '--type=merge', '--patch', '{"spec":{"suspend":false}}']);
    expect(stderr).toMatch(/^Warning: plimsoll: fits: /);
  }, 30_000);
});

describe('the watcher', () => {
  it('annotates a Job that was there before, and tells in an Event', async () => {
    const annotations = await waitFor(
      async () => {
        const found = await annotationsOf('research', 'before-plimsoll');
        return found['plimsoll.dev/verdict'] !== undefined && found;
      },
      { timeoutMs: 60_000, what: 'the Job from before is annotated' },
    );
    expect(annotations).toMatchObject({ 'plimsoll.dev/verdict': 'will-not-fit' });
    const events = await waitFor(
      async () => {
        const selector = '--field-selector=involvedObject.name=before-plimsoll,reason=GpuMemoryWillNotFit';
        const { stdout } = await kubectl(['get', 'events', '--namespace', 'research', selector, '--output=json']);
        const { items } = JSON.parse(stdout) as { items: { type: string; message: string }[] };
        return items.length > 0 && items;
      },
      { timeoutMs: 20_000, what: 'there is an Event' },
    );
    expect(events).toEqual([
      expect.objectContaining({ type: 'Warning', message: expect.stringContaining('will-not-fit') }),
    ]);
  }, 90_000);

  it('does not touch the pods of a Job', async () => {
    const { stdout } = await kubectl(['get', 'pods', '--all-namespaces', '--output=json']);
    const pods = (JSON.parse(stdout) as { items: Stored[] }).items;
    expect(pods.length).toBeGreaterThan(0);
    for (const { metadata } of pods) {
      expect(Object.keys(metadata.annotations ?? {}).filter((name) => name.startsWith('plimsoll.dev/'))).toEqual([]);
    }
  }, 20_000);
});

describe('faults', () => {
  it('the webhook answers with Postgres stopped, and what it found is stored once Postgres is back', async () => {
    const { port } = postgres;
    await postgres.stop();
    const { stderr } = await create({ name: 'without-postgres', namespace: 'research', product: PRODUCT.t4 });
    expect(stderr).toMatch(/^Warning: plimsoll: fits: /);
    const denied = await tryCreate({ name: 'no', namespace: 'production', batchSize: 64, product: PRODUCT.t4 });
    expect(denied.code).toBe(1);
    expect(await service.get('/readyz')).toMatchObject({ status: 200, body: { status: 'degraded' } });
    expect(await service.get('/v1/assessments')).toMatchObject({ status: 503, body: { title: 'Service Unavailable' } });
    expect((await service.get('/v1/devices')).status).toBe(200);
    postgres = await startEmbeddedPostgres({ dataFolder: postgresFolder, port });
    await waitFor(async () => (await listed('name=without-postgres')).length > 0, {
      timeoutMs: 60_000,
      intervalMs: 500,
      what: 'the assessment is stored',
    });
  }, 120_000);

  it('a Job is admitted when the webhook process is killed, as its failurePolicy says', async () => {
    await service.kill();
    await create({ name: 'no-webhook', namespace: 'production', batchSize: 64, product: PRODUCT.t4 });
    expect(await annotationsOf('production', 'no-webhook')).toEqual({});
  }, 60_000);
});

/** A capacity in MiB between what the Job is expected to need and what it may need, as Plimsoll itself sees it. */
async function capacityBetween(job: TrainingJob): Promise<number> {
  const response = await fetch(`${service.url}/v1/advise?gpu=a100-40gb`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(trainingJob({ ...job, name: 'asked' })),
  });
  const { assessments } = (await response.json()) as { assessments: Assessment[] };
  const { expected, high } = assessments[0]!.fit[0]!.classes[0]!.requiredBytes;
  return Math.round((expected + high) / 2 / MIB);
}
