import { capacityOf } from './capacity.js';
import type { FrameBuffer } from './capacity.js';
import type { Sample } from './exposition.js';
import type { Gpu } from './gpu-catalog.js';
import { deviceKey, detached, MIB, remembered } from './reading.js';
import type { DeviceReading, MetricReader, ScrapeContext } from './reading.js';

type Field = keyof FrameBuffer;

/** Field numbers 250 to 253 of DCGM under the names of all exporter generations. */
const FIELD_OF_METRIC: ReadonlyMap<string, Field> = new Map([
  ['DCGM_FI_DEV_FB_FREE', 'free'],
  ['DCGM_FI_DEV_FB_USED', 'used'],
  ['DCGM_FI_DEV_FB_RESERVED', 'reserved'],
  ['DCGM_FI_DEV_FB_TOTAL', 'total'],
  ['dcgm_fi_dev_fb_free', 'free'],
  ['dcgm_fi_dev_fb_used', 'used'],
  ['dcgm_fi_dev_fb_reserved', 'reserved'],
  ['dcgm_fi_dev_fb_total', 'total'],
  ['dcgm_fb_free', 'free'],
  ['dcgm_fb_used', 'used'],
  ['dcgm_fb_total', 'total'],
]);

/** DCGM's blanks (int32 and int64 maxima) that old exporters print as values; no GPU has 4 TB. */
const LARGEST_CREDIBLE_MIB = 4_000_000;

/** Exporter pods carry these words in their names; such a pod does not hold the GPU, it watches it. */
const EXPORTER_POD = /dcgm-exporter|metrics-exporter/;

/** dcgm-exporter's frame-buffer metrics, as scraped or as a Prometheus server gives them. */
export const dcgm: MetricReader = {
  name: 'dcgm',
  metrics: new Set(FIELD_OF_METRIC.keys()),
  read: readDcgm,
};

/** Frame-buffer figures of one device, apart per pod that a series is labelled with (empty: the device's own). */
interface Group {
  labels: ReadonlyMap<string, string>;
  uuid: string;
  gpuInstance: string | null;
  index: number;
  node: string | null;
  seenAtMs: number;
  /** Exporter, then pod. */
  series: Map<string, Map<string, FrameBuffer>>;
}

/**
 * Devices of a scrape: one reading per (UUID, GPU instance), whatever labels are renamed, absent or repeated.
 * Devices whose figures are blank or missing are left out: what was known of them then stands.
 */
function readDcgm(samples: readonly Sample[], context: ScrapeContext): readonly DeviceReading[] {
  const groups = new Map<string, Group>();
  const gpus = remembered(context.gpus);
  for (const sample of samples) {
    const field = FIELD_OF_METRIC.get(sample.metric);
    if (field === undefined || !isCredible(sample.value)) continue;
    addSample(groups, sample, field, context);
  }
  return [...groups.values()].flatMap((group) => readingOf(group, { ...context, gpus }) ?? []);
}

const isCredible = (mib: number): boolean => mib >= 0 && mib <= LARGEST_CREDIBLE_MIB;

function addSample(groups: Map<string, Group>, sample: Sample, field: Field, context: ScrapeContext): void {
  const identity = identify(sample.labels, context);
  if (identity === null) return;
  const key = deviceKey(identity);
  let group = groups.get(key);
  if (group === undefined) {
    group = { ...identity, labels: sample.labels, seenAtMs: context.seenAtMs, series: new Map() };
    groups.set(key, group);
  }
  if (sample.timestampMs !== null) group.seenAtMs = Math.min(sample.timestampMs, context.seenAtMs);
  const exporter = exporterOf(sample.labels);
  const bySharer = group.series.get(exporter) ?? new Map<string, FrameBuffer>();
  group.series.set(exporter, bySharer);
  const sharer = sharerOf(sample.labels);
  const frame = bySharer.get(sharer) ?? {};
  bySharer.set(sharer, frame);
  frame[field] = sample.value;
}

type Identity = Pick<Group, 'uuid' | 'gpuInstance' | 'index' | 'node'>;

/** Which device a series is of; null where the labels do not say. */
function identify(labels: ReadonlyMap<string, string>, context: ScrapeContext): Identity | null {
  const node = context.node ?? nodeOf(labels) ?? context.fallbackNode ?? null;
  const index = indexOf(labels);
  const published = label(labels, 'UUID', 'uuid', 'gpu_uuid');
  const uuid = published ?? (node !== null && index !== null ? `${node}/${index}` : null);
  if (uuid === null) return null;
  return { uuid, gpuInstance: label(labels, 'GPU_I_ID', 'gpu_i_id'), index: index ?? 0, node };
}

/** The first of the labels that is there and not empty. */
function label(labels: ReadonlyMap<string, string>, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = labels.get(name);
    if (value !== undefined && value !== '') return value;
  }
  return null;
}

const nodeOf = (labels: ReadonlyMap<string, string>): string | null =>
  label(labels, 'Hostname', 'hostname', 'exported_hostname', 'exported_Hostname', 'node', 'kubernetes_node');

function indexOf(labels: ReadonlyMap<string, string>): number | null {
  const text = label(labels, 'gpu', 'minor_number') ?? label(labels, 'device')?.replace(/^nvidia/, '') ?? '';
  return /^\d{1,4}$/.test(text) ? Number(text) : null;
}

/** Tells apart what several exporters (or one exporter before and after a restart) say in a Prometheus answer. */
const exporterOf = (labels: ReadonlyMap<string, string>): string =>
  `${labels.get('job') ?? ''}|${labels.get('instance') ?? ''}|${labels.has('exported_pod') ? (labels.get('pod') ?? '') : ''}`;

