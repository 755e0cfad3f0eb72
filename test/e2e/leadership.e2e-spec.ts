import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import { waitFor } from '../cluster/wait-for.js';
import { startService } from './service.js';
import type { Service } from './service.js';
import { trainingJob } from './training-jobs.js';

let plane: ControlPlane;
let replicas: Service[] = [];

beforeAll(async () => {
  plane = await startControlPlane({ components: [] });
  await createGpuNode(plane, {
    name: 'gpu-0',
    gpus: 8,
    labels: { 'nvidia.com/gpu.product': 'NVIDIA-H200', 'nvidia.com/gpu.memory': '143771' },
  });
  const settings = {
    PLIMSOLL_KUBECONFIG: plane.kubeconfig,
    PLIMSOLL_LEASE_NAMESPACE: 'default',
    PLIMSOLL_WEBHOOK_URL: '',
    PLIMSOLL_DRAIN_MS: '0',
  };
  replicas = [await startService(settings), await startService(settings)];
}, 240_000);

afterAll(async () => {
  for (const replica of replicas) await replica.kill();
  await plane.stop();
}, 30_000);

const leads = async ({ url }: Service): Promise<boolean> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return /^plimsoll_leader 1$/m.test(text);
};

async function leaders(): Promise<Service[]> {
  const leading = await Promise.all(replicas.map(leads));
  return replicas.filter((_, index) => leading[index]);
}

async function create(name: string, model?: string): Promise<void> {
  const job = trainingJob({ name, namespace: 'default', ...(model !== undefined && { model }) });
  const { code, stderr } = await plane.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(job) });
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

function annotated(name: string, timeoutMs: number): Promise<string> {
  const path = String.raw`--output=jsonpath={.metadata.annotations.plimsoll\.dev/verdict}`;
  return waitFor(async () => (await plane.kubectl(['get', 'job', name, path])).stdout, {
    timeoutMs,
    what: `the Job ${name} has a verdict`,
  });
}

async function eventsOn(name: string): Promise<{ count: number }[]> {
  const selector = `--field-selector=involvedObject.name=${name}`;
  const { stdout } = await plane.kubectl(['get', 'events', selector, '--output=json']);
  return (JSON.parse(stdout) as { items: { count: number }[] }).items;
}

describe('of two replicas', () => {
  it('one works, and tells an Event once', async () => {
    await waitFor(async () => (await leaders()).length === 1, { timeoutMs: 20_000, what: 'one replica leads' });
    await create('mystery', 'nobody/knows-this-model');
    await annotated('mystery', 60_000);
    await waitFor(async () => (await eventsOn('mystery')).length > 0, { timeoutMs: 20_000, what: 'an Event is told' });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await eventsOn('mystery')).toEqual([expect.objectContaining({ count: 1 })]);
  }, 120_000);

  it('the other takes over where the one that works is killed, and nothing is left undone', async () => {
    const [leader] = await leaders();
    await leader!.kill();
    replicas = replicas.filter((replica) => replica !== leader);
    await create('after-the-kill');
    expect(await annotated('after-the-kill', 60_000)).toBe('fits');
    expect(await leaders()).toEqual(replicas);
  }, 120_000);

  it('gives its lease up when it is told to stop, so that nobody has to wait for it', async () => {
    await replicas[0]!.stop();
    const path = '--output=jsonpath={.spec.holderIdentity}';
    const { stdout } = await plane.kubectl(['get', 'lease', 'plimsoll-leader', path]);
    expect(stdout).toBe('');
  }, 30_000);
});
