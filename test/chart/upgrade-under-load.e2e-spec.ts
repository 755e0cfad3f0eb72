import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { orNull } from '../../src/cluster/api-client.js';
import type { ApiClient } from '../../src/cluster/api-client.js';
import { connect } from '../../src/cluster/connection.js';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { migrate } from '../../src/store/migrations.js';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import { waitFor } from '../cluster/wait-for.js';
import { trainingJob } from '../e2e/training-jobs.js';
import { chartFolder, helm } from './helm.js';
import type { HelmResult } from './helm.js';
import { mounted, PodsOfRelease } from './pods-of-release.js';
import { kubeconfigOf } from './service-account.js';

const namespace = 'gpu-tools';
/** Whatever is not answered fails the request: nothing can be lost unseen. */
const values = [
  '--set=database.existingSecret.name=database,webhook.failurePolicy=Fail,replicaCount=2,log.level=warn',
  '--set=webhook.timeoutSeconds=10,webhook.budgetMs=6000,drainMs=3000',
];
const ASKING = 4;

let plane: ControlPlane;
let api: ApiClient;
let folder: string;
let postgres: EmbeddedPostgres;
let pods: PodsOfRelease;

beforeAll(async () => {
  plane = await startControlPlane({
    // Webhooks' Services are led to their pods by the API server itself: there is no kube-proxy.
    apiServerFlags: ['--enable-aggregator-routing=true'],
    controllerManagerFlags: [
      '--controllers=*,-node-lifecycle-controller,-endpointslice-controller,-endpointslice-mirroring-controller',
    ],
  });
  api = connect(plane.kubeconfig, null);
  const labels = { 'nvidia.com/gpu.product': 'NVIDIA-H200', 'nvidia.com/gpu.memory': '143771' };
  await createGpuNode(plane, { name: 'gpu-0', gpus: 8, labels });
  for (const name of [namespace, 'research']) {
    await api.call({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
  }
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-upgrade-'));
  postgres = await startEmbeddedPostgres({ dataFolder: folder });
  await migrate(postgres.url);
  expect(await migrated(release('install', '--set=image.tag=1.0.0'))).toMatchObject({ code: 0 });
  const tls = await mounted(api, { namespace, name: 'plimsoll-webhook-tls' }, join(folder, 'tls'));
  const { file } = await kubeconfigOf(plane, { name: 'plimsoll', namespace });
  pods = new PodsOfRelease({
    api,
    namespace,
    labels: 'app.kubernetes.io/name=plimsoll,app.kubernetes.io/component=service',
    service: 'plimsoll-webhook',
    folder,
    settings: {
      DATABASE_URL: postgres.url,
      PLIMSOLL_KUBECONFIG: file,
      PLIMSOLL_LEASE_NAMESPACE: namespace,
      PLIMSOLL_TLS_CERT_FILE: join(tls, 'tls.crt'),
      PLIMSOLL_TLS_KEY_FILE: join(tls, 'tls.key'),
      PLIMSOLL_WORKERS: '1',
    },
  });
  pods.start();
  const isAnswered = async (): Promise<boolean> => pods.failures.length > 0 || (await review(0)) === 'fits';
  await waitFor(isAnswered, {
    timeoutMs: 150_000,
    intervalMs: 500,
    what: 'reviews are answered by the pods of the release',
  });
  expect(pods.failures).toEqual([]);
}, 600_000);

afterAll(async () => {
  await pods?.stop();
  await postgres?.stop();
  await plane?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}, 60_000);

describe('under load', () => {
  it.each([
    ['helm upgrade', () => release('upgrade', '--set=image.tag=2.0.0'), '2.0.0'],
    ['helm rollback', () => helm(['rollback', 'plimsoll', '1', `--namespace=${namespace}`], plane.kubeconfig), '1.0.0'],
  ])(
    '%s loses no review',
    async (_, change, tag) => {
      await waitFor(() => isRolledOut(), { timeoutMs: 240_000, what: 'both replicas are ready' });
      let isOver = false;
      const failed: unknown[] = [];
      const asking = Array.from({ length: ASKING }, async (_each, index) => {
        let answered = 0;
        for (; !isOver; answered++) {
          await review(index).catch((error: unknown) => failed.push(error));
          await pause(20);
        }
        return answered;
      });
      expect(await migrated(change())).toMatchObject({ code: 0 });
      await waitFor(() => isRolledOut(tag), { timeoutMs: 240_000, what: `both replicas run ${tag}` });
      isOver = true;
      expect(Math.min(...(await Promise.all(asking)))).toBeGreaterThan(10);
      expect(failed).toEqual([]);
      expect(pods.failures).toEqual([]);
    },
    600_000,
  );
});

/** The verdict that a Job comes back with; the API server throws it away then. */
async function review(index: number): Promise<string | undefined> {
  const path = '/apis/batch/v1/namespaces/research/jobs';
  const body = trainingJob({ generateName: 'train-', namespace: 'research', batchSize: 1 + index });
  const job = await api.call({ method: 'POST', path, body, query: { dryRun: 'All' } });
  return (job['metadata'] as { annotations?: Record<string, string> }).annotations?.['plimsoll.dev/verdict'];
}

async function isRolledOut(tag?: string): Promise<boolean> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/plimsoll`;
  const { metadata, status } = (await api.call({ method: 'GET', path })) as {
    metadata: { generation: number };
    status: { observedGeneration?: number; replicas?: number; updatedReplicas?: number; readyReplicas?: number };
  };
  const { observedGeneration, replicas, updatedReplicas, readyReplicas } = status;
  const isSettled = observedGeneration === metadata.generation && replicas === 2;
  if (!isSettled || updatedReplicas !== 2 || readyReplicas !== 2) return false;
  const images = await pods.images();
  return images.length === 2 && images.every((image) => tag === undefined || image.endsWith(`:${tag}`));
}

function release(command: string, ...args: string[]): Promise<HelmResult> {
  return helm([command, 'plimsoll', chartFolder, `--namespace=${namespace}`, ...values, ...args], plane.kubeconfig);
}

/** Waits for a release. The pod of its migration Job is not run, and said to have succeeded: the database is as it should be. */
async function migrated(running: Promise<HelmResult>): Promise<HelmResult> {
  let isOver = false;
  const over = running.finally(() => (isOver = true));
  while (!isOver) {
    await endMigration();
    await pause(200);
  }
  const result = await over;
  return { ...result, stdout: '' };
}

async function endMigration(): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const query = {
    labelSelector: 'batch.kubernetes.io/job-name=plimsoll-migrate',
    fieldSelector: 'status.phase=Pending',
  };
  const waiting = (await api.call({ method: 'GET', path, query }))['items'] as unknown as Named[];
  for (const { metadata } of waiting) {
    const call = {
      method: 'PATCH',
      path: `${path}/${metadata.name}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { phase: 'Succeeded' } },
    } as const;
    await orNull(404, api.call(call)); // it may be gone with its Job
  }
}

interface Named {
  metadata: { name: string };
}
