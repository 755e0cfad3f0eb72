import fc from 'fast-check';
import type { JsonObject } from '../../src/workload/workload.js';

/** What one generated cluster is made of: nodes, pods that already sit on them, and pods to find a place for. */
export interface GeneratedCluster {
  nodes: readonly JsonObject[];
  /** Bound to a node from the start, with whatever they ask for. */
  bound: readonly JsonObject[];
  asking: readonly JsonObject[];
}

const NODES = 10;
const nodeName = (index: number): string => `node-${index}`;

/** Numbers, words that are none, and an empty value: what Gt and Lt meet in labels. */
const MEMORIES = ['15360', '40960', '81559', '143771', '0081559', 'large', ''] as const;
const LABELS: Readonly<Record<string, readonly string[]>> = {
  'nvidia.com/gpu.memory': MEMORIES,
  'nvidia.com/gpu.product': ['Tesla-T4', 'NVIDIA-A100-SXM4-80GB', 'NVIDIA-H100-80GB-HBM3-MIG-1g.10gb'],
  'topology.kubernetes.io/zone': ['a', 'b', 'c'],
  'example.com/tier': ['', 'gold', 'toString'],
};
const TAINTS = [
  { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' },
  { key: 'dedicated', value: 'ml', effect: 'NoSchedule' },
  { key: 'dedicated', effect: 'NoExecute' },
  { key: 'spot', value: 'true', effect: 'PreferNoSchedule' },
] as const;

/** Under which names devices are handed out, and how many a node may have of each. */
const DEVICES: readonly { resource: string; most: number }[] = [
  { resource: 'nvidia.com/gpu', most: 8 },
  { resource: 'nvidia.com/mig-1g.10gb', most: 7 },
  { resource: 'nvidia.com/mig-3g.40gb', most: 2 },
  { resource: 'amd.com/gpu', most: 4 },
];
const RESOURCES = DEVICES.map(({ resource }) => resource);

const rarely = fc.integer({ min: 0, max: 9 }).map((each) => each === 0);
const some = <T>(value: fc.Arbitrary<T>, missing: number, present: number): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: missing, arbitrary: fc.constant(null) }, { weight: present, arbitrary: value });
const halfOfThem = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => some(value, 1, 1);
const fewOfThem = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => some(value, 4, 1);

/** An object of the members that are not null. */
const without = (object: Readonly<Record<string, unknown>>): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null)) as JsonObject;

const labelsOfNode = fc
  .record(
    Object.fromEntries(Object.entries(LABELS).map(([key, values]) => [key, halfOfThem(fc.constantFrom(...values))])),
  )
  .map(without);

const devicesOfNode = fc
  .record(
    Object.fromEntries(
      DEVICES.map(({ resource, most }) => [resource, halfOfThem(fc.integer({ min: 0, max: most }).map(String))]),
    ),
  )
  .map(without);

const nodeOf = (index: number): fc.Arbitrary<JsonObject> =>
  fc
    .record({
      labels: labelsOfNode,
      host: fc.constantFrom(null, nodeName(index), `host-${index}`),
      taints: fc.subarray([...TAINTS], { maxLength: 2 }),
      isBare: fc.constantFrom(true, true, false),
      unschedulable: rarely,
      devices: devicesOfNode,
      cpu: fc.constantFrom('3', '7500m', '64'),
      memory: fc.constantFrom('8Gi', '512Gi'),
      pods: fc.constantFrom('1', '110', '110'),
      adapters: fc.constantFrom(null, '0', '2'),
    })
    .map(({ labels, host, taints, isBare, unschedulable, devices, cpu, memory, pods, adapters }) => {
      const amounts = without({ cpu, memory, pods, ...devices, 'rdma/hca': adapters });
      return {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: nodeName(index), labels: without({ ...labels, 'kubernetes.io/hostname': host }) },
        spec: { unschedulable, taints: isBare ? [] : taints.map((taint) => ({ ...taint })) },
        status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
      };
    });

