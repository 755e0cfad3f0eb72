/**
 * Job creations a second through a real API server, with and without Plimsoll's webhooks, in turn on the same control
 * plane. Wants the programs of `npm run cluster:build`, and a build of the service.
 *   npm run bench:jobs                     four turns of 200 Jobs, eight at a time
 *   npm run bench:jobs -- --jobs 1000      more of them
 */
import { parseArgs } from 'node:util';
import { connect } from '../src/cluster/connection.js';
import type { ApiClient } from '../src/cluster/api-client.js';
import { startControlPlane } from '../test/cluster/control-plane.js';
import { createGpuNode } from '../test/cluster/gpu-node.js';
import { waitFor } from '../test/cluster/wait-for.js';
import { startService } from '../test/e2e/service.js';
import { trainingJob } from '../test/e2e/training-jobs.js';

const AT_A_TIME = 8;
const TURNS = 4;
/** `off`: the API server does not ask. */
const NAMESPACES = { without: 'off', with: 'advise' } as const;
type Namespace = keyof typeof NAMESPACES;

async function create(api: ApiClient, namespace: Namespace, batchSize: number): Promise<boolean> {
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const body = trainingJob({ generateName: 'train-', namespace, batchSize });
  const job = (await api.call({ method: 'POST', path, body })) as {
    metadata: { annotations?: Record<string, string> };
  };
  return job.metadata.annotations?.['plimsoll.dev/verdict'] === 'fits';
}

/** Milliseconds of each creation, in order of size, and of all together. */
async function turn(api: ApiClient, namespace: Namespace, jobs: number): Promise<{ each: number[]; allMs: number }> {
  const each: number[] = [];
  let left = jobs;
  const startMs = performance.now();
  const creating = Array.from({ length: AT_A_TIME }, async () => {
    while (left-- > 0) {
      const beginMs = performance.now();
      const isAnnotated = await create(api, namespace, 1 + (left % 8));
      each.push(performance.now() - beginMs);
      if (isAnnotated !== (namespace === 'with'))
        throw new Error(`a Job of the namespace ${namespace}: ${isAnnotated}`);
    }
  });
  await Promise.all(creating);
  return { each, allMs: performance.now() - startMs };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { jobs: { type: 'string', default: '200' } } });
  const plane = await startControlPlane({ components: [] });
  try {
    const api = connect(plane.kubeconfig, null);
    const labels = { 'nvidia.com/gpu.product': 'NVIDIA-H200', 'nvidia.com/gpu.memory': '143771' };
    await createGpuNode(plane, { name: 'gpu-0', gpus: 8, labels });
    for (const [name, mode] of Object.entries(NAMESPACES)) {
      const metadata = { name, labels: { 'plimsoll.dev/mode': mode } };
      await api.call({ method: 'POST', path: '/api/v1/namespaces', body: { metadata } });
      await api
        .call({
          method: 'POST',
          path: `/api/v1/namespaces/${name}/serviceaccounts`,
          body: { metadata: { name: 'default' } },
        })
        .catch(() => undefined);
    }
    const service = await startService({ PLIMSOLL_KUBECONFIG: plane.kubeconfig, PLIMSOLL_LOG_LEVEL: 'warn' });
    for (let batch = 1; batch <= 8; batch++) {
      await waitFor(() => create(api, 'with', batch), {
        timeoutMs: 120_000,
        intervalMs: 500,
        what: 'Jobs are annotated',
      });
    }
    await measure(api, Number(values.jobs));
    await service.stop();
  } finally {
    await plane.stop();
  }
}

async function measure(api: ApiClient, jobs: number): Promise<void> {
  const found: Record<Namespace, { each: number[]; allMs: number }> = {
    without: { each: [], allMs: 0 },
    with: { each: [], allMs: 0 },
  };
  for (let index = 0; index < TURNS; index++) {
    for (const namespace of Object.keys(found) as Namespace[]) {
      const { each, allMs } = await turn(api, namespace, jobs);
      found[namespace].each.push(...each);
      found[namespace].allMs += allMs;
    }
  }
  console.log('| webhooks | Jobs a second | p50 ms | p99 ms |\n| --- | --- | --- | --- |');
  for (const [namespace, { each, allMs }] of Object.entries(found)) {
    const sorted = [...each].sort((a, b) => a - b);
    const at = (share: number): string => sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(1);
    console.log(`| ${namespace} | ${((each.length * 1000) / allMs).toFixed(0)} | ${at(0.5)} | ${at(0.99)} |`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
});
