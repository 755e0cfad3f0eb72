import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadFacts } from '../../src/advisor/facts.js';
import { prometheus } from '../../src/ingest/prometheus.js';
import type { PrometheusOptions } from '../../src/ingest/prometheus.js';
import type { Collected } from '../../src/ingest/sources.js';
import { startExporter, text } from './exporter.js';
import type { TestExporter } from './exporter.js';

jest.setTimeout(60_000);

const MIB = 2 ** 20;
const LIMITS = { timeoutMs: 2_000, maxBytes: 1_000_000 };

const collect = (options: Partial<PrometheusOptions> & { url: string }): Promise<Collected> =>
  prometheus({ matchers: '', tokenFile: null, limits: LIMITS, ...options }).collect({
    gpus: loadFacts().gpus,
    now: Date.now,
    signal: new AbortController().signal,
  });

const bodyOf = async (request: IncomingMessage): Promise<URLSearchParams> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
};

describe('a Prometheus server', () => {
  let server: TestExporter;
  let folder: string;
  beforeAll(async () => {
    server = await startExporter(text(''));
    folder = await mkdtemp(join(tmpdir(), 'plimsoll-test-prometheus-'));
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const series = (metric: string, value: string, labels: Record<string, string> = {}): object => ({
    metric: {
      __name__: metric,
      gpu: '0',
      UUID: 'GPU-1',
      modelName: 'NVIDIA L4',
      Hostname: 'n1',
      job: 'dcgm-exporter',
      instance: '10.0.0.7:9400',
      namespace: 'gpu-operator',
      pod: 'nvidia-dcgm-exporter-abcde',
      ...labels,
    },
    value: [1_795_000_000.123, value],
  });
  const answer = (result: unknown, rest: object = {}): void =>
    server.answer(text(JSON.stringify({ status: 'success', data: { resultType: 'vector', result }, ...rest })));
  const base = (): string => server.url.replace('/metrics', '/prometheus/');

  it('is asked once for all metrics, below its path, with matchers and token', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'sesame\n');
    const seen: unknown[] = [];
    server.answer((request, response) => {
      void bodyOf(request).then((form) => {
        seen.push(request.url, request.headers.authorization, form.get('query'));
        response.end('{}');
      });
    });
    await collect({ url: base(), matchers: 'cluster="a"', tokenFile });
    expect(seen.slice(0, 2)).toEqual(['/prometheus/api/v1/query', 'Bearer sesame']);
    expect(seen[2]).toMatch(/^\{__name__=~"DCGM_FI_DEV_FB_FREE\|.*gpu_total_vram.*",cluster="a"\}$/);
  });

  it('gives the devices of what it scraped, with the pods of the workloads', async () => {
    const pod = { exported_namespace: 'ml', exported_pod: 'job-1' };
    answer([
      series('DCGM_FI_DEV_FB_FREE', '20563', pod),
      series('DCGM_FI_DEV_FB_USED', '2000', pod),
      7,
      { metric: {} },
    ]);
    const { readings, results } = await collect({ url: base() });
    expect(results).toMatchObject([{ outcome: 'ok' }]);
    expect(readings).toMatchObject([
      { uuid: 'GPU-1', node: 'n1', capacityBytes: 22_563 * MIB, capacitySource: 'prometheus', pods: ['ml/job-1'] },
    ]);
  });

  it('does not mix what it kept of an exporter that was replaced', async () => {
    const old = { instance: '10.0.0.6:9400', pod: 'nvidia-dcgm-exporter-old' };
    answer([
      series('DCGM_FI_DEV_FB_FREE', '22563', old),
      series('DCGM_FI_DEV_FB_USED', '0', old),
      series('DCGM_FI_DEV_FB_FREE', '563'),
      series('DCGM_FI_DEV_FB_USED', '22000'),
    ]);
    const { readings } = await collect({ url: base() });
    expect(readings).toMatchObject([{ capacityBytes: 22_563 * MIB }]);
  });

  it.each([
    ['no JSON', 'garbage', 'unreadable', /JSON/],
    ['another JSON', '[1]', 'unreadable', /not the answer of a Prometheus/],
    ['an error', '{"status":"error","error":"query timed out"}', 'unreadable', /query timed out/],
    ['a matrix', '{"status":"success","data":{"resultType":"matrix","result":[]}}', 'unreadable', /no instant vector/],
    ['nothing', '{"status":"success","data":{"resultType":"vector","result":[]}}', 'empty', /no GPU memory metrics/],
    ['too much', `"${'x'.repeat(2_000_000)}"`, 'too-large', /larger than/],
  ])('that answers with %s is told apart', async (_, body, outcome, problem) => {
    server.answer(text(body));
    const { readings, results } = await collect({ url: base() });
    expect(readings).toEqual([]);
    expect(results).toMatchObject([{ outcome, problem: expect.stringMatching(problem) }]);
  });

  it('is told the tenant, and the password out of a file', async () => {
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, 'hunter2\n');
    let seen: IncomingMessage['headers'] = {};
    server.answer((request, response) => {
      seen = request.headers;
      response.end('{}');
    });
    await collect({ url: base().replace('http://', 'http://me@'), passwordFile, headers: { 'X-Scope-OrgID': 'gpu' } });
    const authorization = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
    expect(seen).toMatchObject({ authorization, 'x-scope-orgid': 'gpu' });
  });

  it.each([
    [
      'a store that is away, as Thanos does',
      { warnings: ['store 10.0.0.1:10901 is unavailable'] },
      /partial: store 10/,
    ],
    ['a node that is away, as VictoriaMetrics does', { isPartial: true }, /partial: isPartial/],
  ])('that answers in part because of %s is believed, and that is said', async (_, rest, problem) => {
    answer([series('DCGM_FI_DEV_FB_FREE', '20563'), series('DCGM_FI_DEV_FB_USED', '2000')], rest);
    const { readings, results } = await collect({ url: base() });
    expect(readings).toHaveLength(1);
    expect(results).toMatchObject([{ outcome: 'ok', problem: expect.stringMatching(problem) }]);
  });

  it('never shows its password', async () => {
    server.answer((_, response) => response.writeHead(401).end());
    const { results } = await collect({ url: base().replace('http://', 'http://me:hunter2@') });
    expect(results).toMatchObject([{ outcome: 'refused' }]);
    expect(JSON.stringify(results)).not.toContain('hunter2');
  });
});

