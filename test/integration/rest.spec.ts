import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { assessmentSchema } from '../../src/api/schemas/assessment.js';
import type { Assessment } from '../../src/fit/assessment.js';
import { waitFor } from '../cluster/wait-for.js';
import { startService } from '../e2e/service.js';
import type { Service } from '../e2e/service.js';
import { trainingJob } from '../e2e/training-jobs.js';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let service: Service;

beforeAll(async () => {
  service = await startService({
    PLIMSOLL_EXAMPLE_CLUSTER: root('examples/cluster'),
    PLIMSOLL_EXAMPLE_MANIFESTS: root('examples/manifests'),
    PLIMSOLL_ESTIMATE_LIMIT_MS: '120000',
  });
  await waitFor(async () => (await list('limit=500')).items.length >= 10, {
    timeoutMs: 240_000,
    intervalMs: 500,
    what: 'the example manifests are assessed',
  });
}, 320_000);

afterAll(async () => {
  await service?.stop();
}, 30_000);

interface LargestAnswer {
  largest: { workload: { name: string }; found: { device: string; largest: { fits: { value: string } | null } }[] }[];
  skipped: object[];
  errors?: object[];
}

interface Listed {
  items: { id: string; name: string; verdict: string; assessedAtMs: number }[];
  next: string | null;
}

const list = async (query: string): Promise<Listed> => (await service.get<Listed>(`/v1/assessments?${query}`)).body;

interface Answer {
  status: number;
  type: string;
  body: { assessments: Assessment[]; skipped: { document: string; reason: string }[]; errors?: object[] };
}

async function post(path: string, body: string, type = 'application/yaml'): Promise<Answer> {
  const response = await fetch(service.url + path, { method: 'POST', headers: { 'content-type': type }, body });
  const answer = (await response.json()) as Answer['body'];
  return { status: response.status, type: response.headers.get('content-type') ?? '', body: answer };
}

const job = (args: Partial<Parameters<typeof trainingJob>[0]> = {}): string =>
  JSON.stringify(trainingJob({ name: 'asked', namespace: 'research', ...args }));

