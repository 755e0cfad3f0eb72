import { z } from 'zod';
import { parseQuantity } from '../workload/quantity.js';
import type { NodeRequirement, NodeTerm } from '../workload/workload.js';

/** A value that a driver publishes of a device. */
export type AttributeValue =
  { kind: 'int'; value: number } | { kind: 'bool'; value: boolean } | { kind: 'string' | 'version'; value: string };

/** Keeps claims off a device that do not tolerate it. */
export interface DeviceTaint {
  key: string;
  value: string;
  effect: 'NoSchedule' | 'NoExecute';
}

/** Nodes that a device can be reached from. */
export type Reach = { kind: 'node'; name: string } | { kind: 'all' } | { kind: 'selector'; terms: readonly NodeTerm[] };

/** A device as a ResourceSlice offers it to claims. Pool and name are its key within a driver. */
export interface SliceDevice {
  driver: string;
  pool: string;
  name: string;
  reach: Reach;
  /** By name with its domain, which is the driver where none is written. */
  attributes: Readonly<Record<string, AttributeValue>>;
  /** Amounts in base units, by name with its domain. */
  capacity: Readonly<Record<string, number>>;
  taints: readonly DeviceTaint[];
  /** Amounts that it takes of what devices of its pool share, as `set/counter`; empty for a device by itself. */
  consumes: Readonly<Record<string, number>>;
}

/** A ResourceSlice: devices of one pool, and what they share. */
export interface ResourceSlice {
  driver: string;
  pool: { name: string; generation: number; slices: number };
  devices: readonly SliceDevice[];
  /** Amounts that the pool's devices share, as `set/counter`. */
  counters: Readonly<Record<string, number>>;
}

/** A DeviceClass: what a request names, and what each of its devices must be. */
export interface DeviceClaimClass {
  name: string;
  /** CEL, as written. */
  selectors: readonly string[];
  /** The resource name under which pods may ask for its devices without a claim; null: they cannot. */
  extendedResource: string | null;
}

/** `driver/pool/name`. */
export const sliceDeviceKey = ({ driver, pool, name }: Pick<SliceDevice, 'driver' | 'pool' | 'name'>): string =>
  `${driver}/${pool}/${name}`;

const quantity = z.union([z.string().max(100), z.number()]);
const amount = z.union([quantity, z.object({ value: quantity })]);
const text = z.string().max(1000);
const attribute = z.object({
  int: z.number().nullish(),
  bool: z.boolean().nullish(),
  string: text.nullish(),
  version: text.nullish(),
});
const requirement = z.object({
  key: text,
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
  values: z.array(text).nullish(),
});
const term = z.object({
  matchExpressions: z.array(requirement).nullish(),
  matchFields: z.array(requirement).nullish(),
});
const selector = z.object({ nodeSelectorTerms: z.array(term) });
const reached = { nodeName: text.nullish(), allNodes: z.boolean().nullish(), nodeSelector: selector.nullish() };
const taint = z.object({
  key: text,
  value: text.nullish(),
  effect: z.enum(['NoSchedule', 'NoExecute']),
});
const counters = z.record(z.string(), z.object({ value: quantity }));
const described = {
  attributes: z.record(z.string(), attribute).nullish(),
  capacity: z.record(z.string(), amount).nullish(),
  taints: z.array(z.unknown()).nullish(),
  consumesCounters: z.array(z.object({ counterSet: text, counters })).nullish(),
};
const device = z.object({
  name: text,
  ...reached,
  ...described,
  basic: z.object({ ...reached, ...described }).nullish(),
});
const sliceSchema = z.object({
  spec: z.object({
    driver: text,
    pool: z.object({ name: text, generation: z.number().nullish(), resourceSliceCount: z.number().nullish() }),
    ...reached,
    devices: z.array(z.unknown()).nullish(),
    sharedCounters: z.array(z.object({ name: text, counters })).nullish(),
  }),
});
const classSchema = z.object({
  metadata: z.object({ name: text }),
  spec: z
    .object({
      selectors: z.array(z.object({ cel: z.object({ expression: z.string().max(20_000) }).nullish() })).nullish(),
      extendedResourceName: text.nullish(),
    })
    .nullish(),
});
const claimSchema = z.object({
  status: z.object({
    allocation: z.object({
      devices: z
        .object({
          results: z
            .array(z.object({ driver: text, pool: text, device: text, adminAccess: z.boolean().nullish() }))
            .nullish(),
        })
        .nullish(),
    }),
  }),
});

type DeviceObject = z.output<typeof device>;

/** The ResourceSlice that an object of resource.k8s.io (v1, v1beta2, v1beta1) describes; null where it is none. */
export function readResourceSlice(object: unknown): ResourceSlice | null {
  const { success, data } = sliceSchema.safeParse(object);
  if (!success) return null;
  const { driver, pool, devices, sharedCounters } = data.spec;
  const ofSlice = reachOf(data.spec);
  const parsed = (devices ?? []).flatMap((each) => {
    const found = device.safeParse(each);
    return found.success ? [found.data] : [];
  });
  return {
    driver,
    pool: { name: pool.name, generation: pool.generation ?? 1, slices: pool.resourceSliceCount ?? 1 },
    devices: parsed.flatMap((each) => deviceOf(each, driver, pool.name, ofSlice) ?? []),
    counters: countersOf((sharedCounters ?? []).map(({ name, counters: of }) => ({ counterSet: name, counters: of }))),
  };
}

