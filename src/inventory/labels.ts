import { usableOf } from './capacity.js';
import type { Gpu } from './gpu-catalog.js';
import { INSTANCE_TYPES, KARPENTER_GPU_NAMES } from './instance-types.js';
import type { CapacitySource, Node } from './inventory.js';
import { MIB } from './reading.js';
import type { GpuLookup } from './reading.js';

/** Equal devices of a node, as its labels tell: which model, how many, how much of each can be used. */
export interface LabelledDevices {
  vendor: 'nvidia' | 'amd';
  model: string;
  migProfile: string | null;
  count: number;
  capacityBytes: number;
  capacitySource: CapacitySource;
  capacityNote: string;
}

/** Reads the devices of a node from one family of labels; empty where the labels are not there or say nothing. */
export interface LabelReader {
  name: string;
  read(node: Node, gpus: GpuLookup): readonly LabelledDevices[];
}

type Labels = Node['labels'];

const MIG_PRODUCT = /-MIG-(\d+g\.\d+gb(?:\.me)?)$/i;
const MIG_COUNT_LABEL = /^nvidia\.com\/mig-(\d+g\.\d+gb(?:\.[a-z0-9.]+?)?)\.count$/;

/** A number from a label; null where absent or not a plain count. Some tools write `40448 MiB`. */
export function numberLabel(labels: Labels, key: string): number | null {
  const digits = /^(\d{1,9})(?: ?MiB)?$/.exec(labels[key] ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

/** The MIG strategy that the device plugin runs with; null where no label says. */
export function migStrategyOf(labels: Labels): 'none' | 'single' | 'mixed' | null {
  const text = labels['nvidia.com/mig.strategy'];
  return text === 'none' || text === 'single' || text === 'mixed' ? text : null;
}

/** Model and MIG profile out of `nvidia.com/gpu.product`; null where absent or `MIG-INVALID`. */
export function productOf(labels: Labels): { model: string; migProfile: string | null } | null {
  const product = labels['nvidia.com/gpu.product']?.replace(/-SHARED$/, '');
  if (product === undefined || product === '' || product.endsWith('-MIG-INVALID')) return null;
  const migProfile = MIG_PRODUCT.exec(product)?.[1] ?? null;
  return { model: product.replace(MIG_PRODUCT, ''), migProfile };
}

/**
 * GPU Feature Discovery. `gpu.memory` is NVML's total in MiB before the driver's reserve; under the single MIG strategy
 * product and memory are those of the slice; under mixed each profile has labels of its own. A node with several models
 * carries the labels of one of them only, so a count beyond what the labels say stays unread.
 * Source: k8s-device-plugin, docs/gpu-feature-discovery and internal/lm.
 */
const gpuFeatureDiscovery: LabelReader = {
  name: 'gpu-feature-discovery',
  read(node, gpus) {
    const product = productOf(node.labels);
    if (product === null) return [];
    const gpu = gpus.find(product.model);
    const whole = wholeGpus(node, product, gpu);
    const slices = migStrategyOf(node.labels) === 'mixed' ? mixedSlices(node, product.model, gpu) : [];
    return [...(whole === null ? [] : [whole]), ...slices];
  },
};

function wholeGpus(
  node: Node,
  product: { model: string; migProfile: string | null },
  gpu: Gpu | null,
): LabelledDevices | null {
  const memoryMib = numberLabel(node.labels, 'nvidia.com/gpu.memory') ?? gpu?.totalMib ?? 0;
  const count = wholeCount(node);
  if (memoryMib === 0 || count === 0) return null;
  const sliced = product.migProfile !== null;
  const { capacityMib, note } = sliced ? { capacityMib: memoryMib, note: 'of the slice' } : usableOf(memoryMib, gpu);
  return nvidia(gpu?.model ?? product.model, {
    migProfile: product.migProfile,
    count,
    capacityBytes: capacityMib * MIB,
    capacitySource: 'node-label',
    capacityNote: `nvidia.com/gpu.memory ${note}`,
  });
}

/** GPUs handed out whole: what the node offers where it says so (MIG parents are in `gpu.count`, but not on offer). */
function wholeCount(node: Node): number {
  const labelled = numberLabel(node.labels, 'nvidia.com/gpu.count') ?? 0;
  const offered = offeredOf(node, ['nvidia.com/gpu', 'nvidia.com/gpu.shared']);
  if (offered === null) return labelled;
  const devices = Math.floor(offered / replicasOf(node, offered));
  return labelled === 0 ? devices : Math.min(devices, labelled);
}

/** Amount offered under the names; null where the node says nothing of any device. */
function offeredOf(node: Node, resources: readonly string[]): number | null {
  if (!Object.keys(node.allocatable).some((name) => /^(nvidia|amd)\.com\//.test(name))) return null;
  return resources.reduce((sum, name) => sum + (node.allocatable[name] ?? 0), 0);
}

/**
 * Containers that share one GPU. GPU Feature Discovery writes `gpu.replicas` per GPU, its README reads as if it were the
 * node's total: where the amount on offer equals the label itself on a node of several GPUs, it is the total.
 */
export function replicasOf(node: Pick<Node, 'labels'>, offered: number): number {
  const labelled = numberLabel(node.labels, 'nvidia.com/gpu.replicas') ?? 1;
  const count = numberLabel(node.labels, 'nvidia.com/gpu.count') ?? 1;
  if (labelled <= 1) return 1;
  if (count > 1 && offered === labelled && labelled % count === 0) return labelled / count;
  return labelled;
}

function mixedSlices(node: Node, model: string, gpu: Gpu | null): readonly LabelledDevices[] {
  return Object.keys(node.labels).flatMap((key) => {
    const profile = MIG_COUNT_LABEL.exec(key)?.[1];
    return profile === undefined ? [] : (slice(node, profile, gpu?.model ?? model, gpu) ?? []);
  });
}

function slice(node: Node, profile: string, model: string, gpu: Gpu | null): LabelledDevices | null {
  const count = numberLabel(node.labels, `nvidia.com/mig-${profile}.count`) ?? 0;
  const known = gpu?.migProfiles.find((row) => row.profile.replace('+', '.') === profile)?.memoryMib ?? null;
  const memoryMib = numberLabel(node.labels, `nvidia.com/mig-${profile}.memory`) ?? known;
  if (count === 0 || memoryMib === null || memoryMib === 0) return null;
  return nvidia(model, {
    migProfile: profile,
    count,
    capacityBytes: memoryMib * MIB,
    capacitySource: 'node-label',
    capacityNote: `nvidia.com/mig-${profile}.memory`,
  });
}

const nvidia = (model: string, rest: Omit<LabelledDevices, 'vendor' | 'model'>): LabelledDevices => ({
  vendor: 'nvidia',
  model,
  ...rest,
});

/**
 * AMD's node labeller: `amd.com/gpu.vram` such as `192G`, binary in fact. Older releases, and nodes with cards of several
 * sizes, have the size in the key and the count as the value (ROCm/k8s-device-plugin, cmd/k8s-node-labeller).
 */
const amdNodeLabeller: LabelReader = {
  name: 'amd-node-labeller',
  read(node, gpus) {
    const offered = node.allocatable['amd.com/gpu'] ?? 0;
    const name = amdProduct(node.labels);
    const gpu = gpus.find(name);
    const sizes = amdSizes(node.labels, offered);
    return sizes.flatMap(({ gib, count }): LabelledDevices[] => {
      if (count === 0) return [];
      const { capacityMib, note } = usableOf(gib * 1024, sizes.length === 1 ? gpu : null);
      return [
        {
          vendor: 'amd',
          model: sizes.length === 1 && gpu !== null ? gpu.model : name,
          migProfile: null,
          count,
          capacityBytes: capacityMib * MIB,
          capacitySource: 'node-label',
          capacityNote: `amd.com/gpu.vram ${note}`,
        },
      ];
    });
  },
};

const AMD_PREFIXES = ['amd.com/gpu.', 'beta.amd.com/gpu.'];

const amdLabel = (labels: Labels, key: string): string | undefined =>
  AMD_PREFIXES.map((prefix) => labels[prefix + key]).find((value) => value !== undefined);

/** What stands behind a key, with the count that is its value: `amd.com/gpu.vram.64G: "4"`. */
function amdCounts(labels: Labels, key: string): ReadonlyMap<string, number> {
  const starts = AMD_PREFIXES.map((prefix) => `${prefix}${key}.`);
  const found = Object.entries(labels).flatMap(([label, value]): [string, number][] => {
    const start = starts.find((one) => label.startsWith(one));
    return start === undefined || !/^\d{1,3}$/.test(value) ? [] : [[label.slice(start.length), Number(value)]];
  });
  return new Map(found);
}

function amdProduct(labels: Labels): string {
  const products = [...amdCounts(labels, 'product-name').keys()];
  const named = amdLabel(labels, 'product-name') ?? (products.length === 1 ? products[0] : undefined);
  return (named ?? amdLabel(labels, 'family') ?? 'AMD').replaceAll('_', ' ');
}

/** Cards by size; where there is one size only, as many as the node offers. */
function amdSizes(labels: Labels, offered: number): readonly { gib: number; count: number }[] {
  const gibOf = (text: string): number => Number(/^(\d{1,4})G$/.exec(text)?.[1] ?? 0);
  const single = gibOf(amdLabel(labels, 'vram') ?? '');
  if (single > 0) return [{ gib: single, count: offered }];
  const sizes = [...amdCounts(labels, 'vram')].map(([text, count]) => ({ gib: gibOf(text), count }));
  const known = sizes.filter(({ gib }) => gib > 0);
  return offered === 0 ? [] : known.map(({ gib, count }) => ({ gib, count: known.length === 1 ? offered : count }));
}

/** Cloud labels: GKE's accelerator, Karpenter's GPU name and memory, CoreWeave's model, else the instance type. */
const instanceTypes: LabelReader = {
  name: 'instance-type',
  read(node, gpus) {
    const hint = cloudHint(node.labels);
    if (hint === null) return [];
    const gpu = gpus.find(hint.model);
    const count = offeredOf(node, ['nvidia.com/gpu', 'nvidia.com/gpu.shared']) ?? hint.count ?? 0;
    if (gpu === null || gpu.totalMib === null || count === 0) return [];
    const { capacityMib, note } = usableOf(gpu.totalMib, gpu);
    return [
      nvidia(gpu.model, {
        migProfile: null,
        count,
        capacityBytes: capacityMib * MIB,
        capacitySource: 'instance-type',
        capacityNote: `${hint.label} ${note}`,
      }),
    ];
  },
};

interface CloudHint {
  label: string;
  model: string;
  count: number | null;
}

function cloudHint(labels: Labels): CloudHint | null {
  return karpenterHint(labels) ?? acceleratorHint(labels) ?? instanceHint(labels);
}

function karpenterHint(labels: Labels): CloudHint | null {
  const name = labels['karpenter.k8s.aws/instance-gpu-name'];
  if (name === undefined) return null;
  const memoryMib = numberLabel(labels, 'karpenter.k8s.aws/instance-gpu-memory');
  const count = numberLabel(labels, 'karpenter.k8s.aws/instance-gpu-count');
  const sized = KARPENTER_GPU_NAMES.get(name)?.find((row) => memoryMib === null || memoryMib >= row.fromMib);
  return { label: 'karpenter.k8s.aws/instance-gpu-name', model: sized?.model ?? name, count };
}

function acceleratorHint(labels: Labels): CloudHint | null {
  for (const label of ['cloud.google.com/gke-accelerator', 'gpu.nvidia.com/model']) {
    const model = labels[label];
    if (model !== undefined) return { label, model: model.replaceAll('_', '-'), count: null };
  }
  return null;
}

function instanceHint(labels: Labels): CloudHint | null {
  const label = 'node.kubernetes.io/instance-type';
  const type = labels[label] ?? labels['beta.kubernetes.io/instance-type'] ?? '';
  const row = INSTANCE_TYPES.find(({ pattern }) => pattern.test(type));
  if (row === undefined) return null;
  return { label: `${label} ${type}`, model: row.model, count: row.count(type) };
}

/** In falling order of trust: the first that says something of a node is taken. */
export const LABEL_READERS: readonly LabelReader[] = [gpuFeatureDiscovery, amdNodeLabeller, instanceTypes];

/** The devices that a node's labels speak of, from the most trusted family that says anything. */
export function readLabels(node: Node, gpus: GpuLookup): readonly LabelledDevices[] {
  for (const reader of LABEL_READERS) {
    const devices = reader.read(node, gpus);
    if (devices.length > 0) return devices;
  }
  return [];
}
