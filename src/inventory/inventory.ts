import type { DeviceClaimClass, DevicePool } from './resource-slice.js';

/** Where a capacity was learnt, in falling order of trust. */
export type CapacitySource = 'dcgm' | 'prometheus' | 'resource-slice' | 'node-label' | 'instance-type' | 'catalog';

/** A GPU or MIG instance as something that a container can be given. */
export interface Device {
  /** GPU UUID; made up as `<node>/<index>` where only labels are known. */
  uuid: string;
  /** GPU instance id for MIG, else null. (uuid, gpuInstance) is the key. */
  gpuInstance: string | null;
  node: string;
  index: number;
  /** Catalog name of the model, or the exporter's own text where the catalog does not know it. */
  model: string;
  /** `3g.40gb` and the like; null for a whole GPU. */
  migProfile: string | null;
  /** Extended resource under which it is handed out: `nvidia.com/gpu`, `nvidia.com/mig-3g.40gb`, ... */
  resource: string;
  /** Containers that share it at a time (time-slicing, MPS); 1: exclusive. */
  replicas: number;
  /** Bytes a process can ever use: FREE + USED at their largest. */
  capacityBytes: number;
  capacitySource: CapacitySource;
  /** How the capacity was worked out, for people: `FB_FREE + FB_USED`, `nvidia.com/gpu.memory less 447 MiB ...`. */
  capacityNote?: string;
  /** Bytes in use and free at the last sample; null where only labels are known. */
  usedBytes: number | null;
  /** Epoch milliseconds of the last sample or label reading. */
  seenAtMs: number;
  /** Pods that hold it, as `namespace/name`, where the exporter says so. */
  pods: readonly string[];
  /** Bytes in use by each of them, where the exporter tells them apart (virtual GPUs). */
  usedByPod?: Readonly<Record<string, number>>;
  /** Its key in `DeviceOffers`, where a driver hands it out to claims. */
  offer?: string;
}

/** What dynamic resource allocation hands out, to pods that claim it. */
export interface DeviceOffers {
  pools: readonly DevicePool[];
  classes: readonly DeviceClaimClass[];
  /** Keys of the devices that claims hold. */
  allocated: readonly string[];
}

export interface Taint {
  key: string;
  value: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

export interface Node {
  name: string;
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
  unschedulable: boolean;
  ready: boolean;
  /** Amounts by resource name, in base units. */
  allocatable: Readonly<Record<string, number>>;
  /** Asked for by the pods bound here, by resource name. */
  requested: Readonly<Record<string, number>>;
  /** A node that is only supposed, to try a workload on: it takes every pod, whatever that selects or asks besides. */
  supposed?: boolean;
  /** A node that is not there yet: an autoscaler may add it to its pool. Pods can run there later, not now. */
  potential?: boolean;
}

/** All that is known of the cluster at one moment. Swapped whole, never changed in place. */
export interface InventorySnapshot {
  takenAtMs: number;
  nodes: readonly Node[];
  devices: readonly Device[];
  /** Left out where nothing is known of it: what a claim may get is not known then. */
  offers?: DeviceOffers;
}