const valuesOf = (key: string): fc.Arbitrary<string[]> =>
  fc.subarray([...(LABELS[key] ?? [nodeName(0), 'host-1', nodeName(2)]), 'nowhere'], { minLength: 1, maxLength: 3 });

const requirement: fc.Arbitrary<JsonObject> = fc
  .constantFrom(...Object.keys(LABELS), 'kubernetes.io/hostname')
  .chain((key) =>
    fc.oneof(
      fc.record({ operator: fc.constantFrom('In', 'NotIn'), values: valuesOf(key) }).map((rest) => ({ key, ...rest })),
      fc.constantFrom('Exists', 'DoesNotExist').map((operator) => ({ key, operator })),
      fc
        .record({
          operator: fc.constantFrom('Gt', 'Lt'),
          values: fc.constantFrom('0', '20000', '81559', '-1').map((each) => [each]),
        })
        .map((rest) => ({ key: 'nvidia.com/gpu.memory', ...rest })),
    ),
  );

const onNames: fc.Arbitrary<JsonObject> = fc.record({
  key: fc.constant('metadata.name'),
  operator: fc.constantFrom('In', 'NotIn'),
  values: fc.integer({ min: 0, max: NODES }).map((index) => [nodeName(index)]),
});

const term: fc.Arbitrary<JsonObject> = fc
  .record({
    matchExpressions: fc.array(requirement, { maxLength: 2 }),
    matchFields: fc.array(onNames, { maxLength: 1 }),
  })
  .map(({ matchExpressions, matchFields }) => ({ matchExpressions, matchFields }));

const toleration: fc.Arbitrary<JsonObject> = fc.oneof(
  fc
    .record({ taint: fc.constantFrom(...TAINTS), value: fc.constantFrom('ml', 'present', ''), anyEffect: fc.boolean() })
    .map(({ taint, value, anyEffect }) =>
      without({ key: taint.key, operator: 'Equal', value, effect: anyEffect ? null : taint.effect }),
    ),
  fc.constantFrom(...TAINTS).map(({ key }) => ({ key, operator: 'Exists' })),
  rarely.map((all): JsonObject => (all ? { operator: 'Exists' } : { key: 'other', operator: 'Exists' })),
);

const amountsOf = (devices: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> =>
  fc
    .record({
      devices,
      cpu: fc.constantFrom(null, '1', '2500m'),
      memory: fc.constantFrom(null, '1Gi', '6G'),
      adapters: rarely,
    })
    .map(({ devices: asked, cpu, memory, adapters }) => {
      const limits = without({ ...asked, 'rdma/hca': adapters ? '1' : null });
      return { limits, requests: without({ ...limits, cpu, memory }) };
    });

const oneKind: fc.Arbitrary<JsonObject> = fc
  .record({ resource: fc.constantFrom(...RESOURCES), count: fc.constantFrom('1', '1', '1', '2', '4') })
  .map(({ resource, count }) => ({ [resource]: count }));
const perhapsTwoKinds = fc
  .tuple(oneKind, rarely, oneKind)
  .map(([one, both, other]) => (both ? { ...one, ...other } : one));

const container = (name: string, resources: JsonObject, rest: JsonObject = {}): JsonObject => ({
  name,
  image: 'registry.example/train:1',
  resources,
  ...rest,
});

const containers: fc.Arbitrary<JsonObject> = fc
  .record({
    main: amountsOf(perhapsTwoKinds),
    beside: fewOfThem(amountsOf(fc.constant({}))),
    init: fewOfThem(amountsOf(oneKind)),
    sidecar: fewOfThem(amountsOf(fc.constant({}))),
    podLevel: fewOfThem(
      fc.constantFrom<JsonObject>({ requests: { cpu: '6' } }, { requests: { cpu: '4', memory: '10Gi' } }),
    ),
  })
  .map(({ main, beside, init, sidecar, podLevel }) => ({
    containers: [container('main', main), ...(beside === null ? [] : [container('beside', beside)])],
    initContainers: [
      ...(sidecar === null ? [] : [container('sidecar', sidecar, { restartPolicy: 'Always' })]),
      ...(init === null ? [] : [container('init', init)]),
    ],
    ...(podLevel === null ? {} : { resources: podLevel }),
  }));

const selector = fc
  .constantFrom(...Object.keys(LABELS))
  .chain((key) => fc.constantFrom(...(LABELS[key] ?? [])).map((value) => ({ [key]: value })));

const affinity: fc.Arbitrary<JsonObject> = fc.array(term, { minLength: 1, maxLength: 3 }).map((nodeSelectorTerms) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
}));

