import type { Sample } from './exposition.js';
import { deviceKey, detached, MIB } from './reading.js';
import type { DeviceReading, MetricReader, ScrapeContext } from './reading.js';

/**
 * What the driver keeps of an Instinct GPU at idle where the catalog does not say, in MiB: the larger end of what
 * amd-smi shows (about 10 on MI210, 283 to 285 on MI300X). The exporter's free and used add up to the whole card.
 */
const IDLE_USE_MIB = 285;
const LARGEST_CREDIBLE_MIB = 4_000_000;

type Field = 'total' | 'used' | 'free';
const FIELDS: readonly Field[] = ['total', 'used', 'free'];
const METRIC_OF_FIELD = { total: 'gpu_total_vram', used: 'gpu_used_vram', free: 'gpu_free_vram' };

/**
 * AMD's device-metrics-exporter: `gpu_{total,used,free}_vram`, which say MB and are MiB. Partitions beyond the first
 * report none and are left out. The configurable metric prefix is not supported.
 * Source: ROCm/device-metrics-exporter, docs/configuration/metricslist.md.
 */
export const amdExporter: MetricReader = {
  name: 'amd-device-metrics',
  metrics: new Set(Object.values(METRIC_OF_FIELD)),
  read(samples, context) {
    const cards = new Map<string, Card>();
    for (const sample of samples) addSample(cards, sample, context);
    return [...cards.values()].flatMap((card) => readingOf(card, context) ?? []);
  },
};

interface Card {
  uuid: string;
  node: string | null;
  labels: ReadonlyMap<string, string>;
  mib: Partial<Record<Field, number>>;
  pods: Set<string>;
}

function addSample(cards: Map<string, Card>, sample: Sample, context: ScrapeContext): void {
  const field = FIELDS.find((name) => METRIC_OF_FIELD[name] === sample.metric);
  if (field === undefined || !(sample.value >= 0 && sample.value <= LARGEST_CREDIBLE_MIB)) return;
  const card = cardOf(sample.labels, context);
  if (card === null) return;
  const key = deviceKey({ uuid: card.uuid, gpuInstance: sample.labels.get('gpu_partition_id') ?? null });
  const known = cards.get(key) ?? card;
  cards.set(key, known);
  known.mib[field] = Math.max(known.mib[field] ?? 0, sample.value);
  const pod = podOf(sample.labels);
  if (pod !== null) known.pods.add(detached(pod));
}

function podOf(labels: ReadonlyMap<string, string>): string | null {
  const pod = labels.get('exported_pod') ?? labels.get('pod') ?? '';
  if (pod === '' || pod.includes('metrics-exporter')) return null;
  return `${labels.get('exported_namespace') ?? labels.get('namespace') ?? ''}/${pod}`;
}

function cardOf(labels: ReadonlyMap<string, string>, context: ScrapeContext): Card | null {
  const node = context.node ?? labels.get('hostname') ?? context.fallbackNode ?? null;
  const index = labels.get('gpu_id');
  const made = node === null || index === undefined ? null : `${node}/${index}`;
  const uuid = labels.get('gpu_uuid') ?? labels.get('serial_number') ?? made;
  return uuid === null || uuid === '' ? null : { uuid, node, labels, mib: {}, pods: new Set() };
}

function readingOf(card: Card, context: ScrapeContext): DeviceReading | null {
  const totalMib = card.mib.total ?? sumOf(card.mib);
  if (totalMib === null || totalMib <= 0) return null;
  const model = card.labels.get('card_model') ?? card.labels.get('card_series') ?? '';
  const usableMib = Math.min(totalMib, context.gpus.find(model)?.usableMib ?? totalMib - IDLE_USE_MIB);
  return {
    vendor: 'amd',
    uuid: detached(card.uuid),
    gpuInstance: partitionOf(card.labels),
    node: card.node === null ? null : detached(card.node),
    index: indexOf(card.labels),
    model: detached(model),
    migProfile: null,
    driverVersion: null,
    capacityBytes: usableMib * MIB,
    capacitySource: context.source,
    capacityNote: `gpu_total_vram less ${totalMib - usableMib} MiB driver reserve`,
    usedBytes: card.mib.used === undefined ? null : card.mib.used * MIB,
    seenAtMs: context.seenAtMs,
    pods: [...card.pods].sort(),
  };
}

function indexOf(labels: ReadonlyMap<string, string>): number {
  const id = labels.get('gpu_id') ?? '';
  return /^\d{1,4}$/.test(id) ? Number(id) : 0;
}

const sumOf = ({ free, used }: Card['mib']): number | null =>
  free === undefined || used === undefined ? null : free + used;

/** The partition, null for a card that is not partitioned (SPX). */
function partitionOf(labels: ReadonlyMap<string, string>): string | null {
  const kind = labels.get('gpu_compute_partition_type')?.toLowerCase() ?? 'spx';
  const id = labels.get('gpu_partition_id');
  return kind === 'spx' || kind === '' || id === undefined ? null : detached(id);
}
