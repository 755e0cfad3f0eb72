import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createAuthority } from '../cluster/certificates.js';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { waitFor } from '../cluster/wait-for.js';
import { one, render, valuesOf } from './helm.js';
import type { Manifest } from './helm.js';

interface Request {
  uid: string;
  operation: string;
  kind: { kind: string };
  name: string;
  namespace: string;
}

const modes = { research: {}, quiet: { 'plimsoll.dev/mode': 'off' }, strict: { 'plimsoll.dev/mode': 'enforce' } };

let plane: ControlPlane;
let webhook: Server;
/** Path and request of each review, as the API server sent them. */
const reviews: (Request & { path: string })[] = [];

beforeAll(async () => {
  plane = await startControlPlane({ components: [] });
  const authority = await createAuthority('webhook');
  const { certificatePem, privateKeyPem } = await authority.issue({ commonName: 'webhook', hosts: ['127.0.0.1'] });
  webhook = createServer({ cert: certificatePem, key: privateKeyPem }, (request, response) => {
    void json(request).then((review) => {
      const { request: asked } = review as { request: Request };
      reviews.push({ ...asked, path: (request.url ?? '').split('?')[0]! });
      const answer = {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: asked.uid, allowed: true },
      };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    });
  });
  webhook.listen(0, '127.0.0.1');
  await once(webhook, 'listening');
  for (const [name, labels] of Object.entries({ ...modes, 'gpu-tools': {} })) {
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  }
  await register(`https://127.0.0.1:${(webhook.address() as AddressInfo).port}`, authority.certificatePem);
}, 150_000);

afterAll(async () => {
  webhook.closeAllConnections();
  webhook.close();
  await plane.stop();
});

describe('with the webhook configurations of the chart the API server', () => {
  it('asks both webhooks about workloads that are created and changed', async () => {
    await apply(job('first', 'strict'));
    await apply({
      ...job('first', 'strict'),
      metadata: { name: 'first', namespace: 'strict', labels: { changed: 'yes' } },
    });
    expect(seen('strict')).toEqual([
      '/mutate CREATE Job first',
      '/validate CREATE Job first',
      '/mutate UPDATE Job first',
      '/validate UPDATE Job first',
    ]);
  });

  it('asks about a pod of its own, but not about one that a Job made', async () => {
    await apply(pod('alone', []));
    const controller = '--as=system:serviceaccount:kube-system:job-controller';
    await create(pod('of-a-job', [owner('batch/v1', 'Job')]), controller);
    await create(pod('of-a-replica-set', [owner('apps/v1', 'ReplicaSet')]), controller);
    await create(pod('of-something-else', [owner('example.com/v1', 'Experiment')]), controller);
    const pods = seen('research').filter((review) => review.startsWith('/mutate CREATE Pod'));
    expect(pods).toEqual(['/mutate CREATE Pod alone', '/mutate CREATE Pod of-something-else']);
  });

  it('asks about a pod whose owner a person wrote by hand', async () => {
    await create(pod('by-hand', [owner('batch/v1', 'Job')]));
    expect(seen('research')).toEqual(expect.arrayContaining(['/mutate CREATE Pod by-hand']));
  });

  it('does not ask about what is no workload', async () => {
    await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'research' } });
    expect(seen('research').join()).not.toContain('ConfigMap');
  });

  it.each(['quiet', 'gpu-tools', 'kube-system'])('does not ask about the namespace %s', async (namespace) => {
    await apply(job('ignored', namespace));
    expect(seen(namespace)).toEqual([]);
  });
});

/** Applies the chart's configurations, leading to this test instead of the Service, and waits until they are in force. */
async function register(url: string, caPem: string): Promise<void> {
  const objects = await render(...valuesOf('try-out'), '--set=webhook.failurePolicy=Ignore');
  for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
    const configuration = one(objects, kind);
    for (const each of configuration['webhooks'] as { clientConfig: { service?: { path: string } } }[]) {
      const path = each.clientConfig.service?.path ?? '';
      each.clientConfig = { url: url + path, caBundle: Buffer.from(caPem).toString('base64') } as object;
    }
    await apply(configuration);
  }
  const bothAsked = async (): Promise<boolean> => {
    await apply(job(`probe-${Date.now()}`, 'research'));
    return ['/mutate', '/validate'].every((path) => reviews.some((review) => review.path === path));
  };
  await waitFor(bothAsked, { timeoutMs: 20_000, what: 'the API server has taken note of the webhooks' });
}

function seen(namespace: string): string[] {
  return reviews
    .filter((review) => review.namespace === namespace)
    .map(({ path, operation, kind, name }) => `${path} ${operation} ${kind.kind} ${name}`);
}

async function apply(object: Manifest | object): Promise<void> {
  const args = ['apply', '--server-side', '-f', '-'];
  const { code, stderr } = await plane.kubectl(args, { stdin: JSON.stringify(object) });
  if (code !== 0) throw new Error(stderr);
}

async function create(object: object, ...flags: string[]): Promise<void> {
  const { code, stderr } = await plane.kubectl(['create', ...flags, '-f', '-'], { stdin: JSON.stringify(object) });
  if (code !== 0) throw new Error(stderr);
}

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'train', image: 'example.com/train' }] } };

function job(name: string, namespace: string): object {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace }, spec: { template } };
}

function pod(name: string, ownerReferences: object[]): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'research', ownerReferences }, ...template };
}

function owner(apiVersion: string, kind: string): object {
  return { apiVersion, kind, name: 'parent', uid: '00000000-0000-0000-0000-000000000001', controller: true };
}
