import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { startTcpProxy } from '../builders/tcp-proxy.js';
import type { TcpProxy } from '../builders/tcp-proxy.js';
import { waitFor } from '../cluster/wait-for.js';
import { freePort, startService } from '../e2e/service.js';
import type { Service } from '../e2e/service.js';
import { trainingJob } from '../e2e/training-jobs.js';

/** So small that a small model's estimate fits in and that of a very large one does not. */
const WORKER_MEMORY_MIB = '32';
const CONNECTIONS = 10_000;

let folder: string;
let postgres: EmbeddedPostgres;
let proxy: TcpProxy;
let service: Service;
let webhookPort: number;
let ca: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-faults-'));
  postgres = await startEmbeddedPostgres({ dataFolder: folder });
  proxy = await startTcpProxy(postgres.port);
  webhookPort = await freePort();
  service = await startService({
    DATABASE_URL: postgres.url.replace(`:${postgres.port}/`, `:${proxy.port}/`),
    WEBHOOK_PORT: String(webhookPort),
    PLIMSOLL_WEBHOOK_URL: '',
    PLIMSOLL_DATA_DIR: folder,
    PLIMSOLL_EXAMPLE_CLUSTER: 'examples/cluster',
    PLIMSOLL_WORKER_MEMORY_MIB: WORKER_MEMORY_MIB,
    PLIMSOLL_ADMISSION_BUDGET_MS: '25000',
    PLIMSOLL_DRAIN_MS: '0',
  });
  ca = await readFile(join(folder, 'tls', 'ca.crt'), 'utf8');
}, 120_000);

afterAll(async () => {
  await service?.stop();
  await proxy?.close();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

interface Answer {
  status: number;
  text: string;
}

interface Review {
  response: { uid: string; allowed: boolean; warnings?: string[] };
}

/** Sends a body, or no more than its beginning where its announced length is that of a larger one. */
async function send(body: string, announcedBytes = Buffer.byteLength(body)): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'content-length': announcedBytes };
  const target = { host: '127.0.0.1', port: webhookPort, path: '/mutate?timeout=25s', method: 'POST' };
  const request = httpsRequest({ ...target, ca, servername: 'localhost', headers, agent: false });
  request.write(body);
  if (announcedBytes === Buffer.byteLength(body)) request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  request.on('error', () => undefined).destroy();
  return { status: response.statusCode!, text };
}

let reviews = 0;
const reviewOf = (object: unknown): string => {
  reviews += 1;
  const request = { uid: `u-${reviews}`, operation: 'CREATE', namespace: 'research', object };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
};

const job = (model: string): object => trainingJob({ name: 'train', namespace: 'research', model });

async function warnings(object: unknown): Promise<string> {
  const { status, text } = await send(reviewOf(object));
  expect(status).toBe(200);
  const { response } = JSON.parse(text) as Review;
  expect(response.allowed).toBe(true);
  return (response.warnings ?? []).join('\n');
}

async function metric(start: string): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(start));
  return lines.map((line) => Number(line.split(' ').at(-1))).reduce((sum, value) => sum + value, 0);
}

