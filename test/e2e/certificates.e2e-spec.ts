import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import { waitFor } from '../cluster/wait-for.js';
import { startService } from './service.js';
import type { Service } from './service.js';
import { trainingJob } from './training-jobs.js';

let plane: ControlPlane;
let service: Service;

beforeAll(async () => {
  plane = await startControlPlane({ components: [] });
  await createGpuNode(plane, {
    name: 'gpu-0',
    gpus: 8,
    labels: { 'nvidia.com/gpu.product': 'NVIDIA-H200', 'nvidia.com/gpu.memory': '143771' },
  });
  service = await startService({
    PLIMSOLL_KUBECONFIG: plane.kubeconfig,
    PLIMSOLL_LEASE_NAMESPACE: 'default',
    PLIMSOLL_TLS_SECRET: 'plimsoll-webhook-own',
    PLIMSOLL_ADMISSION_BUDGET_MS: '20000',
  });
}, 240_000);

afterAll(async () => {
  await service?.kill();
  await plane.stop();
}, 30_000);

async function kubectl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** What kubectl prints where the webhook answers; the API server says nothing where it could not be reached. */
async function dryRun(): Promise<string> {
  const manifest = JSON.stringify(trainingJob({ name: 'probe', namespace: 'default' }));
  return (await plane.kubectl(['create', '--dry-run=server', '-f', '-'], { stdin: manifest })).stderr;
}

const reviewed = (): Promise<boolean> =>
  waitFor(async () => (await dryRun()).includes('plimsoll: '), {
    timeoutMs: 120_000,
    intervalMs: 1_000,
    what: 'a review is answered',
  });

const authority = async (): Promise<string> => {
  const path = String.raw`--output=jsonpath={.data.ca\.crt}`;
  return Buffer.from(await kubectl('get', 'secret', 'plimsoll-webhook-own', path), 'base64').toString();
};

const bundle = async (): Promise<string> => {
  const path = '--output=jsonpath={.webhooks[0].clientConfig.caBundle}';
  return Buffer.from(await kubectl('get', 'validatingwebhookconfiguration', 'plimsoll', path), 'base64').toString();
};

describe('a certificate that Plimsoll makes and keeps in a Secret', () => {
  it('is trusted by the API server', async () => {
    await reviewed();
    expect(new X509Certificate(await bundle()).subject).toBe(new X509Certificate(await authority()).subject);
  }, 150_000);

  it('is made anew where the Secret is lost, and shown and trusted without a restart', async () => {
    const before = await authority();
    await kubectl('delete', 'secret', 'plimsoll-webhook-own');
    await waitFor(async () => (await authority().catch(() => before)) !== before, {
      timeoutMs: 90_000,
      what: 'there is another authority',
    });
    await waitFor(async () => (await bundle()).includes(await authority().then((pem) => pem.trim())), {
      timeoutMs: 30_000,
      what: 'the API server is told of it',
    });
    await reviewed();
    expect(service.output()).toContain('the webhook shows its new certificate');
  }, 240_000);
});
