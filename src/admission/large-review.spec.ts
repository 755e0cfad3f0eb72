import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { node, snapshot } from '../../test/builders/cluster.js';
import { installedGrammars, job } from '../../test/builders/launch.js';
import type { Advisor } from '../advisor/advisor.js';
import { createAdvisor } from '../advisor/advisor.js';
import type { Assessor } from '../advisor/assessor.js';
import { loadFacts } from '../advisor/facts.js';
import { Metrics } from '../telemetry/metrics.js';
import { Readiness } from '../telemetry/readiness.js';
import type { JsonObject } from '../workload/workload.js';
import { AdmissionMetrics } from './admission-metrics.js';
import { AdmissionServer } from './https/admission-server.js';
import { WebhookEndpoint } from './https/webhook-endpoint.js';
import { NamespaceView } from './namespace-view.js';
import { Reviewer } from './reviewer.js';
import { selfMadeCertificates } from './tls/self-made-certificates.js';

/** What a review may wait for an estimate, and what reading and answering may take beside it on a busy machine. */
const BUDGET_MS = 2_500;
const BESIDE_MS = 5_000;
const LIMIT_BYTES = 5 * 1024 * 1024;

const settings = {
  webhookHost: '127.0.0.1',
  webhookPort: 0,
  admissionBudgetMs: BUDGET_MS,
  drainMs: 0,
  webhookClientCaFile: null,
  webhookClientName: null,
};
const inventory = snapshot(node('n1', [{ gib: 79, count: 8 }]));

let folder: string;
let agent: Agent;
let server: AdmissionServer;

/** Assesses on the thread that asks, so that nothing of the time is hidden. */
function assessorOf(advisor: Advisor): Assessor {
  const whole: Assessor['assess'] = ({ manifest }) =>
    new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          resolve(advisor.assess({ manifest, files: { configMap: () => undefined }, inventory, nowMs: 0 }));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  return {
    epoch: '',
    recall: () => undefined,
    assess: whole,
    begin: (question) => {
      const made = whole(question);
      return { verdict: made, whole: made };
    },
  };
}

beforeAll(async () => {
  Logger.overrideLogger(false);
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-large-'));
  const advisor = createAdvisor({ facts: loadFacts(), grammars: await installedGrammars() });
  const metrics = new AdmissionMetrics(new Metrics());
  const namespaces = new NamespaceView({ defaultMode: 'advise', reject: ['will-not-fit'] });
  const reviewer = new Reviewer(assessorOf(advisor), { take: () => undefined }, namespaces, metrics);
  const readiness = new Readiness();
  const source = selfMadeCertificates({ folder, names: ['127.0.0.1'], nowMs: Date.now });
  const certificates = { load: () => source.load(), watch: () => () => undefined };
  server = new AdmissionServer(
    settings,
    certificates,
    new WebhookEndpoint(settings, reviewer, metrics, readiness),
    readiness,
  );
  await server.onApplicationBootstrap();
  agent = new Agent({ ca: server.authorityPem, keepAlive: true });
});
afterAll(async () => {
  agent.destroy();
  await server.beforeApplicationShutdown();
  await rm(folder, { recursive: true });
});

function post(body: string): Promise<{ status: number; body: string }> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port!, path: '/mutate', method: 'POST', agent, headers };
    const sent = httpsRequest(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A review as large as the body may be: `part` as often as there is room. */
function filled(make: (times: number) => JsonObject, partBytes: number): string {
  const times = Math.floor((LIMIT_BYTES - 20_000) / partBytes);
  const request = { uid: 'u', operation: 'CREATE', namespace: 'team-a', object: make(times) };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

const training = ['python', 'run_clm.py', '--model_name_or_path', 'gpt2', '--per_device_train_batch_size', '2'];
const LINE = 'X=$((X+1)); if [ "$X" -gt 3 ]; then python run_clm.py --model_name_or_path gpt2; fi\n';
const STATEMENT = 'model = AutoModel.from_pretrained("gpt2")\n';

const LARGE: readonly (readonly [string, string])[] = [
  ['one shell script', filled((n) => job({ command: ['bash', '-c', LINE.repeat(n)] }), JSON.stringify(LINE).length)],
  ['one Python source', filled((n) => job({ command: ['python', '-c', STATEMENT.repeat(n)] }), STATEMENT.length + 8)],
  [
    'arguments',
    filled((n) => job({ command: [...training, ...Array.from({ length: n }, (_, i) => `--a${i}=1`)] }), 14),
  ],
  ['an environment', filled((n) => job({ command: training, env: environment(n) }), 44)],
  ['a declaration', filled((n) => declared('a: [b]\n'.repeat(n)), 9)],
  ['a declaration of aliases', filled((n) => declared(`a: &a [1]\nb: [${'*a,'.repeat(n)}]`), 3)],
  ['nested shells', filled((n) => job({ command: ['bash', '-c', 'bash -c "'.repeat(n)] }), 12)],
];

function environment(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`V${i}`, `$(V${(i + 1) % count})`]));
}

function declared(yaml: string): JsonObject {
  return job({ command: training, annotations: { 'plimsoll.dev/run': yaml } });
}

describe('a review of 5 MB', () => {
  it.each(LARGE)(
    'of %s is read or refused within its budget',
    async (_, body) => {
      expect(Buffer.byteLength(body)).toBeGreaterThan(LIMIT_BYTES * 0.6);
      const startMs = performance.now();
      const answer = await post(body);
      expect(performance.now() - startMs).toBeLessThan(BUDGET_MS + BESIDE_MS);
      expect(answer.status).toBe(200);
      expect((JSON.parse(answer.body) as { response: { allowed: boolean } }).response.allowed).toBe(true);
    },
    30_000,
  );

  it('and one byte more is turned away unread', async () => {
    expect((await post(' '.repeat(LIMIT_BYTES + 1)).catch(() => ({ status: 413 }))).status).toBe(413);
  });
});
