import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiClient } from '../../src/cluster/api-client.js';
import { Cluster } from '../../src/cluster/cluster.js';
import { connect } from '../../src/cluster/connection.js';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { waitFor } from '../cluster/wait-for.js';
import { chartFolder, helm, render, valueSets, valuesOf } from './helm.js';
import type { HelmResult, Manifest } from './helm.js';
import { kubeconfigOf } from './service-account.js';

const namespace = 'gpu-tools';
/** Nobody answers behind the webhooks' Service here: the API server waits this long for them, and goes on. */
const values = ['--set=database.existingSecret.name=database,webhook.timeoutSeconds=1,webhook.budgetMs=500'];
const account = `system:serviceaccount:${namespace}:plimsoll`;

let plane: ControlPlane;
let before: string[];

beforeAll(async () => {
  plane = await startControlPlane({ components: [] });
  for (const name of [namespace, 'research', 'vision']) await kubectl('create', 'namespace', name);
  before = await everything();
}, 150_000);

afterAll(() => plane.stop());

describe.each(valueSets)('the API server takes what the chart gives with ci/%s-values.yaml', (set) => {
  it('as a server-side dry run', async () => {
    const objects = (await render(...valuesOf(set))).filter(isServed);
    const stdin = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    const args = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
    const { code, stdout, stderr } = await plane.kubectl(args, { stdin });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toHaveLength(objects.length);
  });
});

describe('helm install', () => {
  it('migrates the database first, and changes nothing until that is done', async () => {
    const installing = release('install', ...values);
    const job = await waitFor(async () => (await read<Manifest>('jobs'))[0], {
      timeoutMs: 20_000,
      what: 'the migration Job is there',
    });
    expect(job.metadata.name).toBe('plimsoll-migrate');
    expect(await read('deployments')).toEqual([]);
    await complete(job.metadata.name);
    expect(await installing).toMatchObject({ code: 0 });
    expect(await read('deployments')).toHaveLength(1);
    expect(await read('jobs')).toEqual([]);
  }, 60_000);

  it('leaves workloads alone while nobody answers', async () => {
    expect(await kubectl('create', 'job', 'train', '--image=example.com/train', '--namespace=research')).toBe(
      'job.batch/train created\n',
    );
  }, 30_000);
});

describe('the service account of the release', () => {
  let api: ApiClient;
  let cluster: Cluster;
  let kubeconfig: string;
  let token: string;

  beforeAll(async () => {
    ({ file: kubeconfig, token } = await kubeconfigOf(plane, { name: 'plimsoll', namespace }));
    api = connect(kubeconfig, null);
    cluster = new Cluster(api);
  });

  it('may follow every kind of the cluster that is handled, nodes, pods and namespaces', async () => {
    for (const resource of ['jobs', 'cronjobs', 'deployments', 'statefulsets', 'nodes', 'pods', 'namespaces']) {
      expect(await as('get', resource, '--all-namespaces', '--output=name')).toMatchObject({ code: 0 });
      expect(await as('auth', 'can-i', 'watch', resource, '--all-namespaces')).toMatchObject({ code: 0 });
    }
    expect(await cluster.pathOf({ apiGroup: 'batch', versions: ['v1'], resource: 'jobs' })).toBe('/apis/batch/v1/jobs');
  }, 60_000);

  it('may annotate a workload, tell an Event on it and ask who a token belongs to', async () => {
    await cluster.annotate(train(), { 'plimsoll.dev/verdict': 'fits', 'plimsoll.dev/memory': '11.2Gi' });
    await cluster.annotate(train(), { 'plimsoll.dev/memory': null });
    await cluster.tell(train(), { type: 'Normal', reason: 'GpuMemoryFits', message: 'fits' });
    const [job] = await read<Manifest>('jobs', 'research');
    expect(job?.metadata.annotations).toMatchObject({ 'plimsoll.dev/verdict': 'fits' });
    expect(job?.metadata.annotations).not.toHaveProperty('plimsoll.dev/memory');
    expect(await read('events', 'research')).toEqual([expect.objectContaining({ reason: 'GpuMemoryFits' })]);
    expect(await cluster.ownerOf(token)).toMatchObject({ username: account });
  }, 60_000);

  it.each([
    ['what it runs', { spec: { suspend: true } }, 'Plimsoll may not change spec'],
    ['its labels', { metadata: { labels: { team: 'other' } } }, 'Plimsoll may not change metadata.labels'],
    ['annotations of others', { metadata: { annotations: { 'example.com/queue': 'a' } } }, 'nothing of a workload but'],
    [
      'what people declare',
      { metadata: { annotations: { 'plimsoll.dev/override': 'x' } } },
      'nothing of a workload but',
    ],
  ])('may not change of a workload %s', async (_what, patch, message) => {
    const path = '/apis/batch/v1/namespaces/research/jobs/train';
    const change = api.call({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: patch });
    await expect(change).rejects.toThrow(message);
  });

  it.each([
    ['Secrets', ['get', 'secrets', `--namespace=${namespace}`]],
    ['ConfigMaps of a namespace that was not named', ['get', 'configmaps', '--namespace=research']],
    ['the webhook configurations', ['get', 'mutatingwebhookconfigurations']],
  ])('may not read %s', async (_what, args) => {
    expect(await as(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining('forbidden') });
  });

  function as(...args: string[]): ReturnType<ControlPlane['kubectl']> {
    return plane.kubectl([`--kubeconfig=${kubeconfig}`, ...args]);
  }
});

