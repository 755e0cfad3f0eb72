import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiClient } from '../../src/cluster/api-client.js';
import { connect } from '../../src/cluster/connection.js';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { startTcpProxy } from '../builders/tcp-proxy.js';
import type { TcpProxy } from '../builders/tcp-proxy.js';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import { waitFor } from '../cluster/wait-for.js';
import { freePort, startService } from './service.js';
import type { Service } from './service.js';
import { trainingJob } from './training-jobs.js';

const JOBS = '/apis/batch/v1/namespaces/default/jobs';
const LEASE_MS = 15_000;

let plane: ControlPlane;
let api: ApiClient;
let folder: string;
let postgres: EmbeddedPostgres;
/** The Service before the replicas: new connections go to one of them. */
let balancer: TcpProxy;
/** The way from the replicas to the API server. */
let path: TcpProxy;
let settings: Record<string, string>;
let replica: Service;

beforeAll(async () => {
  plane = await startControlPlane({ components: [] });
  api = connect(plane.kubeconfig, null);
  await createGpuNode(plane, {
    name: 'gpu-0',
    gpus: 8,
    labels: { 'nvidia.com/gpu.product': 'NVIDIA-H200', 'nvidia.com/gpu.memory': '143771' },
  });
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-faults-'));
  postgres = await startEmbeddedPostgres({ dataFolder: folder });
  const port = Number(new URL(plane.server).port);
  path = await startTcpProxy(port);
  const kubeconfig = join(folder, 'kubeconfig');
  const text = await readFile(plane.kubeconfig, 'utf8');
  await writeFile(kubeconfig, text.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${path.port}`), { mode: 0o600 });
  balancer = await startTcpProxy(0);
  settings = {
    DATABASE_URL: postgres.url,
    PLIMSOLL_KUBECONFIG: kubeconfig,
    PLIMSOLL_LEASE_NAMESPACE: 'default',
    PLIMSOLL_TLS_SECRET: 'plimsoll-shared',
    PLIMSOLL_WEBHOOK_URL: `https://127.0.0.1:${balancer.port}`,
    PLIMSOLL_ADMISSION_BUDGET_MS: '4000',
    PLIMSOLL_DRAIN_MS: '2000',
  };
  replica = await started();
  await waitFor(async () => (await verdictOfDryRun()) === 'fits', {
    timeoutMs: 120_000,
    intervalMs: 500,
    what: 'reviews are answered',
  });
}, 400_000);

afterAll(async () => {
  await replica?.kill();
  await balancer?.close();
  await path?.close();
  await postgres?.stop();
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** A replica that is ready, and that the balancer sends to from now on. */
async function started(): Promise<Service> {
  const webhookPort = await freePort();
  const service = await startService({ ...settings, WEBHOOK_PORT: String(webhookPort) });
  balancer.target = webhookPort;
  return service;
}

/** The verdict that a Job is given on its way in; undefined where no replica answered. */
async function verdictOfDryRun(): Promise<string | undefined> {
  const body = trainingJob({ generateName: 'train-', namespace: 'default' });
  const job = await api.call({ method: 'POST', path: JOBS, query: { dryRun: 'All' }, body });
  return (job as { metadata: { annotations?: Record<string, string> } }).metadata.annotations?.['plimsoll.dev/verdict'];
}

async function kubectl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

describe('where the API server is gone for a while', () => {
  it('the service stays ready, and sees what it missed once the API server is back', async () => {
    path.refusing = true;
    path.cut();
    await kubectl('label', 'namespace', 'default', 'plimsoll.dev/mode=off');
    await waitFor(async () => (await verdictOfDryRun()) === undefined, {
      timeoutMs: 30_000,
      what: 'the API server does not ask any more',
    });
    await api.call({ method: 'POST', path: JOBS, body: trainingJob({ name: 'missed', namespace: 'default' }) });
    await kubectl('label', '--overwrite', 'namespace', 'default', 'plimsoll.dev/mode=advise');
    await pause(LEASE_MS);
    expect((await replica.get('/readyz')).status).toBe(200);
    path.refusing = false;
    const query = String.raw`--output=jsonpath={.metadata.annotations.plimsoll\.dev/verdict}`;
    await waitFor(async () => (await kubectl('get', 'job', 'missed', query)) === 'fits', {
      timeoutMs: 120_000,
      intervalMs: 500,
      what: 'the Job that came meanwhile has its verdict',
    });
    await waitFor(async () => (await verdictOfDryRun()) === 'fits', {
      timeoutMs: 30_000,
      what: 'reviews are answered',
    });
  }, 300_000);
});

describe('a rolling update under load', () => {
  it('loses no review: every object that is created meanwhile carries its verdict', async () => {
    const answers: (string | undefined)[] = [];
    let isOver = false;
    const creating = Array.from({ length: 4 }, async () => {
      while (!isOver) answers.push(await verdictOfDryRun());
    });
    for (let turn = 0; turn < 2; turn += 1) {
      const before = replica;
      replica = await started();
      expect(await before.stop()).toBe(0);
    }
    isOver = true;
    await Promise.all(creating);
    expect(answers.length).toBeGreaterThan(20);
    expect(answers.filter((verdict) => verdict !== 'fits')).toEqual([]);
  }, 300_000);
});
