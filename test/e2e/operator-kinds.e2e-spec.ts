import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import type { KubectlResult } from '../cluster/kubectl.js';
import { defineKinds, OPERATORS } from '../cluster/operator-definitions.js';
import { waitFor } from '../cluster/wait-for.js';
import type { TestExporter } from '../integration/exporter.js';
import { exporterOf } from './exporter.js';
import { OPERATOR_JOBS, trainingRuntime } from './operator-jobs.js';
import type { OperatorJob } from './operator-jobs.js';
import type { TrainingJob } from './training-jobs.js';
import { startWatching } from './watching.js';
import type { Watching } from './watching.js';

const T4 = { node: 'gpu-t4', model: 'Tesla T4', count: 4, capacityMib: 14_912 };
const PRODUCT = 'Tesla-T4';
/** Where nobody asks to go: a verdict on it would mean that where the pods may go was not read. */
const A100 = { node: 'gpu-a100', model: 'NVIDIA A100-SXM4-80GB', count: 8, capacityMib: 81_000 };
/** More than a T4 holds. */
const TOO_LARGE = 64;

let plane: ControlPlane;
let exporter: TestExporter;
let plimsoll: Watching;

beforeAll(async () => {
  plane = await startControlPlane();
  exporter = await exporterOf([T4, A100]);
  await createGpuNode(plane, { name: T4.node, gpus: T4.count, labels: { 'nvidia.com/gpu.product': PRODUCT } });
  await createGpuNode(plane, { name: A100.node, gpus: A100.count });
  await kubectl(['create', 'namespace', 'research']);
  await kubectl(['create', 'namespace', 'production']);
  await kubectl(['label', 'namespace', 'production', 'plimsoll.dev/mode=enforce']);
  const { jobset: _, ...rest } = OPERATORS;
  await defineKinds(plane, Object.values(rest));
  await kubectl(['create', '-f', '-'], JSON.stringify(trainingRuntime(PRODUCT)));
  plimsoll = await startWatching(plane, exporter, 2_000);
  // An operator that is installed after Plimsoll: its kind is picked up without a restart.
  await defineKinds(plane, [OPERATORS.jobset]);
  await waitFor(
    async () =>
      (await create(OPERATOR_JOBS[0]!, { ...probe, namespace: 'production' }, ['--dry-run=server'])).code !== 0,
    { timeoutMs: 120_000, intervalMs: 500, what: 'the webhooks reject in the namespace that enforces' },
  );
}, 400_000);

afterAll(async () => {
  await plimsoll?.stop();
  await exporter?.close();
  await plane?.stop();
}, 60_000);

const probe: Omit<TrainingJob, 'namespace'> = { name: 'probe', batchSize: TOO_LARGE, product: PRODUCT };

async function kubectl(args: readonly string[], stdin = ''): Promise<KubectlResult> {
  const result = await plane.kubectl(args, { stdin });
  expect({ args, ...result }).toEqual({ args, ...result, code: 0 });
  return result;
}

const create = (kind: OperatorJob, job: TrainingJob, flags: readonly string[] = []): Promise<KubectlResult> =>
  plane.kubectl(['create', ...flags, '-f', '-'], { stdin: JSON.stringify(kind.object(job)) });

async function annotationsOf(
  { resource }: OperatorJob,
  name: string,
  namespace = 'research',
): Promise<Record<string, string>> {
  const { stdout } = await kubectl(['get', resource, name, '--namespace', namespace, '--output=json']);
  return (JSON.parse(stdout) as { metadata: { annotations?: Record<string, string> } }).metadata.annotations ?? {};
}

const exists = async ({ resource }: OperatorJob, namespace: string, name: string): Promise<boolean> =>
  (await plane.kubectl(['get', resource, name, '--namespace', namespace])).code === 0;

async function events(name: string): Promise<number> {
  const selector = `--field-selector=involvedObject.name=${name}`;
  const { stdout } = await kubectl(['get', 'events', '--namespace', 'research', selector, '--output=json']);
  return (JSON.parse(stdout) as { items: unknown[] }).items.length;
}

describe.each(OPERATOR_JOBS.map((kind): [string, OperatorJob] => [kind.resource, kind]))('%s', (_, kind) => {
  it('carries its verdict when it fits', async () => {
    const { code, stderr } = await create(kind, { name: 'fits', namespace: 'research', product: PRODUCT });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/Warning: plimsoll: fits: needs [\d.]+ GiB/),
    });
    expect(await annotationsOf(kind, 'fits')).toMatchObject({
      'plimsoll.dev/verdict': 'fits',
      'plimsoll.dev/capacity': '14.6Gi on Tesla T4',
    });
  }, 60_000);

  it('is warned about in a namespace that advises, and not stored in a dry run', async () => {
    const { code, stderr } = await create(kind, { ...probe, namespace: 'research' }, ['--dry-run=server']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Warning: plimsoll: will-not-fit') });
    expect(await exists(kind, 'research', 'probe')).toBe(false);
    expect(await events('probe')).toBe(0);
  }, 60_000);

  it('is turned away in a namespace that enforces, in a dry run as well', async () => {
    for (const flags of [[], ['--dry-run=server']]) {
      const { code, stderr } = await create(kind, { ...probe, namespace: 'production' }, flags);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/denied the request: plimsoll: will-not-fit/),
      });
    }
    expect(await exists(kind, 'production', 'probe')).toBe(false);
  }, 60_000);
});

describe('a kind that came after Plimsoll', () => {
  it('is followed by the watcher as well: a JobSet that no webhook saw is annotated', async () => {
    const jobSet = OPERATOR_JOBS.find(({ resource }) => resource.startsWith('jobset'))!;
    await kubectl(['create', 'namespace', 'left-alone']);
    await kubectl(['label', 'namespace', 'left-alone', 'plimsoll.dev/mode=off']);
    const { stderr } = await create(jobSet, { name: 'unseen', namespace: 'left-alone', product: PRODUCT });
    expect(stderr).toBe('');
    await kubectl(['label', '--overwrite', 'namespace', 'left-alone', 'plimsoll.dev/mode=advise']);
    await waitFor(
      async () => (await annotationsOf(jobSet, 'unseen', 'left-alone'))['plimsoll.dev/verdict'] === 'fits',
      {
        timeoutMs: 90_000,
        intervalMs: 500,
        what: 'the watcher has annotated the JobSet',
      },
    );
  }, 120_000);
});
