import { describe, expect, it } from '@jest/globals';
import { node, snapshot } from '../../../test/builders/cluster.js';
import { ANYWHERE, podSet, request } from '../../../test/builders/workload.js';
import { ClaimObjects } from '../../inventory/claim-objects.js';
import type { DeviceOffers } from '../../inventory/inventory.js';
import { buildSnapshot } from '../../inventory/snapshot.js';
import type { ClaimAlternative, ClaimConstraint, PodClaim, PodSet } from '../../workload/workload.js';
import { indexCluster } from '../cluster.js';
import { candidateOrReason } from '../pod-set-fit.js';
import { podsEver, podsNow } from '../room.js';

const DRIVER = 'gpu.nvidia.com';

interface Offered {
  memory?: string;
  product?: string;
  root?: string;
  taint?: boolean;
  consumes?: number;
}

const deviceObject = (
  { memory = '80Gi', product = 'NVIDIA H100 80GB HBM3', root = 'pci0', ...rest }: Offered,
  index: number,
): object => ({
  name: `gpu-${index}`,
  attributes: {
    type: { string: 'gpu' },
    productName: { string: product },
    index: { int: index },
    'resource.kubernetes.io/pcieRoot': { string: root },
  },
  capacity: { memory: { value: memory } },
  ...(rest.taint === true ? { taints: [{ key: 'unhealthy', effect: 'NoSchedule' }] } : {}),
  ...(rest.consumes === undefined
    ? {}
    : { consumesCounters: [{ counterSet: 'slices', counters: { memory: { value: String(rest.consumes) } } }] }),
});

/** Slices by node, the class of whole GPUs, and what of them is held. */
function offers(
  nodes: Readonly<Record<string, readonly Offered[]>>,
  held: readonly string[] = [],
  slices = 1,
): DeviceOffers {
  const objects = new ClaimObjects();
  for (const [name, devices] of Object.entries(nodes)) {
    const sharedCounters = [{ name: 'slices', counters: { memory: { value: '8' } } }];
    const pool = { name, generation: 1, resourceSliceCount: slices };
    objects.add('ResourceSlice', {
      spec: { driver: DRIVER, nodeName: name, pool, devices: devices.map(deviceObject), sharedCounters },
    });
  }
  const expression = `device.driver == '${DRIVER}' && device.attributes['${DRIVER}'].type == 'gpu'`;
  const spec = { selectors: [{ cel: { expression } }], extendedResourceName: 'nvidia.com/gpu' };
  objects.add('DeviceClass', { metadata: { name: DRIVER }, spec });
  for (const key of held) {
    const [driver, pool, device] = key.split('/');
    objects.add('ResourceClaim', { status: { allocation: { devices: { results: [{ driver, pool, device }] } } } });
  }
  return objects.offers()!;
}

const bare = (name: string) => node(name, []).node;

function claiming(
  asked: Partial<ClaimAlternative>,
  rest: {
    second?: Partial<ClaimAlternative>;
    constraints?: ClaimConstraint[];
    replicas?: number;
    isShared?: boolean;
  } = {},
): PodSet {
  const alternative = (given: Partial<ClaimAlternative>): ClaimAlternative => ({
    name: null,
    deviceClass: DRIVER,
    selectors: [],
    count: 1,
    tolerations: [],
    capacity: {},
    adminAccess: false,
    ...given,
  });
  const requests = [{ name: 'main', alternatives: [alternative(asked)] }];
  if (rest.second !== undefined) requests.push({ name: 'second', alternatives: [alternative(rest.second)] });
  const claim: PodClaim = {
    name: 'gpu',
    objectName: 'gpus',
    isKnown: true,
    isShared: rest.isShared ?? false,
    requests,
    constraints: rest.constraints ?? [],
  };
  const count = typeof asked.count === 'number' ? asked.count : 1;
  const device = request(count, { resource: DRIVER, form: 'claim', claim: 'gpu', claimRequest: 'main', places: [] });
  return podSet({ devices: [device], replicas: rest.replicas ?? 1, placement: { ...ANYWHERE, claims: [claim] } });
}

/** Pods that have room: ever, and now; in words where it cannot be told. */
function pods(asking: PodSet, offered: DeviceOffers, names: readonly string[] = ['n1']): [number, number] | string {
  const gpus = { find: () => null };
  const cluster = indexCluster(buildSnapshot({ nodes: names.map(bare), devices: [], nowMs: 0, gpus, offers: offered }));
  const candidate = candidateOrReason(asking, cluster, null);
  if (candidate === null || typeof candidate === 'string') return candidate ?? 'no devices';
  return [podsEver(candidate.room, () => true), podsNow(candidate.room, () => 0)];
}

const LARGE = [`device.capacity['${DRIVER}'].memory.compareTo(quantity('40Gi')) >= 0`];