const pod = (name: string, spec: JsonObject): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { terminationGracePeriodSeconds: 0, ...spec },
});

const askingPod = (index: number): fc.Arbitrary<JsonObject> =>
  fc
    .record({
      work: containers,
      nodeSelector: fewOfThem(selector),
      affinity: halfOfThem(affinity),
      tolerations: fc.array(toleration, { maxLength: 3 }),
    })
    .map(({ work, nodeSelector, affinity: chosen, tolerations }) =>
      pod(`asking-${index}`, without({ ...work, nodeSelector, affinity: chosen, tolerations })),
    );

const boundPod = (index: number): fc.Arbitrary<JsonObject> =>
  fc
    .record({ work: containers, node: fc.integer({ min: 0, max: NODES - 1 }) })
    .map(({ work, node }) => pod(`bound-${index}`, { ...work, nodeName: nodeName(node) }));

const each = <T>(count: number, make: (index: number) => fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.tuple(...Array.from({ length: count }, (_, index) => make(index)));

/** Generated clusters, the same for the same seed. */
export function generatedClusters(seed: number, clusters: number, podsOfEach: number): readonly GeneratedCluster[] {
  const cluster = fc.record({
    nodes: each(NODES, nodeOf),
    bound: fc.integer({ min: 0, max: 8 }).chain((count) => each(count, boundPod)),
    asking: each(podsOfEach, askingPod),
  });
  return fc.sample(fc.noBias(cluster), { seed, numRuns: clusters });
}

/** A cluster whose devices are handed out to claims. */
export interface GeneratedOffers {
  nodes: readonly JsonObject[];
  slices: readonly JsonObject[];
  /** Claims that hold devices already, with their status. */
  held: readonly JsonObject[];
  /** Pods with the claims that they name. */
  asking: readonly { pod: JsonObject; claims: readonly JsonObject[] }[];
}

const GPU_DRIVER = 'gpu.nvidia.com';
const NETWORK_DRIVER = 'nic.example.com';

const deviceClass = (name: string, expression: string, rest: JsonObject = {}): JsonObject => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name },
  spec: { selectors: [{ cel: { expression } }], ...rest },
});

/** The classes that requests name; pods may ask for those of one by a resource name as well. */
export const DEVICE_CLASSES: readonly JsonObject[] = [
  deviceClass(
    'gpu.nvidia.com',
    `device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'`,
    {
      extendedResourceName: 'nvidia.com/gpu',
    },
  ),
  deviceClass(
    'mig.nvidia.com',
    `device.driver == "gpu.nvidia.com" && device.attributes["gpu.nvidia.com"].type == "mig"`,
  ),
  deviceClass(
    'large-gpu.nvidia.com',
    `device.driver == 'gpu.nvidia.com' && device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('40Gi')) >= 0`,
  ),
  deviceClass('nic.example.com', 'device.driver == "nic.example.com"'),
];

