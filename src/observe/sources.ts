import type { Device } from '../inventory/inventory.js';
import type { HolderPod } from '../observation/holder-pod.js';
import type { ObservedRun } from '../observation/pod-observation.js';
import type { ObjectReference } from '../workload/workload.js';

/** Knows the pods of the cluster that hold devices. */
export interface HolderPods {
  /** Those that are not done. Answers from memory. */
  pods(): readonly HolderPod[];
  /** Calls `listener` with each pod that is done or deleted, as it was before. */
  onGone(listener: (pod: HolderPod) => void): void;
  /** The same pod as it is now that it is done; null where it was deleted. */
  finalOf(pod: HolderPod): Promise<HolderPod | null>;
}

/** Injection token of the HolderPods; nothing is injected where no cluster is watched. */
export const HOLDER_PODS = Symbol('holder pods');

/** What a pod belongs to, and what it trains. */
export interface PodOrigin {
  workload: ObjectReference;
  /** null: what it trains was not read. */
  run: ObservedRun | null;
}

/** Finds the workload of a pod and what was read and estimated of it on a device. */
export interface PodOrigins {
  /** null: no workload of it is known (yet), or it is left alone. Rejects where it cannot be assessed now. */
  originOf(pod: HolderPod, device: Pick<Device, 'model'>): Promise<PodOrigin | null>;
}

/** Injection token of the PodOrigins; nothing is injected where no cluster is watched. */
export const POD_ORIGINS = Symbol('pod origins');