describe('assessments', () => {
  it('are listed newest first, page by page, each once', async () => {
    const all = (await list('limit=500')).items;
    const paged: Listed['items'] = [];
    let cursor = '';
    do {
      const page = await list(`limit=4${cursor}`);
      paged.push(...page.items);
      cursor = page.next === null ? '' : `&cursor=${page.next}`;
    } while (cursor !== '');
    expect(paged.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    expect(all.map(({ assessedAtMs }) => assessedAtMs)).toEqual(
      all.map(({ assessedAtMs }) => assessedAtMs).sort((a, b) => b - a),
    );
  });

  it('are filtered by namespace, kind, verdict, model and time', async () => {
    expect(new Set((await list('verdict=fits')).items.map(({ verdict }) => verdict))).toEqual(new Set(['fits']));
    expect((await list('kind=PyTorchJob')).items.map(({ name }) => name)).toEqual(['llama3-8b-sft']);
    expect((await list('namespace=vision')).items.length).toBe(2);
    const llama = (await list('model=meta-llama/Llama-3.1-8B')).items.map(({ name }) => name);
    expect(llama).toContain('llama3-8b-sft');
    expect(llama).not.toContain('gpt2-wikitext');
    expect((await list('until=2020-01-01T00:00:00Z')).items).toEqual([]);
    expect((await list('since=2020-01-01T00:00:00Z&limit=500')).items.length).toBeGreaterThanOrEqual(10);
  });

  it('are looked up whole, and are what the document says', async () => {
    const [first] = (await list('kind=PyTorchJob')).items;
    const { body } = await service.get<Assessment>(`/v1/assessments/${first!.id}`);
    expect(assessmentSchema.parse(body)).toEqual(body);
    expect(body.estimates[0]?.breakdown.length).toBeGreaterThan(3);
  });

  it('are given in part where fields are named', async () => {
    const { items } = await list('fields=name,verdict&limit=3');
    expect(items.map((item) => Object.keys(item).sort())).toEqual(Array(3).fill(['name', 'verdict']));
    const [first] = (await list('limit=1')).items;
    const { body } = await service.get<Partial<Assessment>>(`/v1/assessments/${first!.id}?fields=id,verdict`);
    expect(body).toEqual({ id: first!.id, verdict: first!.verdict });
    expect((await service.get('/v1/assessments?fields=id,secret')).status).toBe(400);
  });

  it('that did not change are not sent again', async () => {
    const [first] = (await list('limit=1')).items;
    const url = `${service.url}/v1/assessments/${first!.id}`;
    const etag = (await fetch(url)).headers.get('etag') ?? '';
    expect(etag).not.toBe('');
    // Not by fetch, which asks for a fresh answer wherever this header is given by hand.
    const [answer] = (await once(get(url, { headers: { 'if-none-match': etag } }), 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(304);
  });

  it('come as server-sent events, from where the last stream ended', async () => {
    const headers = { accept: 'text/event-stream', 'last-event-id': String(Date.now() - 3_600_000) };
    const response = await fetch(`${service.url}/v1/live/assessments?namespace=vision`, { headers });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = response.body!.getReader();
    let text = '';
    while ((text.match(/event: assessment/g) ?? []).length < 2) {
      text += Buffer.from((await reader.read()).value ?? []).toString();
    }
    await reader.cancel();
    expect(text).toMatch(/^id: \d+$/m);
    expect(text).toContain('"namespace":"vision"');
  }, 20_000);

  it('that are not there are a problem', async () => {
    expect(await service.get('/v1/assessments/none')).toEqual({
      status: 404,
      body: {
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        detail: 'There is no assessment with this id.',
        instance: '/v1/assessments/none',
      },
    });
  });
});

describe('summaries', () => {
  interface Summary {
    items: Record<string, never>[];
  }
  const summary = async (path: string) => (await service.get<Summary>(`/v1/summary/${path}`)).body.items;

  it('count verdicts over time, as the list has them', async () => {
    const counts = await summary('verdicts?step=1d');
    const all = (await list('limit=500')).items;
    const total = counts.reduce((sum, { count }) => sum + Number(count), 0);
    expect(total).toBe(all.length);
    expect(await summary('verdicts?until=2020-01-02T00:00:00Z')).toEqual([]);
    // Of a very long time the latest steps are given.
    expect(await summary('verdicts?since=2020-01-01T00:00:00Z&step=1m')).not.toEqual([]);
  });

  it('hold what workloads ask for against what they need, by namespace', async () => {
    const rows = await summary('memory');
    expect(rows.map(({ namespace }) => namespace)).toContain('vision');
    for (const { askedBytes, neededBytes, devices } of rows) {
      expect(Number(devices)).toBeGreaterThan(0);
      expect(Number(askedBytes)).toBeGreaterThan(0);
      expect(Number(neededBytes)).toBeGreaterThanOrEqual(0);
    }
    expect(Number(rows.find(({ namespace }) => String(namespace) === 'vision')?.neededBytes)).toBeGreaterThan(0);
    expect((await summary('memory?namespace=vision')).map(({ namespace }) => namespace)).toEqual(['vision']);
  });

  it('name the workloads that are at risk, each once', async () => {
    const rows = await summary('at-risk');
    const risky = (await list('limit=500')).items.filter(({ verdict }) => /tight|will-not-fit|unsched/.test(verdict));
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ id }) => id).sort()).toEqual(risky.map(({ id }) => id).sort());
  });

  it('give GPUs by class with their headroom', async () => {
    const rows = await summary('devices');
    const devices = (await service.get<{ items: object[] }>('/v1/devices?limit=500')).body.items;
    expect(rows.reduce((sum, row) => sum + Number(row['devices']), 0)).toBe(devices.length);
    const t4 = rows.find((row) => String(row['deviceClass']) === 'Tesla T4')!;
    expect(Number(t4['usedBytes'])).toBeLessThan(Number(t4['capacityBytes']));
  });
});

