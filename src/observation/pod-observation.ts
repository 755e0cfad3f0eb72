import type { Interval } from '../memory/estimate.js';
import type { ObjectReference } from '../workload/workload.js';
import type { Ending } from './container-status.js';
import type { DeviceUse } from './device-use.js';

/** What a pod trains, as it was read and estimated when the pod was first seen. */
export interface ObservedRun {
  podSet: string;
  /** Hash of all settings that an estimate depends on. */
  fingerprint: string;
  /** Hash of images, commands, arguments and environment: equal for what was submitted again as it was. */
  launch: string;
  model: string | null;
  framework: string;
  /** The training program, such as `transformers`; null: not known. */
  program: string | null;
  programVersion: string | null;
  torch: string | null;
  cuda: string | null;
  /** What was expected on that device; null where it could not be estimated. */
  estimate: ObservedEstimate | null;
}

/** What an estimate said, as far as it is compared. Bytes. */
export interface ObservedEstimate {
  deviceBytes: Interval;
  minimumCapacityBytes: Interval;
  /** What `deviceBytes.expected` has in it for the CUDA context. */
  contextBytes: number;
}

/** The device model that a pod used, in the terms of the catalog. */
export interface ObservedDevice {
  /** Such as `NVIDIA H100 80GB HBM3 MIG 3g.40gb`. */
  deviceClass: string;
  model: string;
  vendor: 'nvidia' | 'amd';
  computeCapability: number | null;
}

/** What one attempt of one pod used on the device on which it used most. */
export interface PodObservation {
  /** `<uid of the pod>/<attempt>` */
  id: string;
  cluster: string;
  workload: ObjectReference;
  pod: string;
  node: string;
  /** null: what the pod trains is not known. */
  run: ObservedRun | null;
  device: ObservedDevice;
  /** Devices of the pod that were seen. */
  devices: number;
  use: DeviceUse;
  /** null: it had not ended when it was last seen. */
  ending: Ending | null;
}

/** When the observation was last added to. */
export const lastSeenMs = ({ use }: PodObservation): number => use.lastAtMs;
