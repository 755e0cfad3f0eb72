import type { DeviceTraits } from '../../memory/estimate.js';
import type { ProgramOptions } from '../../run/program-options.js';
import type { RunField, RunValues, TrainingRun } from '../../run/training-run.js';
import type { PodSet } from '../../workload/workload.js';
import type { PodSetFit, Verdict } from '../assessment.js';
import type { Cluster } from '../cluster.js';
import type { DeviceClass } from '../device-class.js';
import type { Room } from '../room.js';

type Affinity = NonNullable<PodSetFit['affinity']>;

/** One thing that a proposal changes: a setting of the run, or what the pods ask for. */
export type Edit =
  | { field: RunField; value: unknown; /** It follows from another edit: nobody has to write it. */ follows?: true }
  | { field: 'request.devices'; value: number }
  | { field: 'request.resource'; value: string; migProfile: string | null }
  | { field: 'placement.affinity'; value: Affinity };

/** A change that may help, before it is estimated. */
export interface Proposal {
  edits: readonly Edit[];
  /** What the person gives up, in words; empty where nothing. */
  costs: readonly string[];
  /** What it sets free, in words. */
  gain?: string;
}

/** A device class that a pod set may be given, with the capacity that a process is held to. */
export interface Target {
  deviceClass: DeviceClass;
  capacityBytes: number;
  computeCapability: number | null;
  vendor: DeviceTraits['vendor'];
}

/** What advice is sought for: pod sets of a workload that train with one and the same run. */
export interface Subject {
  podSets: readonly PodSet[];
  /** The run of the first pod set, and those of all: equal in values, read from different places. */
  run: TrainingRun;
  /** What it is among several runs on its device; the others stay as they are, but for what concerns all of them. */
  role: string;
  /** How the run's program is told things; null where nothing is known of it. */
  options: ProgramOptions | null;
  runs: readonly { podSet: PodSet; run: TrainingRun }[];
  values: RunValues;
  /** `model_type` of the catalog's row; null where the model is described, not named. */
  modelType: string | null;
  /** Its dimensions in the terms of `config.json`; null where they are not known. */
  config: Readonly<Record<string, unknown>> | null;
  fit: PodSetFit;
  /** The largest device that the pods may be given; null where there is none. */
  target: Target | null;
  room: Room;
  cluster: Cluster;
}

/** One kind of change: proposals from the mildest to the strongest, none where it does not apply. */
export interface AdviceKind {
  name: string;
  /** Verdicts that it answers. */
  answers: readonly Verdict[];
  /** What the person gives up: some speed at most, devices, or the training's result being the same. */
  price: 'speed' | 'devices' | 'result';
  /** Whether it may be joined with other kinds. */
  combines: boolean;
  ladder(subject: Subject): readonly Proposal[];
}

/** Verdicts that ask for less memory. */
export const SHORT_OF_MEMORY: readonly Verdict[] = ['will-not-fit', 'tight', 'fits-some'];
/** Of these the ones that are worth a dear change: where some devices fit, choosing them costs less. */
export const SHORT_EVERYWHERE: readonly Verdict[] = ['will-not-fit', 'tight'];
