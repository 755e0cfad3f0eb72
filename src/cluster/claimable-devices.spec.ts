import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../workload/workload.js';
import { ClaimableDevices } from './claimable-devices.js';
import type { ResourceHandler, ResourceWatch } from './resource-watch.js';

const KINDS = ['resourceslices', 'deviceclasses', 'resourceclaims'] as const;

/** What an API server tells of the three kinds, told by hand. */
async function watched(): Promise<{
  devices: ClaimableDevices;
  tell: Record<(typeof KINDS)[number], ResourceHandler>;
  news: () => number;
}> {
  const handlers = new Map<string, ResourceHandler>();
  let news = 0;
  const cluster = {
    pathOf: ({ resource }: { resource: string }) => Promise.resolve(`/apis/resource.k8s.io/v1/${resource}`),
    watch: ({ path }: { path: string }, handler: ResourceHandler) => {
      handlers.set(path.split('/').at(-1) ?? '', handler);
      return { stop: () => Promise.resolve() } as unknown as ResourceWatch;
    },
  };
  const devices = new ClaimableDevices({ cluster, failed: () => undefined }, () => (news += 1));
  devices.start();
  await new Promise((done) => setImmediate(done));
  const tell = Object.fromEntries(KINDS.map((kind) => [kind, handlers.get(kind)])) as Record<
    (typeof KINDS)[number],
    ResourceHandler
  >;
  return { devices, tell, news: () => news };
}

const slice = (name: string, memory: string, labels: Record<string, string> = {}): JsonObject => ({
  metadata: { name, labels },
  spec: {
    driver: 'gpu.nvidia.com',
    nodeName: 'n1',
    pool: { name: 'n1', generation: 1, resourceSliceCount: 1 },
    devices: [{ name: 'gpu-0', capacity: { memory: { value: memory } } }],
  },
});

const memoryOf = ({ devices }: { devices: ClaimableDevices }): unknown =>
  JSON.stringify(devices.offers()?.pools).match(/"gpu\.nvidia\.com\/memory":(\d+)/)?.[1];

describe('devices that drivers offer to claims', () => {
  it('are not known before all three kinds are listed', async () => {
    const cluster = await watched();
    cluster.tell.resourceslices.changed(slice('a', '80Gi'));
    cluster.tell.resourceslices.listed?.();
    cluster.tell.deviceclasses.listed?.();
    expect(cluster.devices.offers()).toBeNull();
    cluster.tell.resourceclaims.listed?.();
    expect(cluster.devices.offers()?.pools).toHaveLength(1);
    expect(memoryOf(cluster)).toBe(String(80 * 2 ** 30));
  });

  it('follow a slice that changes and one that goes', async () => {
    const cluster = await watched();
    for (const kind of KINDS) cluster.tell[kind].listed?.();
    cluster.tell.resourceslices.changed(slice('a', '40Gi'));
    cluster.tell.resourceslices.changed(slice('a', '80Gi'));
    expect(memoryOf(cluster)).toBe(String(80 * 2 ** 30));
    cluster.tell.resourceslices.removed(slice('a', '80Gi'));
    expect(cluster.devices.offers()?.pools).toEqual([]);
  });

  it('are the same object, and no news, while nothing that is read of them changes', async () => {
    const cluster = await watched();
    for (const kind of KINDS) cluster.tell[kind].listed?.();
    cluster.tell.resourceslices.changed(slice('a', '80Gi'));
    const [before, told] = [cluster.devices.offers(), cluster.news()];
    cluster.tell.resourceslices.changed(slice('a', '80Gi', { touched: 'again' }));
    expect(cluster.devices.offers()).toBe(before);
    expect(cluster.news()).toBe(told);
  });
});