const SELECTORS = [
  `device.attributes['gpu.nvidia.com'].productName == 'NVIDIA H100 80GB HBM3'`,
  `device.attributes['gpu.nvidia.com'].productName.startsWith("NVIDIA") && device.attributes['gpu.nvidia.com'].index > 0`,
  `device.capacity['gpu.nvidia.com'].memory.isLessThan(quantity("41Gi"))`,
  `device.attributes['gpu.nvidia.com'].driverVersion.isGreaterThan(semver('550.0.0'))`,
  `has(device.attributes["gpu.nvidia.com"].profile) && device.attributes["gpu.nvidia.com"].profile == '1g.10gb'`,
  `!has(device.attributes['other.example.com'].x) && device.attributes['resource.kubernetes.io'].pcieRoot.matches('^pci.*1$')`,
  `"profile" in device.attributes['gpu.nvidia.com'] || device.attributes["gpu.nvidia.com"].index in [0, 2]`,
  `cel.bind(gpu, device.attributes['gpu.nvidia.com'], gpu.type == 'gpu' ? gpu.index < 2 : true)`,
];
const DEVICE_TAINT = { key: 'gpu.nvidia.com/unhealthy', value: 'true', effect: 'NoSchedule' };

const deviceOf = (index: number): fc.Arbitrary<JsonObject> =>
  fc
    .record({
      product: fc.constantFrom('NVIDIA H100 80GB HBM3', 'NVIDIA L4'),
      isInstance: fewOfThem(fc.constantFrom('1g.10gb', '3g.40gb')),
      memory: fc.constantFrom('81559Mi', '23034Mi', '40Gi'),
      root: fc.constantFrom('pci0', 'pci1'),
      version: fc.constantFrom('535.129.3', '570.86.15'),
      tainted: rarely,
    })
    .map(({ product, isInstance, memory, root, version, tainted }) => ({
      name: `gpu-${index}`,
      attributes: without({
        type: { string: isInstance === null ? 'gpu' : 'mig' },
        productName: { string: product },
        profile: isInstance === null ? null : { string: isInstance },
        index: { int: index },
        driverVersion: { version },
        'resource.kubernetes.io/pcieRoot': { string: root },
      }),
      capacity: { memory: { value: isInstance === null ? memory : '9728Mi' } },
      ...(tainted ? { taints: [{ ...DEVICE_TAINT }] } : {}),
    }));

const slice = (driver: string, node: string, devices: readonly JsonObject[], slices = 1): JsonObject => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  metadata: { name: `${node}-${driver}` },
  spec: {
    driver,
    nodeName: node,
    pool: { name: node, generation: 1, resourceSliceCount: slices },
    devices: [...devices],
  },
});

interface OfferingNode {
  node: JsonObject;
  slices: readonly JsonObject[];
}

const offeringNode = (index: number): fc.Arbitrary<OfferingNode> =>
  fc
    .record({
      devices: fc.integer({ min: 0, max: 4 }).chain((count) => each(count, deviceOf)),
      adapters: fc.integer({ min: 0, max: 1 }),
      plugin: fewOfThem(fc.constant('2')),
      isIncomplete: rarely,
    })
    .map(({ devices, adapters, plugin, isIncomplete }) => {
      const name = nodeName(index);
      const amounts = without({ cpu: '64', memory: '512Gi', pods: '110', 'nvidia.com/gpu': plugin });
      const roots = Array.from({ length: adapters }, (_, at) => ({
        name: `nic-${at}`,
        attributes: { 'resource.kubernetes.io/pcieRoot': { string: `pci${index % 2}` } },
      }));
      return {
        node: {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name, labels: { 'kubernetes.io/hostname': name } },
          status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
        },
        slices: [
          ...(devices.length === 0 ? [] : [slice(GPU_DRIVER, name, devices, isIncomplete ? 2 : 1)]),
          ...(roots.length === 0 ? [] : [slice(NETWORK_DRIVER, name, roots)]),
        ],
      };
    });

