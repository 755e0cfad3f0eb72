import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import { waitFor } from '../cluster/wait-for.js';
import { startService } from '../e2e/service.js';
import type { Service } from '../e2e/service.js';
import { trainingJob } from '../e2e/training-jobs.js';
import { environmentOf } from './container.js';
import { one, render, valuesOf } from './helm.js';
import type { Manifest } from './helm.js';
import { kubeconfigOf } from './service-account.js';

const namespace = 'gpu-tools';
/** Rights and settings of the chart, with a certificate of its own and leave to read the ConfigMaps of one namespace. */
const values = [...valuesOf('self-managed'), '--set=configMaps.namespaces={research}'];

let plane: ControlPlane;
let service: Service;
let token: string;

beforeAll(async () => {
  plane = await startControlPlane({ components: [] });
  const objects = await render(...values);
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const labels = { 'plimsoll.dev/read-configmaps': 'true' };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'research', labels } });
  await createGpuNode(plane, {
    name: 'gpu-0',
    gpus: 8,
    labels: { 'nvidia.com/gpu.product': 'NVIDIA-H200', 'nvidia.com/gpu.memory': '143771' },
  });
  const granting =
    /^(ServiceAccount|ClusterRole|Role|ClusterRoleBinding|RoleBinding|Lease|ValidatingAdmissionPolicy|ValidatingAdmissionPolicyBinding|MutatingWebhookConfiguration|ValidatingWebhookConfiguration)$/;
  for (const object of objects.filter(({ kind }) => granting.test(kind))) await apply(object);
  await apply(one(objects, 'Secret', 'plimsoll-webhook-tls'));
  const account = await kubeconfigOf(plane, { name: 'plimsoll', namespace });
  token = account.token;
  service = await startService({ ...chartSettings(objects), PLIMSOLL_KUBECONFIG: account.file });
}, 150_000);

afterAll(async () => {
  await service?.kill();
  await plane.stop();
}, 30_000);

describe('the service with the rights and settings of the chart', () => {
  it('annotates a training Job, and tells an Event on one whose verdict asks for attention', async () => {
    await apply(trainingJob({ name: 'fits', namespace: 'research' }));
    await apply(trainingJob({ name: 'mystery', namespace: 'research', model: 'nobody/knows-this-model' }));
    const [verdict, event] = await Promise.all([verdictOf('fits'), eventOn('mystery')]);
    expect(verdict).toBe('fits');
    expect(event).toMatchObject({ type: 'Warning', reason: 'GpuMemoryUnknown' });
  }, 90_000);

  it('answers over REST to who has a token that the API server knows, and to nobody else', async () => {
    const ask = (headers: Record<string, string>): Promise<Response> => fetch(`${service.url}/v1/nodes`, { headers });
    const models = await fetch(`${service.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
    expect(models.status).toBe(200);
    expect((await ask({ authorization: 'Bearer made-up' })).status).toBe(401);
    expect((await ask({})).status).toBe(401);
  });

  it('shows over REST what RBAC grants: a namespace by the role view, devices by a role of their own', async () => {
    const ask = async (path: string): Promise<number> =>
      (await fetch(service.url + path, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await ask('/v1/nodes')).toBe(403);
    expect(await ask('/v1/assessments?namespace=default')).toBe(403);
    const subject = '--serviceaccount=gpu-tools:plimsoll';
    await kubectl('create', 'rolebinding', 'reader', '--namespace=research', '--clusterrole=plimsoll-view', subject);
    await kubectl('create', 'clusterrolebinding', 'lister', '--clusterrole=plimsoll-inventory-view', subject);
    expect(await ask('/v1/assessments?namespace=research')).toBe(200);
    await waitFor(async () => (await ask('/v1/nodes')) === 200, {
      timeoutMs: 30_000,
      what: 'the refusal is forgotten',
    });
  }, 60_000);

  it('fills its Secret, and tells the API server of the authority that is in it', async () => {
    const secret = ['get', 'secret', 'plimsoll-webhook-tls', `--namespace=${namespace}`, '--output=json'];
    const { data } = JSON.parse((await plane.kubectl(secret)).stdout) as { data: Record<string, string> };
    const certificate = new X509Certificate(Buffer.from(data['tls.crt']!, 'base64'));
    expect(certificate.subjectAltName).toBe(`DNS:plimsoll-webhook.${namespace}.svc`);
    const authority = Buffer.from(data['ca.crt']!, 'base64').toString().trim();
    for (const kind of ['mutating', 'validating']) {
      await waitFor(async () => (await bundleOf(kind)).includes(authority), {
        timeoutMs: 30_000,
        what: `the ${kind} webhook configuration holds the authority`,
      });
    }
  }, 90_000);

  it('was refused nothing that it asked of the API server', () => {
    expect(service.output()).not.toMatch(/forbidden|cannot be read|could not be registered/);
  });
});

/** What the chart sets, less the addresses and files of a pod. */
function chartSettings(objects: readonly Manifest[]): Record<string, string> {
  const ofAPod = /PORT|_HOST$|^PLIMSOLL_(KUBECONFIG|DATA)|^DATABASE_URL$/;
  const entries = environmentOf(one(objects, 'Deployment')).filter(({ name }) => !ofAPod.test(name));
  const shortened = { PLIMSOLL_WEBHOOK_URL: '', PLIMSOLL_DRAIN_MS: '0', PLIMSOLL_SCRAPE_INTERVAL_MS: '1000' };
  const inAPod = { PLIMSOLL_LEASE_NAMESPACE: namespace };
  return { ...Object.fromEntries(entries.map(({ name, value }) => [name, value ?? ''])), ...shortened, ...inAPod };
}

/** The authorities that the API server trusts, as PEM. */
async function bundleOf(kind: string): Promise<string> {
  const path = '--output=jsonpath={.webhooks[0].clientConfig.caBundle}';
  const { stdout } = await plane.kubectl(['get', `${kind}webhookconfiguration`, 'plimsoll', path]);
  return Buffer.from(stdout, 'base64').toString();
}

function verdictOf(job: string): Promise<string> {
  return waitFor(
    async () => {
      const path = String.raw`--output=jsonpath={.metadata.annotations.plimsoll\.dev/verdict}`;
      return (await plane.kubectl(['get', 'job', job, '--namespace=research', path])).stdout;
    },
    { timeoutMs: 60_000, what: `the Job ${job} has a verdict` },
  );
}

function eventOn(job: string): Promise<object> {
  const selector = `--field-selector=involvedObject.name=${job}`;
  const asked = async (): Promise<object | undefined> => {
    const { stdout } = await plane.kubectl(['get', 'events', '--namespace=research', selector, '--output=json']);
    return (JSON.parse(stdout) as { items: object[] }).items[0];
  };
  return waitFor(asked, { timeoutMs: 60_000, what: `there is an Event on the Job ${job}` });
}

async function kubectl(...args: string[]): Promise<void> {
  const { code, stderr } = await plane.kubectl(args);
  if (code !== 0) throw new Error(stderr);
}

async function apply(object: object): Promise<void> {
  const { code, stderr } = await plane.kubectl(['apply', '--server-side', '-f', '-'], {
    stdin: JSON.stringify(object),
  });
  if (code !== 0) throw new Error(stderr);
}
