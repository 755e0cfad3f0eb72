import type { DeviceTraits, Estimate } from '../memory/estimate.js';
import type { SharedEstimate } from '../memory/sharing/shared-device.js';
import type { DeviceRuns } from '../run/device-runs.js';
import type { Unknown } from '../run/setting.js';
import type { TrainingRun } from '../run/training-run.js';
import type { PodSet, Workload } from '../workload/workload.js';
import type { Observed, PodSetFit, Verdict } from './assessment.js';
import { acceptsOf, classRows } from './class-fit.js';
import type { ClassRow, NeedOn } from './class-fit.js';
import type { Cluster } from './cluster.js';
import type { DeviceClass } from './device-class.js';
import { gangHasRoom } from './gang.js';
import { needOf, observedNeed, shiftedNeed, TOGETHER } from './need.js';
import type { Need, RoleEstimate } from './need.js';
import { narrowed, observedOf } from './observed-need.js';
import type { Seen } from './observed-need.js';
import { candidateOrReason, fitPodSet } from './pod-set-fit.js';
import type { Candidate } from './pod-set-fit.js';

/** What estimating a run gives: an estimate, or the fields that keep it from being made. */
export type EstimateOutcome = { estimate: Estimate } | { unknown: readonly Unknown[] };
export type EstimateRun = (run: TrainingRun, device: DeviceTraits) => EstimateOutcome;
/** What estimating several runs on one device gives: each by itself, and all together. */
export type TogetherOutcome = SharedEstimate | { unknown: readonly Unknown[] };
export type EstimateTogether = (runs: DeviceRuns, device: DeviceTraits) => TogetherOutcome;

/** What was read of the pods of one pod set, as far as fitting needs it. */
export interface PodSetRun {
  podSet: string;
  role: string;
  training: boolean;
  run: TrainingRun | null;
  unknown: readonly Unknown[];
}

export interface FitQuestion {
  workload: Workload;
  runs: readonly PodSetRun[];
  cluster: Cluster;
  estimate: EstimateRun;
  estimateTogether: EstimateTogether;
  /** Traits of a device model by the name that the inventory gives it; null: the catalog does not know it. */
  traitsOf: (model: string) => DeviceTraits | null;
  /** Earlier runs of what a pod set trains; left out: none are known. */
  seen?: (podSet: PodSet, runs: readonly PodSetRun[]) => Seen;
  /** How much more the run used than was expected, from which this question's was changed. Bytes. */
  shiftBytes?: number;
}

export interface WorkloadFit {
  podSets: readonly PodSetFit[];
  verdict: Verdict;
  reason: string;
  estimates: readonly (RoleEstimate & { podSet: string })[];
  /** Why runs that were read could not be estimated. */
  notEstimated: readonly { podSet: string; unknown: readonly Unknown[] }[];
  observed: readonly Observed[];
  /** How much more earlier runs used than was expected, where that decides. Bytes. */
  excessBytes: number;
}

/** From what is best to what is worst for the person; a certain failure is worse than not knowing. */
const SEVERITY: readonly Verdict[] = ['fits', 'fits-some', 'tight', 'unknown', 'will-not-fit', 'unschedulable'];

/** How bad a verdict is: 0 for `fits`, higher is worse. */
export function severity(verdict: Verdict): number {
  return SEVERITY.indexOf(verdict);
}

const unreadable = (runs: readonly PodSetRun[]): readonly Unknown[] => {
  const unknowns = runs.flatMap((reading) => reading.unknown);
  return unknowns.length > 0 ? unknowns : [{ field: 'program', reason: 'nothing in the pods says what they train' }];
};

/** The need of one pod set's processes on a model; unknown where any of its models cannot be estimated. */
function needOnModel(runs: readonly PodSetRun[], model: string, question: FitQuestion, seen: Seen | null): Need {
  const device = question.traitsOf(model);
  const field = 'device';
  if (device === null) return { kind: 'unknown', unknown: [{ field, reason: `the catalog does not know ${model}` }] };
  const made = madeOn(device, runs, question);
  const estimates = 'unknown' in made ? [] : made.estimates;
  const known = seen === null ? null : narrowed('unknown' in made ? null : made.together, seen, device);
  if (known !== null) return observedNeed(estimates, known);
  if ('unknown' in made) return { kind: 'unknown', unknown: made.unknown };
  return shiftedNeed(needOf(estimates, made.together, guessedOf(runs)), question.shiftBytes ?? 0);
}