const exactly: fc.Arbitrary<JsonObject> = fc
  .record({
    deviceClassName: fc.constantFrom('gpu.nvidia.com', 'gpu.nvidia.com', 'mig.nvidia.com', 'large-gpu.nvidia.com'),
    selectors: fc.subarray(SELECTORS, { maxLength: 2 }),
    count: fc.constantFrom(1, 1, 2, 3),
    all: rarely,
    tolerant: rarely,
  })
  .map(({ deviceClassName, selectors, count, all, tolerant }) => ({
    deviceClassName,
    selectors: selectors.map((expression) => ({ cel: { expression } })),
    ...(all ? { allocationMode: 'All' } : { allocationMode: 'ExactCount', count }),
    ...(tolerant ? { tolerations: [{ key: DEVICE_TAINT.key, operator: 'Exists' }] } : {}),
  }));

const requestOf = (name: string): fc.Arbitrary<JsonObject> =>
  fc.oneof(
    { weight: 4, arbitrary: exactly.map((asked) => ({ name, exactly: asked })) },
    {
      weight: 1,
      arbitrary: fc.tuple(exactly, exactly).map(([first, second]) => ({
        name,
        firstAvailable: [
          { name: 'a', ...first },
          { name: 'b', ...second },
        ],
      })),
    },
  );

const adapter: JsonObject = { name: 'adapter', exactly: { deviceClassName: 'nic.example.com', count: 1 } };

const claimOf = (index: number): fc.Arbitrary<JsonObject> =>
  fc
    .record({
      main: requestOf('main'),
      second: fewOfThem(requestOf('second')),
      network: fewOfThem(fc.constant(adapter)),
      near: fc.boolean(),
    })
    .map(({ main, second, network, near }) => ({
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      metadata: { name: `claim-${index}`, namespace: 'default' },
      spec: {
        devices: {
          requests: [main, ...(second === null ? [] : [second]), ...(network === null ? [] : [network])],
          constraints: near ? [{ matchAttribute: 'resource.kubernetes.io/pcieRoot' }] : [],
        },
      },
    }));

const claimingPod = (index: number): fc.Arbitrary<GeneratedOffers['asking'][number]> =>
  fc
    .record({ claim: claimOf(index), byName: rarely, count: fc.constantFrom('1', '2') })
    .map(({ claim, byName, count }) => {
      const name = `asking-${index}`;
      if (byName)
        return {
          pod: pod(name, { containers: [container('main', { limits: { 'nvidia.com/gpu': count } })] }),
          claims: [],
        };
      const resourceClaims = [{ name: 'devices', resourceClaimName: `claim-${index}` }];
      const containersOfPod = [container('main', { claims: [{ name: 'devices' }] })];
      return { pod: pod(name, { resourceClaims, containers: containersOfPod }), claims: [claim] };
    });

const heldClaim = (index: number): fc.Arbitrary<JsonObject> =>
  fc
    .record({ node: fc.integer({ min: 0, max: NODES - 1 }), device: fc.integer({ min: 0, max: 3 }) })
    .map(({ node, device }) => ({
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      metadata: { name: `held-${index}`, namespace: 'default' },
      spec: { devices: { requests: [{ name: 'one', exactly: { deviceClassName: 'gpu.nvidia.com', count: 1 } }] } },
      status: {
        allocation: {
          devices: { results: [{ request: 'one', driver: GPU_DRIVER, pool: nodeName(node), device: `gpu-${device}` }] },
        },
      },
    }));

/** Generated clusters whose devices are claimed, the same for the same seed. */
export function generatedOffers(seed: number, clusters: number, podsOfEach: number): readonly GeneratedOffers[] {
  const cluster = fc
    .record({
      nodes: each(6, offeringNode),
      held: fc.integer({ min: 0, max: 6 }).chain((count) => each(count, heldClaim)),
      asking: each(podsOfEach, claimingPod),
    })
    .map(({ nodes, held, asking }) => ({
      nodes: nodes.map(({ node }) => node),
      slices: nodes.flatMap(({ slices }) => slices),
      held,
      asking,
    }));
  return fc.sample(fc.noBias(cluster), { seed, numRuns: clusters });
}
