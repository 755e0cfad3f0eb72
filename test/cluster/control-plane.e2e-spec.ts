import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { createAuthority } from './certificates.js';
import { startControlPlane } from './control-plane.js';
import type { ControlPlane } from './control-plane.js';
import { createGpuNode } from './gpu-node.js';
import { waitFor } from './wait-for.js';

/** The parts of an AdmissionReview that these tests look at. */
interface Review {
  request: { uid: string; operation: string; kind: { kind: string }; object: { metadata: { name: string } } };
}

const annotation = 'example.com/seen';
const warning = 'looked at by the test webhook';
/** The control plane would call a silent node lost after this time if its node lifecycle controller ran. */
const graceMs = 4_000;

let plane: ControlPlane;
let startedInMs: number;
let nodeCreatedAt: number;

beforeAll(async () => {
  const start = Date.now();
  plane = await startControlPlane({
    controllerManagerFlags: [
      '--node-monitor-period=1s',
      `--node-monitor-grace-period=${graceMs}ms`,
      `--node-startup-grace-period=${graceMs}ms`,
    ],
  });
  startedInMs = Date.now() - start;
  nodeCreatedAt = Date.now();
  await createGpuNode(plane, { name: 'gpu-0', gpus: 8, labels: { 'nvidia.com/gpu.product': 'NVIDIA-H200' } });
}, 150_000);

afterAll(() => plane.stop());

describe('the control plane', () => {
  it('is there within a minute', () => {
    process.stderr.write(`control plane ready after ${(startedInMs / 1000).toFixed(1)} s\n`);
    expect(startedInMs).toBeLessThan(60_000);
  });

  it('binds a Job that asks for all GPUs of the node', async () => {
    await create(job('first', 8));
    const pod = await waitFor(async () => (await podsOf('first')).find((each) => each.spec.nodeName), {
      timeoutMs: 20_000,
      what: 'the pod of the first Job is bound',
    });
    expect(pod.spec.nodeName).toBe('gpu-0');
  }, 30_000);

  it('leaves a second such Job pending and says that GPUs are lacking', async () => {
    await create(job('second', 8));
    const condition = await waitFor(async () => (await podsOf('second'))[0]?.status.conditions?.[0], {
      timeoutMs: 20_000,
      what: 'the scheduler has tried the pod of the second Job',
    });
    expect(condition).toMatchObject({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' });
    expect(condition.message).toContain('Insufficient nvidia.com/gpu');
  }, 30_000);

  it('keeps a node Ready that no kubelet reports for', async () => {
    await waitFor(() => Date.now() - nodeCreatedAt > 2 * graceMs, {
      timeoutMs: 20_000,
      what: 'the grace period is over',
    });
    const node = await read<{ status: { conditions: object[] }; spec: object }>('node', 'gpu-0');
    expect(node.status.conditions).toEqual([expect.objectContaining({ type: 'Ready', status: 'True' })]);
    expect(node.spec).not.toHaveProperty('taints');
  }, 30_000);

  it('tells with the last lines of the log which component ended by itself', async () => {
    const start = startControlPlane({ components: [], apiServerFlags: ['--no-such-flag'] });
    await expect(start).rejects.toThrow(/kube-apiserver ended by itself \(status 1\)[^]*unknown flag: --no-such-flag/);
  }, 30_000);
});

describe('a control plane of etcd and the API server alone', () => {
  it('takes pods, and leaves its logs in the folder that it was given', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'plimsoll-kept-'));
    const bare = await startControlPlane({ components: [], directory });
    const { code, stdout } = await bare.kubectl(['run', 'lone', '--image=example.com/train']);
    await bare.stop();
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'pod/lone created\n' });
    expect(await readdir(directory)).toEqual(expect.arrayContaining(['etcd.log', 'kube-apiserver.log']));
    await rm(directory, { recursive: true });
  }, 60_000);

  it('refuses a folder whose path is too long for the sockets of etcd', async () => {
    const directory = join(tmpdir(), 'x'.repeat(100));
    await expect(startControlPlane({ components: [], directory })).rejects.toThrow(/directory: .* is too long/);
  });
});

describe('a mutating webhook at a loopback URL', () => {
  const reviews: Review[] = [];
  let webhook: Server;

  beforeAll(async () => {
    const authority = await createAuthority('test-webhook');
    const { certificatePem, privateKeyPem } = await authority.issue({ commonName: 'webhook', hosts: ['127.0.0.1'] });
    webhook = createServer({ cert: certificatePem, key: privateKeyPem }, (request, response) => {
      void json(request).then((review) => {
        reviews.push(review as Review);
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answerTo(review as Review)));
      });
    });
    webhook.listen(0, '127.0.0.1');
    await once(webhook, 'listening');
    const { port } = webhook.address() as AddressInfo;
    await create(webhookConfiguration(`https://127.0.0.1:${port}/mutate`, authority.certificatePem));
  });

  afterAll(() => {
    webhook.closeAllConnections();
    webhook.close();
  });

  it('gets the Job, has its warning printed by kubectl and its annotation stored', async () => {
    const { stderr } = await waitFor(() => createUntilReviewed(), {
      timeoutMs: 20_000,
      what: 'the API server has taken note of the webhook',
    });
    expect(stderr).toBe(`Warning: ${warning}\n`);
    const request = reviews[0]!.request;
    expect(request).toMatchObject({ operation: 'CREATE', kind: { kind: 'Job' } });
    const stored = await read<{ metadata: { annotations: object } }>('job', request.object.metadata.name);
    expect(stored.metadata.annotations).toEqual({ [annotation]: 'Job CREATE' });
  }, 30_000);

  /** A new configuration takes the API server a moment to notice, so that the first Job may slip through. */
  async function createUntilReviewed(): Promise<{ stderr: string } | undefined> {
    const result = await create(job(`reviewed-${Date.now()}`, 1));
    return reviews.length > 0 ? result : undefined;
  }
});

interface PodSeen {
  spec: { nodeName?: string };
  status: { conditions?: { type: string; status: string; reason: string; message: string }[] };
}

async function podsOf(jobName: string): Promise<PodSeen[]> {
  const selector = `--selector=batch.kubernetes.io/job-name=${jobName}`;
  return (await read<{ items: PodSeen[] }>('pods', selector)).items;
}

async function read<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await plane.kubectl(['get', ...args, '--output=json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

async function create(object: object): Promise<{ stderr: string }> {
  const { code, stderr } = await plane.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(object) });
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('rror') });
  return { stderr };
}

function job(name: string, gpus: number): object {
  const container = {
    name: 'train',
    image: 'example.com/train',
    resources: { limits: { 'nvidia.com/gpu': String(gpus) } },
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } },
  };
}

function webhookConfiguration(url: string, caPem: string): object {
  const rule = { apiGroups: ['batch'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['jobs'] };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'test' },
    webhooks: [
      {
        name: 'test.example.com',
        clientConfig: { url, caBundle: Buffer.from(caPem).toString('base64') },
        rules: [rule],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 5,
      },
    ],
  };
}

function answerTo({ request: { uid, kind, operation } }: Review): object {
  const patch = [{ op: 'add', path: '/metadata/annotations', value: { [annotation]: `${kind.kind} ${operation}` } }];
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed: true,
      warnings: [warning],
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    },
  };
}