/** The estimates of what runs on one device, and that of all of it together. */
type Made = { estimates: readonly RoleEstimate[]; together: Estimate } | { unknown: readonly Unknown[] };

function madeOn(device: DeviceTraits, runs: readonly PodSetRun[], question: FitQuestion): Made {
  if (runs.some(({ run, unknown }) => run === null || unknown.length > 0)) return { unknown: unreadable(runs) };
  const onDevice = runs.flatMap(({ role, run }) => (run === null ? [] : [{ role, run }]));
  const [only] = onDevice;
  const { model } = device;
  if (onDevice.length === 1 && only !== undefined) {
    const outcome = question.estimate(only.run, device);
    if ('unknown' in outcome) return outcome;
    const { estimate } = outcome;
    return { estimates: [{ role: only.role, device: model, estimate }], together: estimate };
  }
  const outcome = question.estimateTogether(onDevice, device);
  if ('unknown' in outcome) return outcome;
  const { together, alone } = outcome;
  const all = [{ role: TOGETHER, estimate: together }, ...alone];
  return { estimates: all.map((one) => ({ ...one, device: model })), together };
}

/** The name of a program that was only guessed from words that others use too; null where all are known. */
function guessedOf(runs: readonly PodSetRun[]): string | null {
  const programs = runs.flatMap(({ run }) => (run?.program.evidence.kind === 'assumed' ? [run.program.value] : []));
  return programs.find((program) => program !== null)?.name ?? null;
}

const NOT_TRAINING: Need = {
  kind: 'unknown',
  unknown: [{ field: 'program', reason: 'the pods hold GPUs but do not train' }],
};

interface Needs {
  on: NeedOn;
  made: ReadonlyMap<string, Need>;
  seen: Seen | null;
}

/** Needs of a pod set by device model, each worked out once. */
export function needsOf(podSet: PodSet, question: FitQuestion): Needs {
  const runs = question.runs.filter((reading) => reading.podSet === podSet.name);
  const training = runs.filter((reading) => reading.training);
  const seen = training.length === 0 ? null : (question.seen?.(podSet, training) ?? null);
  const made = new Map<string, Need>();
  const make = (model: string): Need => {
    if (runs.length > 0 && training.length === 0) return NOT_TRAINING;
    if (training.length === 0) return { kind: 'unknown', unknown: unreadable(runs) };
    return needOnModel(training, model, question, seen);
  };
  const on = (deviceClass: DeviceClass): Need => {
    const model = deviceClass.model ?? '';
    const need = made.get(model) ?? (deviceClass.model === null ? { kind: 'unknown', unknown: [] } : make(model));
    made.set(model, need);
    return need;
  };
  return { on, made, seen };
}

function unknownFit(podSet: PodSet, reason: string): PodSetFit {
  return { podSet: podSet.name, verdict: 'unknown', reason, classes: [], affinity: null };
}

/** Cases in which nothing can be held against anything. */
function unanswerable(podSet: PodSet, cluster: Cluster): PodSetFit | null {
  if (cluster.nodes.length === 0) return unknownFit(podSet, 'the inventory is empty: no node is known yet');
  return null;
}

interface Fitted extends Needs {
  fit: PodSetFit;
  candidate: Candidate | null;
}

function fitOne(podSet: PodSet, question: FitQuestion): Fitted | null {
  const needs = needsOf(podSet, question);
  const refused = podSet.devices.length > 0 ? unanswerable(podSet, question.cluster) : null;
  if (refused !== null) return { fit: refused, candidate: null, ...needs };
  const candidate = candidateOrReason(podSet, question.cluster, question.workload.gangSize);
  if (typeof candidate === 'string') return { fit: unknownFit(podSet, candidate), candidate: null, ...needs };
  return candidate === null ? null : { fit: fitPodSet(candidate, needs.on), candidate, ...needs };
}