describe('helm upgrade', () => {
  it('keeps the certificate, and gives leave to read the ConfigMaps of a namespace', async () => {
    const kept = await certificateSecret();
    expect(await migrating(release('upgrade', ...values, '--set=configMaps.namespaces={research}'))).toMatchObject({
      code: 0,
    });
    expect((await certificateSecret()).data).toEqual(kept.data);
    const asked = ['auth', 'can-i', 'list', 'configmaps', `--as=${account}`];
    expect(await plane.kubectl([...asked, '--namespace=research'])).toMatchObject({ code: 0 });
    expect(await plane.kubectl([...asked, '--namespace=vision'])).toMatchObject({ code: 1 });
  }, 60_000);

  it('makes a new certificate when the old one is due, and has both trusted meanwhile', async () => {
    const due = await certificateSecret();
    const days = 'webhook.certificate.selfSigned.validityDays=4000,webhook.certificate.selfSigned.renewBeforeDays=3999';
    expect(await migrating(release('upgrade', ...values, `--set=${days}`))).toMatchObject({ code: 0 });
    const made = await certificateSecret();
    expect(made.data['tls.crt']).not.toBe(due.data['tls.crt']);
    expect(await caBundle()).toBe(made.data['ca.crt']);
    const [newer, older] = authoritiesIn(made);
    expect(newer?.verify(newer.publicKey)).toBe(true);
    expect(servingCertificate(made).verify(newer!.publicKey)).toBe(true);
    expect(servingCertificate(due).verify(older!.publicKey)).toBe(true);
    expect(servingCertificate(made).checkHost(`plimsoll-webhook.${namespace}.svc`)).toBeDefined();
  }, 60_000);

  it('brings back webhook configurations that were deleted in an emergency', async () => {
    await kubectl('delete', 'validatingwebhookconfiguration,mutatingwebhookconfiguration', 'plimsoll');
    expect(await migrating(release('upgrade', ...values))).toMatchObject({ code: 0 });
    expect(await kubectl('get', 'mutatingwebhookconfigurations,validatingwebhookconfigurations', '--output=name')).toBe(
      'mutatingwebhookconfiguration.admissionregistration.k8s.io/plimsoll\n' +
        'validatingwebhookconfiguration.admissionregistration.k8s.io/plimsoll\n',
    );
  }, 60_000);

  it('is undone by helm rollback', async () => {
    expect(
      await helm(['rollback', 'plimsoll', '2', `--namespace=${namespace}`, '--no-hooks'], plane.kubeconfig),
    ).toMatchObject({ code: 0 });
    expect(await read('rolebindings', 'research')).toHaveLength(1);
  }, 60_000);
});

