import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { Logger } from '@nestjs/common';
import { join } from 'node:path';
import { assessmentWith } from '../../../test/fixtures/assessments.js';
import { jobManifest } from '../../../test/fixtures/jobs.js';
import { AssessorBusy } from '../../advisor/assessor.js';
import type { Assessor } from '../../advisor/assessor.js';
import type { Assessment } from '../../fit/assessment.js';
import { Metrics } from '../../telemetry/metrics.js';
import { Readiness } from '../../telemetry/readiness.js';
import type { JsonObject } from '../../workload/workload.js';
import { AdmissionMetrics } from '../admission-metrics.js';
import { NamespaceView } from '../namespace-view.js';
import { Reviewer } from '../reviewer.js';
import { createAuthority, issueClientCertificate, issueServerCertificate } from '../tls/authority.js';
import type { ServingCertificate } from '../tls/certificate-source.js';
import { selfMadeCertificates } from '../tls/self-made-certificates.js';
import { AdmissionServer } from './admission-server.js';
import { WebhookEndpoint } from './webhook-endpoint.js';

const settings = {
  webhookHost: '127.0.0.1',
  webhookPort: 0,
  admissionBudgetMs: 100,
  drainMs: 0,
  webhookClientCaFile: null as string | null,
  webhookClientName: null as string | null,
};

/** Gives what the test wants to see the webhook deal with; the real one has tests of its own. */
const giving = (find: () => Promise<Assessment | null>, early = find): Assessor => ({
  epoch: '',
  recall: () => undefined,
  assess: find,
  begin: () => ({ verdict: early(), whole: find() }),
});
const knowing = (assessment: Assessment): Assessor => ({
  ...giving(() => Promise.reject(new Error('not needed'))),
  recall: () => assessment,
});

let folder: string;
let agent: Agent;
let server: AdmissionServer;
let namespaces: NamespaceView;
let metrics: Metrics;
let taken: Assessment[];
let exchange: (certificate: ServingCertificate) => void;

beforeEach(async () => {
  Logger.overrideLogger(false); // what goes wrong on purpose is logged too
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-webhook-'));
  taken = [];
});
afterEach(async () => {
  agent.destroy();
  await server.beforeApplicationShutdown();
  await rm(folder, { recursive: true });
});

async function serve(assessor: Assessor, change: Partial<typeof settings> = {}): Promise<void> {
  const used = { ...settings, ...change };
  metrics = new Metrics();
  namespaces = new NamespaceView({ defaultMode: 'advise', reject: ['will-not-fit'] });
  const admissionMetrics = new AdmissionMetrics(metrics);
  const sink = { take: (assessment: Assessment) => taken.push(assessment) };
  const reviewer = new Reviewer(assessor, sink, namespaces, admissionMetrics);
  const readiness = new Readiness();
  const source = selfMadeCertificates({ folder, names: ['localhost', '127.0.0.1'], nowMs: Date.now });
  const certificates = {
    load: () => source.load(),
    watch: (changed: (certificate: ServingCertificate) => void) => {
      exchange = changed;
      return () => undefined;
    },
  };
  const endpoint = new WebhookEndpoint(used, reviewer, admissionMetrics, readiness);
  server = new AdmissionServer(used, certificates, endpoint, readiness);
  await server.onApplicationBootstrap();
  agent = new Agent({ ca: server.authorityPem, keepAlive: true });
}

interface Sent {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

interface Received {
  status: number;
  body: string;
}

async function send({ path = '/mutate', method = 'POST', headers, body = '' }: Sent): Promise<Received> {
  const request = httpsRequest({
    host: '127.0.0.1',
    port: server.port!,
    path,
    method,
    agent,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
  });
  request.on('error', () => undefined); // a server that refuses a body closes while it is still being sent
  request.end(body);
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode!, body: text };
}

interface ReviewResponse {
  uid: string;
  allowed: boolean;
  warnings?: string[];
  patch?: string;
  patchType?: string;
  status?: { message: string };
  auditAnnotations?: Record<string, string>;
}

async function review(path: string, request: object = {}): Promise<ReviewResponse> {
  const full = { uid: 'u-1', operation: 'CREATE', namespace: 'team-a', object: jobManifest(), ...request };
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: full });
  const answer = await send({ path, body });
  expect(answer.status).toBe(200);
  return (JSON.parse(answer.body) as { response: ReviewResponse }).response;
}

