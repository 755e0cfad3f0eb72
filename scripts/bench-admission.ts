/**
 * Times the webhook over TLS against a bare HTTPS server that answers with a fixed body, in turn in the same process.
 * Reviews are of workloads whose answer is remembered; the first review of one costs an assessment, see `npm run bench`.
 *   npm run bench:admission
 */
import 'reflect-metadata';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { AdmissionMetrics } from '../src/admission/admission-metrics.js';
import { WebhookEndpoint } from '../src/admission/https/webhook-endpoint.js';
import { NamespaceView } from '../src/admission/namespace-view.js';
import { Reviewer } from '../src/admission/reviewer.js';
import type { ServingCertificate } from '../src/admission/tls/certificate-source.js';
import { selfMadeCertificates } from '../src/admission/tls/self-made-certificates.js';
import { createAdvisor } from '../src/advisor/advisor.js';
import type { Assessor, Question } from '../src/advisor/assessor.js';
import { loadFacts } from '../src/advisor/facts.js';
import { loadGrammars } from '../src/advisor/load-grammars.js';
import type { InventorySnapshot } from '../src/inventory/inventory.js';
import { Metrics } from '../src/telemetry/metrics.js';
import { Readiness } from '../src/telemetry/readiness.js';
import type { JsonObject } from '../src/workload/workload.js';
import { snapshotOf } from './bench/generated-cluster.js';
import { jobOf } from './bench/trainings.js';

const NODES = 100;
const WORKLOADS = 20;
const CONNECTIONS = 4;
const SECONDS = 3;
const ROUNDS = 3;
const COMMAND = 'python run_clm.py --model_name_or_path gpt2 --block_size 1024 --do_train --output_dir /out';

/** Assesses in the thread that asks, by the same advisor as the service's workers; answers are remembered by it. */
async function assessorOver(inventory: InventorySnapshot): Promise<Assessor> {
  const advisor = createAdvisor({ facts: loadFacts(), grammars: await loadGrammars() });
  const asked = ({ manifest, alongside }: Question): Parameters<typeof advisor.assess>[0] => ({
    manifest,
    files: { configMap: (name) => alongside.configMaps[name] },
    inventory,
    nowMs: 0,
  });
  const assess: Assessor['assess'] = (question) => Promise.resolve(advisor.assess(asked(question)));
  return {
    recall: (question) => advisor.recall(asked(question)),
    assess,
    begin: (question) => ({ verdict: assess(question), whole: assess(question) }),
  };
}

function webhook(assessor: Assessor): RequestListener {
  const metrics = new AdmissionMetrics(new Metrics());
  const namespaces = new NamespaceView({ defaultMode: 'advise', reject: ['will-not-fit'] });
  const reviewer = new Reviewer(assessor, { take: () => undefined }, namespaces, metrics);
  return new WebhookEndpoint({ admissionBudgetMs: 2000 }, reviewer, metrics, new Readiness()).handle;
}

/** Reads the body and answers with a fixed one of the size of the webhook's. */
const echo =
  (body: string): RequestListener =>
  (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      response.end(body);
    });
  };

function reviewOf(index: number): string {
  const object: JsonObject = { ...jobOf(COMMAND, 1), metadata: { name: `train-${index}`, namespace: 'research' } };
  const asked = { uid: `u-${index}`, operation: 'CREATE', namespace: 'research', object };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked });
}

const REVIEWS = Array.from({ length: WORKLOADS }, (_, index) => reviewOf(index));

interface Listening {
  url: string;
  certificate: ServingCertificate;
  close(): void;
}

async function listening(certificate: ServingCertificate, handler: RequestListener): Promise<Listening> {
  const { certificatePem: cert, privateKeyPem: key } = certificate;
  const server = createServer({ cert, key, minVersion: 'TLSv1.2' }, handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `https://localhost:${port}/mutate`, certificate, close: () => server.close().closeAllConnections() };
}

/** Sends reviews from a thread of its own, so that client and server do not wait for each other. */
function load(url: string, seconds: number): Promise<autocannon.Result> {
  const requests = REVIEWS.map((body) => ({ method: 'POST' as const, body }));
  const headers = { 'content-type': 'application/json' };
  return autocannon({ url, connections: CONNECTIONS, duration: seconds, workers: 1, headers, requests });
}

/** The answer to one review; every review is asked for, so that all are remembered. */
async function firstAnswer({ url, certificate }: Listening): Promise<string> {
  const answers = [];
  for (const review of REVIEWS) answers.push(await post(url, certificate.authorityPem, review));
  const [first = ''] = answers;
  if (!first.includes('"allowed":true') || !first.includes('"patch"')) throw new Error(`not assessed: ${first}`);
  return first;
}

async function post(url: string, ca: string, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const asked = request(url, { method: 'POST', ca, headers }).end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return Buffer.concat((await response.toArray()) as Buffer[]).toString();
}

function print(what: string, { latency, requests, non2xx, errors }: autocannon.Result): void {
  if (non2xx + errors > 0) throw new Error(`${what}: ${non2xx} refused, ${errors} failed`);
  console.log(`${what.padEnd(10)} p50 ${latency.p50} ms, p99 ${latency.p99} ms, ${requests.average} requests/s`);
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-bench-'));
  const certificate = await selfMadeCertificates({ folder, names: ['localhost'], nowMs: Date.now }).load();
  const ours = await listening(certificate, webhook(await assessorOver(snapshotOf(NODES))));
  const bare = await listening(certificate, echo(await firstAnswer(ours)));
  await load(ours.url, 1);
  for (let round = 1; round <= ROUNDS; round++) {
    const [echoed, reviewed] = [await load(bare.url, SECONDS), await load(ours.url, SECONDS)];
    print('bare echo', echoed);
    print('webhook', reviewed);
    const [p50, p99] = [reviewed.latency.p50 - echoed.latency.p50, reviewed.latency.p99 - echoed.latency.p99];
    const ratio = (echoed.requests.average / reviewed.requests.average).toFixed(1);
    console.log(`${''.padEnd(10)} added p50 ${p50} ms, p99 ${p99} ms; ${ratio} x the work of an echo`);
  }
  ours.close();
  bare.close();
  await rm(folder, { recursive: true });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