/** Whom a series is about within its device, as `virtual GPU|pod`; both empty for the device itself. */
const sharerOf = (labels: ReadonlyMap<string, string>): string => `${labels.get('vgpu') ?? ''}|${podOf(labels) ?? ''}`;
const THE_DEVICE_ITSELF = '|';

/**
 * The pod that holds the GPU, as `namespace/name`. Behind a Prometheus that keeps target labels, the workload's own
 * come as `exported_*` and `pod` is the exporter (dcgm-exporter#85).
 */
function podOf(labels: ReadonlyMap<string, string>): string | null {
  const exported = label(labels, 'exported_pod');
  if (exported !== null) return `${label(labels, 'exported_namespace') ?? ''}/${exported}`;
  const pod = label(labels, 'pod', 'pod_name');
  if (pod === null || EXPORTER_POD.test(pod)) return null;
  return `${label(labels, 'namespace', 'pod_namespace') ?? ''}/${pod}`;
}

function readingOf(group: Group, context: ScrapeContext): DeviceReading | null {
  const model = label(group.labels, 'modelName', 'model_name', 'modelname') ?? '';
  const gpu = context.gpus.find(model);
  const frames = [...group.series.values()].map(frameOf);
  const candidates = frames.flatMap((frame) => capacityAndUse(frame, gpu, group.gpuInstance !== null) ?? []);
  const [first] = candidates.toSorted((a, b) => b.capacityMib - a.capacityMib);
  if (first === undefined) return null;
  return {
    vendor: 'nvidia',
    uuid: detached(group.uuid),
    gpuInstance: group.gpuInstance === null ? null : detached(group.gpuInstance),
    node: group.node === null ? null : detached(group.node),
    index: group.index,
    model: detached(model),
    migProfile: detachedOrNull(label(group.labels, 'GPU_I_PROFILE', 'gpu_i_profile')),
    driverVersion: detachedOrNull(label(group.labels, 'DCGM_FI_DRIVER_VERSION')),
    capacityBytes: first.capacityMib * MIB,
    capacitySource: context.source,
    capacityNote: first.note,
    usedBytes: first.usedMib === null ? null : first.usedMib * MIB,
    seenAtMs: group.seenAtMs,
    pods: podsOf(group),
    ...usedByPodOf(group),
  };
}

/**
 * Memory of each pod on a virtual GPU, where the device has figures of its own beside theirs (dcgm-exporter#594). A pod
 * named on series of the whole device has no figure of its own there.
 */
function usedByPodOf({ series }: Group): Pick<DeviceReading, 'usedByPod'> {
  const used: Record<string, number> = {};
  const apart = [...series.values()].filter((bySharer) => bySharer.get(THE_DEVICE_ITSELF)?.used !== undefined);
  for (const [sharer, frame] of apart.flatMap((bySharer) => [...bySharer])) {
    const pod = podOnVirtualGpu(sharer);
    if (pod !== null && frame.used !== undefined) used[pod] = Math.max(used[pod] ?? 0, frame.used * MIB);
  }
  return Object.keys(used).length === 0 ? {} : { usedByPod: used };
}

function podOnVirtualGpu(sharer: string): string | null {
  const [, pod] = /^[^|]+\|(.+)$/.exec(sharer) ?? [];
  return pod === undefined ? null : detached(pod);
}

const detachedOrNull = (text: string | null): string | null => (text === null ? null : detached(text));

function capacityAndUse(
  frame: FrameBuffer,
  gpu: Gpu | null,
  mig: boolean,
): { capacityMib: number; note: string; usedMib: number | null } | null {
  const capacity = capacityOf(frame, gpu, mig);
  return capacity === null ? null : { ...capacity, usedMib: frame.used ?? null };
}

/**
 * One device's figures out of its series. Exporters repeat a device per pod that shares it; with virtual GPUs the
 * series without pod holds the use of the device and those with a pod hold the use of that pod alone
 * (dcgm-exporter#594). So: never add up; take the device's own use where there is one, else the series with the
 * largest sum of free and used, both from the same series (a stale series beside a fresh one must not be mixed).
 */
function frameOf(bySharer: ReadonlyMap<string, FrameBuffer>): FrameBuffer {
  const device = bySharer.get(THE_DEVICE_ITSELF);
  const all = [...bySharer.values()];
  const rest = { free: largest(all, 'free'), reserved: largest(all, 'reserved'), total: largest(all, 'total') };
  if (device?.used !== undefined) return defined({ ...rest, ...device });
  const [pair] = all.filter(isPair).toSorted((a, b) => b.free + b.used - (a.free + a.used));
  return defined({ ...rest, used: largest(all, 'used'), ...pair });
}

const isPair = (frame: FrameBuffer): frame is { free: number; used: number } =>
  frame.free !== undefined && frame.used !== undefined;

function largest(frames: readonly FrameBuffer[], field: Field): number | undefined {
  const values = frames.flatMap((frame) => frame[field] ?? []);
  return values.length === 0 ? undefined : Math.max(...values);
}

/** Only the figures that are there. */
const defined = (frame: { [F in Field]?: number | undefined }): FrameBuffer =>
  Object.fromEntries(Object.entries(frame).filter(([, value]) => value !== undefined));

function podsOf(group: Group): readonly string[] {
  const pods = new Set<string>();
  for (const bySharer of group.series.values()) {
    for (const sharer of bySharer.keys()) pods.add(detached(sharer.slice(sharer.indexOf('|') + 1)));
  }
  pods.delete('');
  return [...pods].sort();
}
