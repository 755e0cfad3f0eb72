import type { Gpu, GpuCatalog } from './gpu-catalog.js';
import type { Sample } from './exposition.js';
import type { CapacitySource } from './inventory.js';

/** Looks a GPU up by any of its spellings (NVML name, exporter label, node label, alias). */
export type GpuLookup = Pick<GpuCatalog, 'find'>;

/** The same answers, each worked out once: a cluster has thousands of GPUs of a handful of models. */
export function remembered(gpus: GpuLookup): GpuLookup {
  const known = new Map<string, Gpu | null>();
  return {
    find(name) {
      const answer = known.get(name);
      if (answer !== undefined) return answer;
      const found = gpus.find(name);
      known.set(detached(name), found);
      return found;
    },
  };
}

/** One device as one source saw it at one moment. */
export interface DeviceReading {
  vendor: 'nvidia' | 'amd';
  uuid: string;
  /** GPU instance id for MIG, else null. (uuid, gpuInstance) is the key of a device. */
  gpuInstance: string | null;
  /** Node name as the source gives it; null where it does not say. */
  node: string | null;
  index: number;
  /** Model as published; empty where the source does not say. */
  model: string;
  migProfile: string | null;
  driverVersion: string | null;
  capacityBytes: number;
  capacitySource: CapacitySource;
  /** How the capacity was worked out, for people: `FB_FREE + FB_USED`, ... */
  capacityNote: string;
  usedBytes: number | null;
  seenAtMs: number;
  /** Pods that hold it, as `namespace/name`. */
  pods: readonly string[];
  /** Bytes in use by each of them, where the exporter tells them apart. */
  usedByPod?: Readonly<Record<string, number>>;
}

/** Where samples came from: what the labels themselves may not say. */
export interface ScrapeContext {
  source: Extract<CapacitySource, 'dcgm' | 'prometheus'>;
  /** The node that the exporter runs on, where discovery knows it: then it wins over the labels. */
  node: string | null;
  /** The node to take where neither discovery nor labels say; null: such devices cannot be placed. */
  fallbackNode?: string;
  seenAtMs: number;
  gpus: GpuLookup;
}

/** Reads the samples of one exporter family. Metrics of others are ignored. */
export interface MetricReader {
  name: string;
  /** The metrics that hold what is read, as exporters spell them. */
  metrics: ReadonlySet<string>;
  read(samples: readonly Sample[], context: ScrapeContext): readonly DeviceReading[];
}

export const MIB = 1024 ** 2;

/** The key of a device: equal for readings of the same GPU or GPU instance. */
export function deviceKey(device: { uuid: string; gpuInstance: string | null }): string {
  return device.gpuInstance === null ? device.uuid : `${device.uuid}/${device.gpuInstance}`;
}

/** A copy that does not keep the large text alive which `text` was cut from (V8 keeps the parent of a slice). */
export function detached(text: string): string {
  return ` ${text}`.slice(1);
}