describe('advice for a posted manifest', () => {
  it('is held against the inventory', async () => {
    const { status, body } = await post('/v1/advise', job(), 'application/json');
    expect(status).toBe(200);
    expect(body.assessments[0]).toMatchObject({ verdict: 'fits-some', workload: { name: 'asked' } });
    expect(body.assessments[0]!.fit[0]!.classes.length).toBeGreaterThan(3);
  }, 60_000);

  it('is held against GPUs that are named', async () => {
    const { body } = await post('/v1/advise?gpu=t4:2', job({ batchSize: 64 }));
    const [assessment] = body.assessments;
    expect(assessment).toMatchObject({ verdict: 'will-not-fit', fit: [{ classes: [{ deviceClass: 'Tesla T4' }] }] });
    expect(assessment!.advice[0]?.changes[0]?.write).toContain('--per_device_train_batch_size');
  }, 60_000);

  it('reads ConfigMaps that are posted alongside', async () => {
    const script =
      'python run_clm.py --model_name_or_path gpt2 --per_device_train_batch_size 7 --do_train --output_dir /o';
    const yaml = `
apiVersion: v1
kind: ConfigMap
metadata: {name: scripts}
data: {train.sh: "${script}"}
---
apiVersion: batch/v1
kind: Job
metadata: {name: scripted}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: train
          image: huggingface/transformers-pytorch-gpu:4.46.0
          command: [bash, /scripts/train.sh]
          volumeMounts: [{name: scripts, mountPath: /scripts}]
          resources: {limits: {nvidia.com/gpu: 1}}
      volumes: [{name: scripts, configMap: {name: scripts}}]
`;
    const { body } = await post('/v1/advise?gpu=l4', yaml);
    expect(body.assessments).toHaveLength(1);
    expect(body.assessments[0]!.runs[0]?.settings?.microBatchSize).toMatchObject({
      value: 7,
      evidence: { kind: 'read', place: { document: 'configmap/scripts/train.sh' } },
    });
  }, 60_000);

  it('is given the largest that still fits, with what is left', async () => {
    const { status, body } = await post('/v1/largest?of=micro-batch&gpu=l4', job());
    expect(status).toBe(200);
    const { largest, skipped } = body as unknown as LargestAnswer;
    expect(skipped).toEqual([]);
    expect(largest[0]?.workload.name).toBe('asked');
    expect(largest[0]?.found[0]).toMatchObject({
      device: 'NVIDIA L4',
      scale: 'micro-batch',
      largest: { fits: { value: expect.stringMatching(/^\d+$/), marginBytes: expect.any(Number) } },
    });
    expect((await post('/v1/largest?of=hope&gpu=l4', job())).status).toBe(400);
    expect((await post('/v1/largest?gpu=l4', job())).status).toBe(400);
  }, 120_000);

  it('answers the rest where one document is no workload', async () => {
    const { body } = await post('/v1/estimate?gpu=l4', `${job()}\n---\napiVersion: v1\nkind: Service\n`);
    expect(body.skipped).toEqual([{ document: 'body#2', reason: 'v1 Service is no workload that is handled' }]);
    expect(body).toMatchObject({ estimates: [{ workload: { name: 'asked' }, estimates: [{ podSet: 'main' }] }] });
  }, 60_000);

  it.each([
    ['an unknown GPU', '/v1/advise?gpu=voodoo2', job(), 'application/yaml', 404],
    ['a GPU count that is none', '/v1/advise?gpu=t4:none', job(), 'application/yaml', 400],
    ['an unknown parameter', '/v1/advise?device=t4', job(), 'application/yaml', 400],
    ['no body', '/v1/advise', '', 'application/yaml', 400],
    ['no YAML', '/v1/advise', 'a: [', 'application/yaml', 400],
    ['a body of another type', '/v1/advise', job(), 'application/x-www-form-urlencoded', 415],
    ['a body that is too large', '/v1/advise', `a: ${'x'.repeat(4 * 2 ** 20)}`, 'application/yaml', 413],
    ['an alias bomb', '/v1/advise', bomb(), 'application/yaml', 400],
  ])('is refused for %s, as problem details', async (...[, path, body, type, status]) => {
    const answer = await post(path, body, type);
    expect(answer).toMatchObject({ status, type: expect.stringContaining('application/problem+json') });
    expect(answer.body).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
  });
});

