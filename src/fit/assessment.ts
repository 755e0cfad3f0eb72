import type { Estimate, Interval } from '../memory/estimate.js';
import type { ObservedUse } from '../observation/observed-use.js';
import type { RunField, TrainingRun } from '../run/training-run.js';
import type { Unknown } from '../run/setting.js';
import type { DeviceRequest, Json, ObjectReference } from '../workload/workload.js';

export const VERDICTS = ['fits', 'fits-some', 'tight', 'will-not-fit', 'unschedulable', 'unknown'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A device on which something holds the memory that is needed now. */
export interface Occupant {
  node: string;
  /** Such as `GPU 3`. */
  device: string;
  usedBytes: number;
  /** `namespace/name`; empty where the exporter names none. */
  pods: readonly string[];
  /** Whether it is surely no pod: a process that was left behind, or one beside Kubernetes. */
  outside: boolean;
}

/** Devices of one kind, equal in everything that decides fit. */
export interface DeviceClassFit {
  /** Such as `NVIDIA A100-SXM4-80GB` or `NVIDIA H100 80GB HBM3 MIG 3g.40gb`. */
  deviceClass: string;
  /** Smallest and largest capacity within the class. */
  capacityBytes: { smallest: number; largest: number };
  requiredBytes: Interval;
  verdict: 'fits' | 'tight' | 'will-not-fit' | 'unknown';
  /** Nodes whose selectors, affinity, taints and amounts let the pods in. */
  nodes: number;
  devices: number;
  /** Pods of this pod set that can run at once: on an empty cluster, and beside what runs now. */
  podsEver: number;
  podsNow: number;
  /** Where fewer pods have room now than must run at once: what holds the memory, at most five devices. */
  occupants?: readonly Occupant[];
  /** Age of the oldest capacity used. */
  oldestSampleMs: number;
}

export interface PodSetFit {
  podSet: string;
  verdict: Verdict;
  reason: string;
  classes: readonly DeviceClassFit[];
  /** Affinity that keeps the pods on devices that fit, where the verdict is `fits-some`. */
  affinity: { key: string; operator: 'In'; values: readonly string[] } | null;
}

/** One edit that makes the manifest say what the advice promises. */
export interface Patch {
  /** `manifest`, or the file alongside. */
  document: string;
  /** Of the value; of what is not there yet where `how` is `add` or `insert`. */
  path: string;
  /**
   * Left out: characters `span` of the value become `to`; nothing is taken out where the span is empty.
   * `add`: a member of an object, its value in `value`. `insert`: items before the index that ends the path, in `value`.
   * `rename`: the key that ends the path becomes `to`.
   */
  how?: 'add' | 'insert' | 'rename';
  span?: { start: number; end: number };
  from: string;
  to: string;
  value?: Json;
}

export interface Change {
  field: RunField | 'request.devices' | 'placement.affinity' | 'request.resource';
  from: string;
  to: string;
  /** In the person's own words, such as `--per_device_train_batch_size 2 (was 8)`. */
  write: string;
  patches: readonly Patch[];
}

/** What a change does to batch and speed, by counts of operations and bytes, not by a clock. */
export interface Effects {
  globalBatch: { before: number; after: number };
  /** Floating-point operations of the layers for one sample, as a multiple of what they were. */
  operationsPerSample: number;
  /** Passes of an optimizer step, as a multiple. */
  stepsPerBatch: number;
  /** Bytes that each device sends to others for an optimizer step. */
  movedBytesPerStep: { before: number; after: number };
  /** Devices that train. */
  devices: { before: number; after: number };
}

export interface Advice {
  /** One line. */
  summary: string;
  changes: readonly Change[];
  verdict: Verdict;
  deviceBytes: Interval;
  /** The run that is promised, as in `runs`: that of the changed manifest is the same. null: not all of it was read. */
  fingerprint: string | null;
  effects: Effects;
  /** What the person gives up; empty where nothing. */
  costs: readonly string[];
}

/** What earlier runs of the same settings used on devices of one class. Bytes on the device on which they used most. */
export interface Observed {
  podSet: string;
  deviceClass: string;
  standing: ObservedUse['standing'];
  /** The most that was used, without what was in use before. */
  usedBytes: number;
  /** What was in use before, by others. */
  besideBytes: number;
  /** What the device gives in all. */
  capacityBytes: number;
  runs: number;
  /** When the last of them was last seen; milliseconds since 1970. */
  atMs: number;
  /** Whether the verdict rests on it; else it is only told. */
  decides: boolean;
}

export interface AssessedRun {
  podSet: string;
  role: string;
  training: boolean;
  settings: TrainingRun | null;
  /** Names the settings of all that the pods train: equal for runs that can be compared. null: not all of it was read. */
  fingerprint?: string | null;
  /** Names how the pods are started: equal for what is submitted again as it was. */
  launch?: string;
  unknown: readonly Unknown[];
  notes: readonly string[];
}

export interface AssessedPodSet {
  name: string;
  role: string;
  replicas: number;
  resource: string | null;
  devicesPerPod: number;
  devices: readonly DeviceRequest[];
}

/** The answer to one workload against one inventory. */
export interface Assessment {
  /** Hash of what was read and what it was held against; equal inputs give equal ids. */
  id: string;
  assessedAtMs: number;
  workload: ObjectReference & { podSets: readonly AssessedPodSet[] };
  runs: readonly AssessedRun[];
  estimates: readonly (Estimate & { podSet: string; role: string; device: string })[];
  fit: readonly PodSetFit[];
  verdict: Verdict;
  reason: string;
  advice: readonly Advice[];
  /** What earlier runs of the same settings used; left out where none was seen. */
  observed?: readonly Observed[];
  /** Contradictions in the manifest, and what had to be assumed for what another tool fills in. */
  notes?: readonly string[];
}
