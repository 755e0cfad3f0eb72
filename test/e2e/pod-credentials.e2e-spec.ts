import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiClient } from '../../src/cluster/api-client.js';
import { Cluster } from '../../src/cluster/cluster.js';
import { podCredentials } from '../../src/cluster/credentials.js';
import { startControlPlane } from '../cluster/control-plane.js';
import type { ControlPlane } from '../cluster/control-plane.js';
import { createGpuNode } from '../cluster/gpu-node.js';
import { waitFor } from '../cluster/wait-for.js';

/** What a kubelet mounts into a pod: the authority, and a token that ends. */
let folder: string;
let plane: ControlPlane;

async function kubectl(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(words);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout.trim();
}

const mounted = (file: string, text: string): void => writeFileSync(join(folder, file), text);

/** The cluster as a pod reaches it: host and port out of its environment, nothing but what is mounted. */
function asPod(): Cluster {
  const { hostname, port } = new URL(plane.server);
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  return new Cluster(new ApiClient(podCredentials(folder, env)));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plimsoll-service-account-'));
  plane = await startControlPlane({ components: [] });
  await createGpuNode(plane, { name: 'gpu-0', gpus: 8, labels: { 'nvidia.com/gpu.product': 'NVIDIA-H200' } });
  await kubectl('create', 'serviceaccount', 'plimsoll');
  await kubectl('create', 'clusterrole', 'nodes-only', '--verb=list,watch', '--resource=nodes');
  await kubectl(
    'create',
    'clusterrolebinding',
    'plimsoll',
    '--clusterrole=nodes-only',
    '--serviceaccount=default:plimsoll',
  );
  mounted('ca.crt', plane.caPem);
  mounted('token', await kubectl('create', 'token', 'plimsoll'));
}, 240_000);

afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

describe('in the cluster, with what a kubelet mounts', () => {
  it('follows what its service account may see', async () => {
    const seen: string[] = [];
    const resource = { apiGroup: '', versions: ['v1'], resource: 'nodes' };
    const path = await asPod().pathOf(resource);
    expect(path).toBe('/api/v1/nodes');
    const watch = asPod().watch(
      { path: path! },
      { changed: ({ metadata }) => void seen.push((metadata as { name: string }).name), removed: () => undefined },
    );
    await waitFor(() => Promise.resolve(seen.includes('gpu-0')), { timeoutMs: 20_000, what: 'the node is seen' });
    await watch.stop();
  });

  it('is refused what it may not see, in the words of the API server', async () => {
    await expect(asPod().pod('default', 'any')).rejects.toThrow(/forbidden.*serviceaccount:default:plimsoll/i);
  });

  it('trusts nobody but the mounted authority', async () => {
    const before = plane.caPem;
    mounted('ca.crt', '');
    await expect(asPod().version()).rejects.toThrow(/certificate/);
    mounted('ca.crt', before);
    await expect(asPod().version()).resolves.toMatch(/^v1\./);
  });
});