describe('inventory and catalog', () => {
  it('list nodes and devices with their capacity and its source', async () => {
    const nodes = await service.get<{ items: { name: string }[] }>('/v1/nodes');
    expect(nodes.body.items.length).toBeGreaterThanOrEqual(9);
    const { body } = await service.get<{ items: object[] }>('/v1/devices?model=t4&limit=500');
    expect(body.items[0]).toMatchObject({ model: 'Tesla T4', capacityBytes: 14_912 * 2 ** 20, capacitySource: 'dcgm' });
  });

  it('find models by any of their names', async () => {
    const { body } = await service.get<{ items: { id: string }[] }>('/v1/models?search=distilgpt2');
    expect(body.items.map(({ id }) => id)).toContain('distilbert/distilgpt2');
  });

  it('refuse what is no page', async () => {
    for (const query of ['limit=0', 'limit=many']) {
      expect((await service.get(`/v1/devices?${query}`)).status).toBe(400);
    }
    for (const list of ['devices', 'assessments']) {
      expect((await service.get(`/v1/${list}?cursor=x`)).status).toBe(404);
    }
    expect((await service.get('/v1/assessments?verdict=maybe')).status).toBe(400);
  });
});

describe('observations', () => {
  it('are none where no cluster is watched, and no estimate is judged', async () => {
    expect(await service.get('/v1/observations')).toMatchObject({ status: 200, body: { items: [], next: null } });
    expect(await service.get('/v1/observations/uses')).toMatchObject({ status: 200, body: { uses: [], contexts: [] } });
    expect(await service.get('/v1/accuracy')).toMatchObject({ status: 200, body: { items: [], learned: [] } });
    expect(await service.get('/v1/summary/accuracy?step=7d')).toMatchObject({ status: 200, body: { items: [] } });
  });

  it('refuse what is no page and no time', async () => {
    for (const path of ['observations?limit=0', 'accuracy?since=yesterday', 'summary/accuracy?step=1m']) {
      expect((await service.get(`/v1/${path}`)).status).toBe(400);
    }
    expect((await service.get('/v1/observations?cursor=x')).status).toBe(404);
  });
});

describe('the service', () => {
  it('serves the document that is in the repository', async () => {
    const { body } = await service.get('/openapi.json');
    expect(body).toEqual(JSON.parse(await readFile(root('openapi.json'), 'utf8')));
  });

  it('is alive and ready, and has metrics of its own', async () => {
    expect(await service.get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await service.get('/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/^plimsoll_assessment_duration_seconds_count [1-9]/m);
    expect(metrics).toContain('plimsoll_store_up 1');
  });

  it('takes over a harmless request id, and no other', async () => {
    const idOf = async (given: string) =>
      (await fetch(`${service.url}/v1/nodes`, { headers: { 'x-request-id': given } })).headers.get('x-request-id');
    expect(await idOf('trace-1')).toBe('trace-1');
    expect(await idOf('<script>')).toMatch(/^[\w-]{36}$/);
  });

  it('starts and answers with the database away, and ends on a signal', async () => {
    const alone = await startService({
      DATABASE_URL: 'postgresql://nobody:hunter2@127.0.0.1:1/none',
      PLIMSOLL_EXAMPLE_CLUSTER: root('examples/cluster'),
    });
    expect(await alone.get('/readyz')).toMatchObject({ status: 200, body: { status: 'degraded' } });
    expect((await alone.get('/v1/assessments')).status).toBe(503);
    expect((await alone.get('/v1/devices')).status).toBe(200);
    expect(await alone.stop()).toBe(0);
    expect(alone.output()).not.toContain('hunter2');
  }, 90_000);
});

/** Nine levels of nine references each: a billion nodes where aliases are expanded. */
function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level}, `.repeat(9)}]`);
  return ['l0: &l0 [x]', ...levels].join('\n');
}
