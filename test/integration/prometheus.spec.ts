import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadFacts } from '../../src/advisor/facts.js';
import { prometheus } from '../../src/ingest/prometheus.js';
import type { PrometheusOptions } from '../../src/ingest/prometheus.js';
import type { Collected } from '../../src/ingest/sources.js';
import { startExporter, text } from './exporter.js';
import type { TestExporter } from './exporter.js';
import { hasPrometheus, startPrometheus } from './real-prometheus.js';
import type { RealPrometheus } from './real-prometheus.js';

jest.setTimeout(60_000);

const MIB = 2 ** 20;
const INSTANT = '{"status":"success","data":{"resultType":"vector","result":[]}}';
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

  describe('asked for its past', () => {
    const MINUTE_MS = 60_000;
    const range = { stepMs: MINUTE_MS, limits: { timeoutMs: 2_000, maxBytes: 700 } };
    const asked: { start: number; end: number; step: number }[] = [];

    /** Answers as a server does that has one GPU, a sample a minute, from `bytesBelow` on with what it is asked for. */
    const keepsHistory = (): void => {
      asked.length = 0;
      server.answer((request, response) => {
        expect(request.url).toBe('/prometheus/api/v1/query_range');
        void bodyOf(request).then((form) => {
          const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(form.get(name))) as [
            number,
            number,
            number,
          ];
          asked.push({ start, end, step });
          const values = (mib: number): [number, string][] =>
            Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, i) => [start + i * step, String(mib)]);
          const result = ['FREE', 'USED'].map((field, i) => ({
            metric: { __name__: `DCGM_FI_DEV_FB_${field}`, gpu: '0', UUID: 'GPU-1', Hostname: 'n1' },
            values: values(i === 0 ? 20_000 : 2_563),
          }));
          response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } }));
        });
      });
    };
    const past = async (fromMs: number, toMs: number): Promise<Collected[]> => {
      const context = { gpus: loadFacts().gpus, now: Date.now, signal: new AbortController().signal };
      const options = { url: base(), matchers: '', tokenFile: null, limits: LIMITS, range };
      const parts: Collected[] = [];
      for await (const part of prometheus(options).backfill?.(context, { fromMs, toMs }) ?? []) parts.push(part);
      return parts;
    };

    it('gives each moment once, in order, and asks for less at a time where an answer is too large', async () => {
      keepsHistory();
      const parts = await past(0, 60 * MINUTE_MS);
      const readings = parts.flatMap((part) => part.readings);
      expect(readings.map(({ seenAtMs }) => seenAtMs / MINUTE_MS)).toEqual(Array.from({ length: 60 }, (_, i) => i));
      expect(readings.every(({ capacityBytes }) => capacityBytes === 22_563 * MIB)).toBe(true);
      expect(Math.max(...parts.map((part) => part.readings.length))).toBe(1);
      expect(asked.slice(0, 3)).toEqual([
        { start: 0, end: 59 * 60, step: 60 },
        { start: 0, end: 29 * 60, step: 60 },
        { start: 0, end: 14 * 60, step: 60 },
      ]);
      expect(parts.flatMap(({ results }) => results.map(({ outcome }) => outcome))).toEqual(['ok', 'ok', 'ok', 'ok']);
    });

    it.each([
      ['says no to all', (response: ServerResponse) => response.writeHead(401).end(), 'refused', 7],
      ['talks of something else', (response: ServerResponse) => response.end('[]'), 'unreadable', 1],
      ['gives an instant', (response: ServerResponse) => response.end(INSTANT), 'unreadable', 1],
    ])('ends where it %s', async (_, answerWith, outcome, queries) => {
      let requests = 0;
      server.answer((_request, response) => {
        requests += 1;
        answerWith(response);
      });
      const parts = await past(0, 60 * MINUTE_MS);
      expect(parts).toMatchObject([{ readings: [], results: [{ outcome }] }]);
      expect(requests).toBe(queries);
    });
  });

  it('never shows its password', async () => {
    server.answer((_, response) => response.writeHead(401).end());
    const { results } = await collect({ url: base().replace('http://', 'http://me:hunter2@') });
    expect(results).toMatchObject([{ outcome: 'refused' }]);
    expect(JSON.stringify(results)).not.toContain('hunter2');
  });
});

(hasPrometheus() ? describe : describe.skip)('a real Prometheus that scrapes the example cluster', () => {
  const exporters: TestExporter[] = [];
  let server: RealPrometheus;

  beforeAll(async () => {
    for (const name of ['gpu-h100-1', 'gpu-a100-40-1', 'gpu-l4-2']) {
      exporters.push(await startExporter(text(await readFile(`examples/cluster/${name}.prom`, 'utf8'))));
    }
    server = await startPrometheus(exporters.map((exporter) => new URL(exporter.url).host));
  });
  afterAll(async () => {
    await server.stop();
    await Promise.all(exporters.map((exporter) => exporter.close()));
  });

  it('gives the same devices as scraping itself', async () => {
    const { url } = server;
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