const program = process.env['PLIMSOLL_PROMETHEUS'] ?? 'prometheus';
const hasPrometheus = spawnSync(program, ['--version']).status === 0;
if (!hasPrometheus) {
  console.warn('NOT RUN: a real Prometheus (no `prometheus` on the PATH; set PLIMSOLL_PROMETHEUS to its program)');
}

(hasPrometheus ? describe : describe.skip)('a real Prometheus that scrapes the example cluster', () => {
  const exporters: TestExporter[] = [];
  let folder: string;
  let child: ChildProcess;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plimsoll-test-prometheus-'));
    for (const name of ['gpu-h100-1', 'gpu-a100-40-1', 'gpu-l4-2']) {
      exporters.push(await startExporter(text(await readFile(`examples/cluster/${name}.prom`, 'utf8'))));
    }
    const targets = exporters.map((exporter) => new URL(exporter.url).host);
    const job = { job_name: 'dcgm', scrape_interval: '1s', static_configs: [{ targets }] };
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify({ scrape_configs: [job] }));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const files = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
    child = spawn(program, [...files, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
  });
  afterAll(async () => {
    child.kill();
    await new Promise((done) => child.once('exit', done));
    await Promise.all(exporters.map((exporter) => exporter.close()));
    await rm(folder, { recursive: true, force: true });
  });

  const freePort = (): Promise<number> =>
    new Promise((done) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const { port } = probe.address() as AddressInfo;
        probe.close(() => done(port));
      });
    });

  it('gives the same devices as scraping itself', async () => {
    let collected = await collect({ url });
    const deadline = Date.now() + 45_000;
    while (collected.readings.length < 28 && Date.now() < deadline) {
      await new Promise((done) => setTimeout(done, 500));
      collected = await collect({ url });
    }
    const sizes = new Map<string, number>();
    for (const { node, migProfile, capacityBytes } of collected.readings) {
      const key = `${node} ${migProfile ?? 'whole'} ${capacityBytes / MIB}`;
      sizes.set(key, (sizes.get(key) ?? 0) + 1);
    }
    expect(Object.fromEntries(sizes)).toEqual({
      'gpu-h100-1 whole 81091': 6,
      'gpu-h100-1 1g.10gb 9984': 7,
      'gpu-h100-1 3g.40gb 40448': 1,
      'gpu-h100-1 2g.20gb 20096': 2,
      'gpu-a100-40-1 whole 40536': 8,
      'gpu-l4-2 whole 22563': 4,
    });
    expect(collected.readings.find(({ gpuInstance }) => gpuInstance === '7')?.pods).toEqual(['notebooks/jupyter-lin']);
  });
});