describe('the webhook of a running service', () => {
  it('answers in words what is no review, and what is none that can be read', async () => {
    const deep = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":${'['.repeat(300)}`;
    expect(await send('{"kind":')).toEqual({ status: 400, text: expect.stringContaining('not JSON') });
    expect(await send(deep)).toEqual({ status: 400, text: expect.stringContaining('nested deeper') });
    expect(await send('{', 6 * 2 ** 20)).toEqual({
      status: 413,
      text: expect.stringContaining('larger'),
    });
    expect(await warnings({ apiVersion: 'batch/v1', kind: 'Job', metadata: {}, spec: 'none' })).toContain(
      'spec: expected',
    );
    expect((await service.get('/readyz')).status).toBe(200);
  }, 60_000);

  it('answers on without its database, says so, and has everything written once it is back', async () => {
    proxy.refusing = true;
    proxy.cut();
    const before = await metric('plimsoll_store_assessments_total{outcome="written"}');
    expect(await warnings(job('distilgpt2'))).toMatch(/plimsoll: fits/);
    await waitFor(async () => (await metric('plimsoll_store_up')) === 0, { timeoutMs: 30_000, what: 'it is told' });
    const ready = await service.get<{ details: Record<string, { status: string }> }>('/readyz');
    expect(ready.status).toBe(200);
    expect(JSON.stringify(ready.body)).toContain('answers come from memory');
    const list = await fetch(`${service.url}/v1/assessments`);
    expect(list.status).toBe(503);
    expect(list.headers.get('content-type')).toContain('application/problem+json');
    expect(await metric('plimsoll_store_assessments_waiting')).toBeGreaterThan(0);
    proxy.refusing = false;
    await waitFor(async () => (await metric('plimsoll_store_assessments_waiting')) === 0, {
      timeoutMs: 60_000,
      what: 'what waited is written',
    });
    expect(await metric('plimsoll_store_assessments_total{outcome="written"}')).toBeGreaterThan(before);
    expect(await metric('plimsoll_store_assessments_total{outcome="dropped"}')).toBe(0);
  }, 120_000);
});

/** A process of its own that opens so many connections and then says nothing. */
async function crowd(count: number): Promise<ChildProcess> {
  const program = `
    const { connect } = require('node:net');
    let open = 0;
    const next = () => {
      const socket = connect(${webhookPort}, '127.0.0.1', () => (++open === ${count} ? process.send(open) : open <= ${count} - 100 && next()));
      socket.on('error', (error) => process.send(error.message));
    };
    for (let i = 0; i < 100; i++) next();`;
  const limited = ['-c', `ulimit -n ${count + 500} && exec "$0" -e "$1"`, process.execPath, program];
  const child = spawn('sh', limited, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [said] = (await once(child, 'message')) as [unknown];
  expect(said).toBe(count);
  return child;
}

describe('with 10,000 connections that say nothing', () => {
  it('reviews are answered, in time and with their verdict, and the memory of the connections is given back', async () => {
    const others = await crowd(CONNECTIONS);
    try {
      const startMs = performance.now();
      expect(await warnings(job('gpt2'))).toMatch(/plimsoll: fits/);
      expect(performance.now() - startMs).toBeLessThan(5_000);
      expect((await service.get('/readyz')).status).toBe(200);
    } finally {
      others.kill('SIGKILL');
    }
    const socket = connect({ host: '127.0.0.1', port: webhookPort, ca, servername: 'localhost' });
    await once(socket, 'secureConnect');
    socket.destroy();
    await waitFor(async () => (await metric('process_open_fds')) < 1_000, {
      timeoutMs: 30_000,
      what: 'they are closed',
    });
  }, 180_000);
});

const FAILED = 'plimsoll_admission_reviews_total{webhook="mutate",outcome="failed"';

describe('a workload whose estimate takes more memory than a worker has', () => {
  it('is admitted with a warning, and the next one gets its verdict as ever', async () => {
    expect(await warnings(job('gpt2'))).toMatch(/plimsoll: fits/);
    const failedBefore = await metric(FAILED);
    expect(await warnings(job('meta-llama/Llama-3.1-405B'))).toContain('plimsoll: not assessed: an internal error');
    await waitFor(() => Promise.resolve(/reaching memory limit|took longer than/.test(service.output())), {
      timeoutMs: 10_000,
      what: 'the log says why',
    });
    expect(await metric(FAILED)).toBe(failedBefore + 1);
    expect(await warnings(trainingJob({ name: 'next', namespace: 'research', batchSize: 5 }))).toMatch(
      /plimsoll: fits/,
    );
    expect((await service.get('/readyz')).status).toBe(200);
  }, 120_000);
});