/** Whether the pods of all pod sets have room at once on devices whose rows are kept. */
function togetherOn(fitted: readonly Fitted[], keeps: (row: ClassRow) => boolean): boolean {
  const members = fitted.flatMap(({ candidate, on }) => {
    if (candidate === null) return [];
    return [{ ...candidate, accepts: acceptsOf(classRows(candidate.room, on).filter(keeps)) }];
  });
  return gangHasRoom(members);
}

/** The pod sets of a gang that each have room may still not have room together. */
function gangShortage(
  fitted: readonly Fitted[],
  question: FitQuestion,
): Pick<WorkloadFit, 'verdict' | 'reason'> | null {
  if (question.workload.gangSize === null || fitted.length < 2) return null;
  if (fitted.some(({ fit, candidate }) => candidate === null || fit.verdict === 'unschedulable')) return null;
  const pods = fitted.reduce((sum, { candidate }) => sum + (candidate?.podsNeeded ?? 0), 0);
  const together = `its ${pods} pods must run at once, and there is no room for all of them together`;
  if (!togetherOn(fitted, () => true)) return { verdict: 'unschedulable', reason: together };
  if (fitted.some(({ fit }) => fit.verdict === 'will-not-fit')) return null;
  if (togetherOn(fitted, (row) => row.verdict !== 'will-not-fit')) return null;
  return { verdict: 'will-not-fit', reason: `${together} on devices that can hold them` };
}

const NO_DEVICES = 'no pod asks for a GPU';

/** Pods that hold devices without training (a Ray head, a log keeper) decide only where there is no place for them. */
function deciding(fitted: readonly Fitted[], runs: readonly PodSetRun[]): readonly Fitted[] {
  const trains = (name: string): boolean => runs.some(({ podSet, training }) => podSet === name && training);
  const held = fitted.filter(({ fit }) => trains(fit.podSet) || fit.verdict === 'unschedulable');
  return held.length > 0 ? held : fitted;
}

function answer(fitted: readonly Fitted[], question: FitQuestion): Pick<WorkloadFit, 'verdict' | 'reason'> {
  const decisive = deciding(fitted, question.runs);
  const [worst] = [...decisive].sort((a, b) => severity(b.fit.verdict) - severity(a.fit.verdict));
  if (worst === undefined) return { verdict: 'unknown', reason: NO_DEVICES };
  const shortage = gangShortage(fitted, question);
  if (shortage !== null) return shortage;
  const several = new Set(decisive.map(({ fit }) => fit.reason)).size > 1;
  return { verdict: worst.fit.verdict, reason: `${several ? `${worst.fit.podSet}: ` : ''}${worst.fit.reason}` };
}

function estimatesOf({ fit, made }: Fitted): (RoleEstimate & { podSet: string })[] {
  const needs = [...made.values()].filter((need) => need.kind === 'estimated');
  return needs.flatMap((need) => need.estimates.map((estimate) => ({ ...estimate, podSet: fit.podSet })));
}

function notEstimated({ fit, made }: Fitted): { podSet: string; unknown: readonly Unknown[] } {
  const unknown = [...made.values()].flatMap((need) =>
    need.kind === 'unknown' && need !== NOT_TRAINING ? need.unknown : [],
  );
  return { podSet: fit.podSet, unknown };
}

function excesses({ made }: Fitted): number[] {
  return [...made.values()].flatMap((need) =>
    need.kind === 'estimated' && need.basis?.estimated
      ? [need.requiredBytes.expected - need.basis.estimated.expected]
      : [],
  );
}

/**
 * Holds a workload against a cluster: each pod set that asks for devices by itself, the gang as a whole. The verdict is
 * that of the worst pod set.
 */
export function fitWorkload(question: FitQuestion): WorkloadFit {
  const fitted = question.workload.podSets.flatMap((podSet) => fitOne(podSet, question) ?? []);
  return {
    podSets: fitted.map(({ fit }) => fit),
    ...answer(fitted, question),
    estimates: fitted.flatMap(estimatesOf),
    notEstimated: fitted.map(notEstimated).filter(({ unknown }) => unknown.length > 0),
    observed: fitted.flatMap(({ fit, seen }) => (seen === null ? [] : observedOf(fit.podSet, seen))),
    excessBytes: Math.max(0, ...fitted.flatMap(excesses)),
  };
}