describe('helm uninstall', () => {
  it('leaves nothing behind but what others made', async () => {
    expect(await release('uninstall')).toMatchObject({ code: 0 });
    await kubectl('delete', 'job', 'train', '--namespace=research');
    await kubectl('delete', 'events', '--all', '--namespace=research');
    expect(await everything()).toEqual(before);
  }, 60_000);
});

/** The kinds of cert-manager and of the Prometheus operator are not in a plain cluster. */
function isServed({ apiVersion }: Manifest): boolean {
  return !/^(cert-manager\.io|monitoring\.coreos\.com)\//.test(apiVersion);
}

function release(command: string, ...args: string[]): Promise<HelmResult> {
  const what = command === 'uninstall' ? ['plimsoll'] : ['plimsoll', chartFolder];
  return helm([command, ...what, `--namespace=${namespace}`, ...args], plane.kubeconfig);
}

/** Waits for a release whose migration Job nobody runs here, completing the Job as a kubelet would. */
async function migrating(running: Promise<HelmResult>): Promise<HelmResult> {
  let isOver = false;
  const over = running.finally(() => (isOver = true));
  while (!isOver) {
    const [job] = await read<Manifest>('jobs');
    if (job) await complete(job.metadata.name);
    await pause(200);
  }
  return over;
}

async function complete(job: string): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    type,
    status: 'True',
    reason: 'Done',
    lastTransitionTime: now,
  }));
  const status = { startTime: now, completionTime: now, succeeded: 1, uncountedTerminatedPods: {}, conditions };
  const patch = JSON.stringify({ status });
  await plane.kubectl([
    'patch',
    'job',
    job,
    `--namespace=${namespace}`,
    '--subresource=status',
    '--type=merge',
    '-p',
    patch,
  ]);
}

interface CertificateSecret extends Manifest {
  data: Record<'tls.crt' | 'ca.crt', string>;
}

async function certificateSecret(): Promise<CertificateSecret> {
  return JSON.parse(
    await kubectl('get', 'secret', 'plimsoll-webhook-tls', `--namespace=${namespace}`, '--output=json'),
  ) as CertificateSecret;
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString();

function servingCertificate({ data }: CertificateSecret): X509Certificate {
  return new X509Certificate(decode(data['tls.crt']));
}

function authoritiesIn({ data }: CertificateSecret): X509Certificate[] {
  return decode(data['ca.crt'])
    .split(/(?=-----BEGIN)/)
    .map((pem) => new X509Certificate(pem));
}

function caBundle(): Promise<string> {
  return kubectl(
    'get',
    'mutatingwebhookconfiguration',
    'plimsoll',
    '--output=jsonpath={.webhooks[0].clientConfig.caBundle}',
  );
}

/** The names of all objects there are, but for what the API server itself renews. */
async function everything(): Promise<string[]> {
  const kinds = await kubectl('api-resources', '--verbs=list', '--output=name');
  const asked = kinds
    .trim()
    .split('\n')
    .filter((kind) => !/^(leases|componentstatuses)\b/.test(kind));
  return (await kubectl('get', asked.join(','), '--all-namespaces', '--output=name')).trim().split('\n').sort();
}

async function read<T = Manifest>(resource: string, where = namespace): Promise<T[]> {
  const list = await kubectl('get', resource, `--namespace=${where}`, '--output=json');
  return (JSON.parse(list) as { items: T[] }).items;
}

async function kubectl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

function train(): Parameters<Cluster['annotate']>[0] {
  return { apiVersion: 'batch/v1', kind: 'Job', namespace: 'research', name: 'train', uid: null, resource: 'jobs' };
}