/** Writes without a look at what comes back, as fast as it goes. */
async function sentAtOnce(bytes: Buffer): Promise<{ answer: string; error: Error | null; sentBytes: number }> {
  const socket = connect({ host: '127.0.0.1', port: server.port!, servername: 'localhost', ca: server.authorityPem });
  let [answer, error] = ['', null as Error | null];
  let sentBytes = 0;
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString())).on('error', (each: Error) => (error = each));
  const closed = once(socket, 'close');
  for (let at = 0; at < bytes.length && !socket.destroyed; at += 1_000_000) {
    const part = bytes.subarray(at, at + 1_000_000);
    const isMore = socket.write(part, (failure) => (sentBytes += failure ? 0 : part.length));
    if (!isMore) await Promise.race([once(socket, 'drain'), closed]).catch(() => undefined);
  }
  await closed.catch(() => undefined);
  return { answer, error, sentBytes };
}

const patchOf = ({ patch }: ReviewResponse): { path: string; value: unknown }[] =>
  patch === undefined ? [] : (JSON.parse(Buffer.from(patch, 'base64').toString()) as never);

const overridden = (reason: string): JsonObject => jobManifest({ annotations: { 'plimsoll.dev/override': reason } });

describe('the mutating webhook', () => {
  it('annotates and warns, and has the assessment taken note of', async () => {
    await serve(knowing(assessmentWith('tight')));
    const response = await review('/mutate?timeout=5s');
    expect(response).toMatchObject({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' });
    expect(response.warnings?.[0]).toBe('plimsoll: tight: needs 45.5 GiB, NVIDIA A100-SXM4-40GB gives 39.5 GiB');
    expect(patchOf(response)).toEqual([
      { op: 'add', path: '/metadata/annotations', value: expect.objectContaining({ 'plimsoll.dev/verdict': 'tight' }) },
    ]);
    expect(response.auditAnnotations).toEqual({ verdict: 'tight', assessment: 'a1b2c3' });
    expect(taken).toHaveLength(1);
  });

  it('never denies, in no mode', async () => {
    await serve(knowing(assessmentWith('will-not-fit')));
    namespaces.setNamespace('team-a', { 'plimsoll.dev/mode': 'enforce' });
    expect((await review('/mutate')).allowed).toBe(true);
  });

  it('stores nothing of a dry run', async () => {
    await serve(knowing(assessmentWith('tight')));
    expect(patchOf(await review('/mutate', { dryRun: true }))).toHaveLength(1);
    expect(taken).toEqual([]);
  });

  it('leaves a namespace alone whose mode is off', async () => {
    await serve(knowing(assessmentWith('will-not-fit')));
    namespaces.setNamespace('team-a', { 'plimsoll.dev/mode': 'off' });
    expect(await review('/mutate')).toEqual({ uid: 'u-1', allowed: true });
  });

  it('admits with the verdict unknown what is not assessed in time', async () => {
    await serve(giving(() => new Promise(() => undefined)));
    const response = await review('/mutate');
    expect(response.warnings?.[0]).toContain('not assessed in time');
    expect(patchOf(response)[0]?.value).toEqual({ 'plimsoll.dev/verdict': 'unknown' });
  });

  it('gives a verdict that stands in time without the advice that does not', async () => {
    const verdict = assessmentWith('will-not-fit', { advice: [] });
    await serve(
      giving(
        () => new Promise(() => undefined),
        () => Promise.resolve(verdict),
      ),
    );
    expect((await review('/mutate')).warnings).toEqual([
      expect.stringContaining('plimsoll: will-not-fit: needs 45.5 GiB'),
    ]);
  });

  it('keeps to the time that the API server itself gives', async () => {
    await serve(giving(() => new Promise(() => undefined)));
    const start = Date.now();
    await review('/mutate?timeout=0s');
    expect(Date.now() - start).toBeLessThan(100);
  });

  it('admits with a warning when too many wait', async () => {
    await serve(giving(() => Promise.reject(new AssessorBusy(64))));
    expect((await review('/mutate')).warnings?.[0]).toContain('too many workloads wait');
  });

  it('admits with a warning and counts it when assessing fails', async () => {
    await serve(giving(() => Promise.reject(new Error('broken'))));
    expect((await review('/mutate')).warnings).toEqual([
      'plimsoll: not assessed: an internal error, logged with review u-1',
    ]);
    expect(await metrics.registry.metrics()).toContain(
      'plimsoll_admission_reviews_total{webhook="mutate",outcome="failed",verdict=""} 1',
    );
  });

  it('admits what it cannot read, naming the field', async () => {
    await serve(giving(() => Promise.resolve(null)));
    const { warnings, allowed } = await review('/mutate', { object: { ...jobManifest(), spec: 'none' } });
    expect(allowed).toBe(true);
    expect(warnings?.[0]).toContain('plimsoll: not assessed: spec: expected');
  });
});

describe('the validating webhook', () => {
  it('denies what will not fit in a namespace that enforces', async () => {
    await serve(knowing(assessmentWith('will-not-fit')));
    namespaces.setNamespace('team-a', { 'plimsoll.dev/mode': 'enforce' });
    const response = await review('/validate');
    expect(response).toMatchObject({ uid: 'u-1', allowed: false });
    expect(response.status?.message).toContain('Smallest change: --per_device_train_batch_size 2 (was 8).');
    expect(response).not.toHaveProperty('patch');
  });

  it('lets it through for a reason given by annotation, and records the reason', async () => {
    await serve(knowing(assessmentWith('will-not-fit')));
    namespaces.setNamespace('team-a', { 'plimsoll.dev/mode': 'enforce' });
    const response = await review('/validate', { object: overridden('measured: 38 GiB') });
    expect(response).toMatchObject({ allowed: true, auditAnnotations: { override: 'measured: 38 GiB' } });
    expect((await review('/validate', { object: overridden(' ') })).allowed).toBe(false);
  });

  it.each(['unknown', 'tight', 'fits-some', 'fits'] as const)('never denies %s', async (verdict) => {
    await serve(knowing(assessmentWith(verdict)));
    namespaces.setNamespace('team-a', { 'plimsoll.dev/mode': 'enforce' });
    expect((await review('/validate')).allowed).toBe(true);
  });

  it('denies in no namespace that does not ask for it', async () => {
    await serve(knowing(assessmentWith('unschedulable')));
    expect((await review('/validate')).allowed).toBe(true);
  });

  it('does not stop a controller that lets a suspended workload go', async () => {
    await serve(knowing(assessmentWith('will-not-fit')));
    namespaces.setNamespace('team-a', { 'plimsoll.dev/mode': 'enforce' });
    const object = jobManifest();
    const oldObject = { ...object, spec: { ...(object['spec'] as JsonObject), suspend: true } };
    expect((await review('/validate', { operation: 'UPDATE', object, oldObject })).allowed).toBe(true);
  });

  it('admits when it finds nothing out', async () => {
    await serve(giving(() => Promise.reject(new Error('broken'))));
    namespaces.setNamespace('team-a', { 'plimsoll.dev/mode': 'enforce' });
    expect(await review('/validate')).toEqual({ uid: 'u-1', allowed: true });
  });
});

describe('the server', () => {
  it.each([
    [404, { path: '/', body: '{}' }],
    [405, { method: 'GET' }],
    [415, { headers: { 'content-type': 'text/plain' }, body: '{}' }],
    [413, { body: Buffer.alloc(5 * 1024 * 1024 + 1, ' ') }],
    [400, { body: '{"kind":"Pod"}' }],
    [400, { body: '['.repeat(100_000) }],
  ])('answers %i to what is no review', async (status, sent: Sent) => {
    await serve(knowing(assessmentWith('fits')));
    expect((await send(sent)).status).toBe(status);
  });

  const headOf = (framing: string) =>
    `POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
  const announced = Buffer.concat([Buffer.from(headOf('Content-Length: 6000000')), Buffer.alloc(6_000_000, ' ')]);
  const piece = Buffer.concat([Buffer.from('186A0\r\n'), Buffer.alloc(100_000, ' '), Buffer.from('\r\n')]);
  const inPieces = (count: number, end = '0\r\n\r\n') => [
    Buffer.from(headOf('Transfer-Encoding: chunked')),
    ...Array.from({ length: count }, () => piece),
    Buffer.from(end),
  ];

  it.each([
    ['announced', announced],
    ['in pieces', Buffer.concat(inPieces(60))],
  ])('tells who sends 6 MB at full speed that it is too much, %s', async (_, bytes) => {
    await serve(knowing(assessmentWith('fits')));
    for (let times = 0; times < 5; times++) {
      const { answer, error } = await sentAtOnce(bytes);
      expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*larger than 5242880 bytes\n$/);
      expect(error).toBeNull();
    }
  });

  it('reads a body without end for a while only', async () => {
    await serve(knowing(assessmentWith('fits')));
    const { answer, sentBytes } = await sentAtOnce(Buffer.concat(inPieces(1000, '')));
    expect(answer).toContain(' 413 ');
    expect(sentBytes).toBeLessThan(90_000_000);
  }, 20_000);

  it('takes a body of just under 5 MB', async () => {
    await serve(knowing(assessmentWith('fits')));
    const metadata = { annotations: { padding: 'x'.repeat(5 * 1024 * 1024 - 2000) } };
    expect((await review('/mutate', { object: jobManifest(metadata) })).allowed).toBe(true);
  });

  it('reads a name that is given twice as the API server does, the last one', async () => {
    await serve(knowing(assessmentWith('fits')));
    const body =
      '{"apiVersion":"v1","apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",' +
      `"request":{"uid":"a","uid":"b","operation":"CREATE","object":${JSON.stringify(jobManifest())}}}`;
    const { response } = JSON.parse((await send({ body })).body) as { response: ReviewResponse };
    expect(response).toMatchObject({ uid: 'b', allowed: true });
  });

  it('takes reviews only of who shows the client certificate that is asked for, where one is', async () => {
    const lifetime = { fromMs: Date.now(), days: 1 };
    const [authority, stranger] = [await createAuthority(lifetime), await createAuthority(lifetime)];
    const webhookClientCaFile = join(folder, 'client-ca.crt');
    await writeFile(webhookClientCaFile, authority.certificatePem);
    const asking = async (signer: typeof authority, name?: string): Promise<number> => {
      await serve(knowing(assessmentWith('fits')), { webhookClientCaFile, webhookClientName: name ?? null });
      const { certificatePem: cert, privateKeyPem: key } = await issueClientCertificate(signer, 'apiserver', lifetime);
      agent.destroy();
      agent = new Agent({ ca: server.authorityPem, cert, key });
      const { status } = await send({ body: '{}' });
      await server.beforeApplicationShutdown();
      return status;
    };
    // 400: it was read, and found to be no review.
    expect(await asking(authority)).toBe(400);
    expect(await asking(authority, 'apiserver')).toBe(400);
    expect(await asking(authority, 'somebody-else')).toBe(403);
    expect(await asking(stranger)).toBe(403);
    await serve(knowing(assessmentWith('fits')), { webhookClientCaFile });
    expect((await send({ body: '{}' })).status).toBe(403);
    expect((await send({ path: '/healthz', method: 'GET' })).status).toBe(200);
  });

  it('answers on while many connections send nothing, or slowly', async () => {
    await serve(knowing(assessmentWith('fits')));
    const idle = Array.from({ length: 200 }, (_, index) => {
      const socket = connect({
        host: '127.0.0.1',
        port: server.port!,
        servername: 'localhost',
        ca: server.authorityPem,
      });
      socket.on('error', () => undefined);
      if (index % 2 === 0) socket.write('POST /mutate HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9');
      return once(socket, 'secureConnect').then(() => socket);
    });
    const sockets = await Promise.all(idle);
    const startMs = performance.now();
    expect((await review('/mutate')).allowed).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    for (const socket of sockets) socket.destroy();
  }, 30_000);

  it('lets no sender take longer than the API server waits', async () => {
    await serve(knowing(assessmentWith('fits')));
    expect(server.limits).toMatchObject({ headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 120_000 });
  });

  it('loses no review while its certificate is exchanged again and again', async () => {
    await serve(knowing(assessmentWith('fits')));
    const lifetime = { fromMs: Date.now(), days: 1 };
    const authority = await createAuthority(lifetime);
    agent.destroy();
    agent = new Agent({ ca: [server.authorityPem, authority.certificatePem], keepAlive: false });
    let isOver = false;
    const asking = Array.from({ length: 4 }, async () => {
      let answers = 0;
      for (; !isOver; answers++) expect((await review('/mutate')).allowed).toBe(true);
      return answers;
    });
    for (let turn = 0; turn < 5; turn++) {
      const next = await issueServerCertificate(authority, ['localhost', '127.0.0.1'], lifetime);
      exchange({ ...next, authorityPem: authority.certificatePem });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    isOver = true;
    for (const answers of await Promise.all(asking)) expect(answers).toBeGreaterThan(0);
  }, 30_000);

  it('loses no review when it is replaced by another one, as in a rolling update', async () => {
    await serve(knowing(assessmentWith('fits')), { drainMs: 2_000 });
    const [first, firstAgent] = [server, agent];
    await serve(knowing(assessmentWith('fits')));
    const second = server;
    let current = first;
    let isOver = false;
    // A load balancer sends to the first until it has noticed that it is not ready any more.
    const asking = Array.from({ length: 8 }, async () => {
      let answers = 0;
      for (; !isOver; answers++) {
        server = current;
        agent = current === first ? firstAgent : agent;
        expect((await review('/mutate')).allowed).toBe(true);
      }
      return answers;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const ended = first.beforeApplicationShutdown();
    await new Promise((resolve) => setTimeout(resolve, 150));
    current = second;
    await ended;
    isOver = true;
    const answers = await Promise.all(asking);
    expect(Math.min(...answers)).toBeGreaterThan(0);
    firstAgent.destroy();
    server = second;
  }, 30_000);

  it('counts without a word of what people write', async () => {
    await serve(knowing(assessmentWith('tight')));
    const count = async () => (await metrics.registry.metrics()).match(/^plimsoll_admission/gm)?.length;
    await review('/mutate');
    await review('/validate');
    const before = await count();
    for (let index = 0; index < 20; index++) {
      const object = jobManifest({ name: `secret-name-${index}`, labels: { [`l${index}`]: 'secret-label' } });
      await review('/mutate', { object, namespace: `secret-namespace-${index}`, uid: `secret-uid-${index}` });
    }
    expect(await count()).toBe(before);
    expect(await metrics.registry.metrics()).not.toContain('secret');
  });

  it('says that it is well', async () => {
    await serve(knowing(assessmentWith('fits')));
    expect(await send({ path: '/healthz', method: 'GET' })).toEqual({ status: 200, body: 'ok\n' });
  });

  it('shows a new certificate without a restart', async () => {
    await serve(knowing(assessmentWith('fits')));
    const lifetime = { fromMs: Date.now(), days: 1 };
    const authority = await createAuthority(lifetime);
    const next = await issueServerCertificate(authority, ['localhost'], lifetime);
    exchange({ ...next, authorityPem: authority.certificatePem });
    const socket = connect({
      host: '127.0.0.1',
      port: server.port!,
      servername: 'localhost',
      ca: authority.certificatePem,
    });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.destroy();
  });

  it('finishes what is under way before it ends', async () => {
    let answer: (assessment: Assessment) => void = () => undefined;
    let started = Promise.resolve();
    const asked = new Promise<void>((resolve) => {
      started = serve(
        giving(() => {
          resolve();
          return new Promise((give) => (answer = give));
        }),
      );
    });
    await started;
    const response = review('/mutate?timeout=5s');
    await asked;
    const ended = server.beforeApplicationShutdown();
    answer(assessmentWith('fits'));
    expect((await response).allowed).toBe(true);
    await ended;
  });

  it('says in plain words that its port is taken', async () => {
    await serve(knowing(assessmentWith('fits')));
    const first = server;
    const taken = { ...settings, webhookPort: first.port! };
    const second = new AdmissionServer(taken, first['certificates'], first['endpoint'], new Readiness());
    await expect(second.onApplicationBootstrap()).rejects.toThrow(
      `the webhook cannot start: port ${first.port} is taken by another program. Stop that one, or set WEBHOOK_PORT`,
    );
  });
});