describe('pods with claims have room', () => {
  const four = [{}, {}, { memory: '24Gi', product: 'NVIDIA L4' }, { memory: '24Gi', product: 'NVIDIA L4' }];

  it('for as many as there are devices that the selectors match', () => {
    expect(pods(claiming({}), offers({ n1: four }))).toEqual([4, 4]);
    expect(pods(claiming({ selectors: LARGE }), offers({ n1: four }))).toEqual([2, 2]);
    expect(pods(claiming({ count: 3 }), offers({ n1: four }))).toEqual([1, 1]);
    expect(pods(claiming({ count: 3, selectors: LARGE }), offers({ n1: four }))).toEqual([0, 0]);
  });

  it('beside what claims hold', () => {
    expect(pods(claiming({ selectors: LARGE }), offers({ n1: four }, [`${DRIVER}/n1/gpu-0`]))).toEqual([2, 1]);
  });

  it('for requests that share devices only as far as these go together', () => {
    const both = { second: { selectors: LARGE } };
    expect(pods(claiming({ selectors: LARGE }, both), offers({ n1: four }))).toEqual([1, 1]);
    expect(pods(claiming({ count: 2 }, both), offers({ n1: four }))).toEqual([1, 1]);
    expect(pods(claiming({ count: 2, selectors: LARGE }, both), offers({ n1: four }))).toEqual([0, 0]);
  });

  it('where the devices agree on an attribute that must match', () => {
    const attribute = 'resource.kubernetes.io/pcieRoot';
    const constraints: ClaimConstraint[] = [{ kind: 'match', attribute, requests: [] }];
    const mixed = offers({
      n1: [{ root: 'pci0' }, { root: 'pci1' }, { root: 'pci1' }],
      n2: [{ root: 'pci0' }, { root: 'pci1' }],
    });
    expect(pods(claiming({ count: 2 }, { constraints }), mixed, ['n1', 'n2'])).toEqual([1, 1]);
    const distinct: ClaimConstraint[] = [{ kind: 'distinct', attribute, requests: [] }];
    expect(pods(claiming({ count: 2 }, { constraints: distinct }), mixed, ['n1', 'n2'])).toEqual([2, 2]);
  });

  it('on devices whose taints the request tolerates', () => {
    const tainted = offers({ n1: [{ taint: true }, {}] });
    expect(pods(claiming({}), tainted)).toEqual([1, 1]);
    expect(pods(claiming({ tolerations: [{ key: 'unhealthy', operator: 'Exists' }] }), tainted)).toEqual([2, 2]);
  });

  it('as far as parts of one GPU leave each other what they share', () => {
    const parts = offers({ n1: [{ consumes: 8 }, { consumes: 4 }, { consumes: 4 }, { consumes: 2 }] });
    expect(pods(claiming({ count: 2 }), parts)).toEqual([1, 1]);
    expect(pods(claiming({ count: 3 }), parts)).toEqual([0, 0]);
    expect(pods(claiming({}), offers({ n1: [{ consumes: 8 }, { consumes: 4 }] }, [`${DRIVER}/n1/gpu-1`]))).toEqual([
      1, 0,
    ]);
  });

  it('for all devices of a node only where none is held, and nowhere while a pool is being updated', () => {
    const all = claiming({ count: 'all' });
    const held = [`${DRIVER}/n1/gpu-0`];
    expect(pods(all, offers({ n1: four, n2: [{}] }, held), ['n1', 'n2'])).toEqual([2, 1]);
    expect(pods(all, offers({ n1: four }, [], 2))).toEqual([0, 0]);
  });

  it('by a resource name that a class stands in for, where no device plugin offers it', () => {
    const asking = podSet({ devices: [request(2)] });
    expect(pods(asking, offers({ n1: four }, [`${DRIVER}/n1/gpu-3`]))).toEqual([2, 1]);
  });
});

describe('it cannot be told what pods get', () => {
  const one = offers({ n1: [{}] });

  it.each<[string, PodSet, RegExp]>([
    [
      'whose selector fails on a device',
      claiming({ selectors: [`device.attributes['${DRIVER}'].nosuch == 1`] }),
      /fails on the device gpu-0/,
    ],
    ['whose selector is not understood', claiming({ selectors: ['device.driver.nosuch() == 1'] }), /is not understood/],
    [
      'that share one claim',
      claiming({}, { replicas: 3, isShared: true }),
      /its 3 pods share the devices of one claim, gpus/,
    ],
    ['that watch what others hold', claiming({ adminAccess: true }), /devices that others hold/],
  ])('%s', (_, asking, words) => {
    expect(pods(asking, one)).toMatch(words);
  });

  it('where nothing is known of what drivers hand out', () => {
    const cluster = indexCluster(snapshot(node('n1', [{ gib: 80 }])));
    expect(candidateOrReason(claiming({}), cluster, null)).toBe(
      'which devices the claim for gpu.nvidia.com may get is not known',
    );
  });
});