function deviceOf(object: DeviceObject, driver: string, pool: string, ofSlice: Reach | null): SliceDevice | null {
  const from = object.basic ?? object;
  const reach = ofSlice ?? reachOf(from);
  if (reach === null) return null;
  const attributes = Object.entries(from.attributes ?? {}).flatMap(([name, value]) => {
    const read = attributeOf(value);
    return read === null ? [] : [[qualified(name, driver), read] as const];
  });
  const capacity = Object.entries(from.capacity ?? {}).flatMap(([name, value]) => {
    const read = parseQuantity(typeof value === 'object' ? value.value : value);
    return read === null ? [] : [[qualified(name, driver), read] as const];
  });
  return {
    driver,
    pool,
    name: object.name,
    reach,
    attributes: Object.fromEntries(attributes),
    capacity: Object.fromEntries(capacity),
    taints: taintsOf(from.taints),
    consumes: countersOf(from.consumesCounters ?? []),
  };
}

/** null: said by each device itself (`perDeviceNodeSelection`), or not at all. */
function reachOf({
  nodeName,
  allNodes,
  nodeSelector,
}: Pick<DeviceObject, 'nodeName' | 'allNodes' | 'nodeSelector'>): Reach | null {
  if (nodeName) return { kind: 'node', name: nodeName };
  if (allNodes === true) return { kind: 'all' };
  if (!nodeSelector) return null;
  return { kind: 'selector', terms: nodeSelector.nodeSelectorTerms.map(termOf) };
}

function termOf({ matchExpressions, matchFields }: z.output<typeof term>): NodeTerm {
  return { labels: (matchExpressions ?? []).map(requirementOf), fields: (matchFields ?? []).map(requirementOf) };
}

const requirementOf = ({ key, operator, values }: z.output<typeof requirement>): NodeRequirement => ({
  key,
  operator,
  values: values ?? [],
});

const qualified = (name: string, driver: string): string => (name.includes('/') ? name : `${driver}/${name}`);

function attributeOf({ int, bool, string, version }: z.output<typeof attribute>): AttributeValue | null {
  if (typeof int === 'number') return { kind: 'int', value: int };
  if (typeof bool === 'boolean') return { kind: 'bool', value: bool };
  if (typeof string === 'string') return { kind: 'string', value: string };
  return typeof version === 'string' ? { kind: 'version', value: version } : null;
}

function taintsOf(taints: readonly unknown[] | null | undefined): DeviceTaint[] {
  return (taints ?? []).flatMap((each) => {
    const { success, data } = taint.safeParse(each);
    return success ? [{ key: data.key, value: data.value ?? '', effect: data.effect }] : [];
  });
}

function countersOf(
  sets: readonly { counterSet: string; counters: z.output<typeof counters> }[],
): Record<string, number> {
  const amounts = sets.flatMap(({ counterSet, counters: of }) =>
    Object.entries(of).map(([name, { value }]) => [`${counterSet}/${name}`, parseQuantity(value) ?? 0] as const),
  );
  return Object.fromEntries(amounts);
}

/** The DeviceClass that an object describes; null where it is none. */
export function readDeviceClass(object: unknown): DeviceClaimClass | null {
  const { success, data } = classSchema.safeParse(object);
  if (!success) return null;
  return {
    name: data.metadata.name,
    selectors: (data.spec?.selectors ?? []).map(({ cel }) => cel?.expression ?? ''),
    extendedResource: data.spec?.extendedResourceName ?? null,
  };
}

/** Keys of the devices that a ResourceClaim holds; access for monitoring holds none. */
export function readAllocatedDevices(object: unknown): string[] {
  const { success, data } = claimSchema.safeParse(object);
  if (!success) return [];
  const results = data.status.allocation.devices?.results ?? [];
  return results
    .filter(({ adminAccess }) => adminAccess !== true)
    .map(({ driver, pool, device: name }) => sliceDeviceKey({ driver, pool, name }));
}

/** The devices of one pool that can be handed out, and what they share. */
export interface DevicePool {
  driver: string;
  name: string;
  devices: readonly SliceDevice[];
  counters: Readonly<Record<string, number>>;
  /** Whether slices are still missing: nothing is handed out of the pool then. */
  isIncomplete: boolean;
}

/**
 * Slices by pool, those of the latest generation only: a pool whose slices are not all there, or that names a device
 * twice, is not handed out of (k8s.io/dynamic-resource-allocation structured/internal, GatherPools).
 */
export function gatherPools(slices: readonly ResourceSlice[]): DevicePool[] {
  const byPool = new Map<string, ResourceSlice[]>();
  for (const slice of slices) {
    const key = `${slice.driver}/${slice.pool.name}`;
    const known = byPool.get(key) ?? [];
    byPool.set(key, known);
    known.push(slice);
  }
  return [...byPool.values()].map(poolOf);
}

function poolOf(slices: readonly ResourceSlice[]): DevicePool {
  const latest = slices.reduce((last, { pool }) => Math.max(last, pool.generation), 0);
  const current = slices.filter(({ pool }) => pool.generation === latest);
  const devices = current.flatMap((slice) => slice.devices);
  const isAmbiguous = new Set(devices.map(({ name }) => name)).size !== devices.length;
  const [first] = current;
  return {
    driver: first?.driver ?? '',
    name: first?.pool.name ?? '',
    devices,
    counters: Object.assign({}, ...current.map(({ counters: of }) => of)) as Record<string, number>,
    isIncomplete: current.length !== first?.pool.slices || isAmbiguous,
  };
}
