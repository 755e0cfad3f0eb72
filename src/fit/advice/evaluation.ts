import type { DeviceTraits, Interval } from '../../memory/estimate.js';
import { runFingerprint } from '../../run/fingerprint.js';
import type { DeviceRuns } from '../../run/device-runs.js';
import type { TrainingRun } from '../../run/training-run.js';
import { valuesOf } from '../../run/fields.js';
import type { PodSet } from '../../workload/workload.js';
import type { PodSetFit, Verdict } from '../assessment.js';
import { allowanceOf } from '../capacity.js';
import { candidateFor } from '../pod-set-fit.js';
import type { Candidate } from '../pod-set-fit.js';
import { fitWorkload, severity } from '../workload-fit.js';
import type { EstimateOutcome, FitQuestion, PodSetRun, TogetherOutcome, WorkloadFit } from '../workload-fit.js';
import { editedBeside, editedPodSet, editedRun } from './edits.js';
import { countedOf } from './effects.js';
import type { Counted } from './effects.js';
import type { Edit, Subject, Target } from './proposal.js';
import { refusalOf } from './refusals.js';
import { largestTarget } from './target.js';

/** What a proposal comes to when it is estimated and matched. */
export interface Outcome {
  verdict: Verdict;
  /** Memory on the device on which the changed run needs most among those that it is promised on. */
  deviceBytes: Interval;
  /** Smallest capacity on which the changed run survives, on the largest device. */
  requiredBytes: Interval;
  podSets: readonly PodSetFit[];
  /** The changed runs of the subject's first pod set. */
  runs: readonly PodSetRun[];
  /** The changed run by its counts. */
  counted: Counted;
}

/** How much a process is promised of the devices of one model: on the smallest and on the largest that it may be given. */
interface Extent {
  device: DeviceTraits;
  leastBytes: number;
  mostBytes: number;
}

function extentsOf({ room, demand }: Candidate, traitsOf: FitQuestion['traitsOf']): Extent[] {
  const extents = new Map<string, Extent>();
  for (const lot of room.groups.flatMap(({ stock }) => stock.lots)) {
    const device = lot.deviceClass.model === null ? null : traitsOf(lot.deviceClass.model);
    if (device === null) continue;
    const { promisedBytes } = allowanceOf(lot, demand);
    const { leastBytes, mostBytes } = extents.get(device.model) ?? { leastBytes: Infinity, mostBytes: 0 };
    const widened = { leastBytes: Math.min(leastBytes, promisedBytes), mostBytes: Math.max(mostBytes, promisedBytes) };
    extents.set(device.model, { device, ...widened });
  }
  return [...extents.values()].sort((a, b) => b.mostBytes - a.mostBytes || (a.device.model < b.device.model ? -1 : 1));
}

/** Devices in the order in which a proposal is tried on them, each with the room that it must not exceed. */
type Trial = readonly { device: DeviceTraits; roomBytes: number }[];

/** Where any device will do, the largest first: what it cannot hold the smaller ones need not be asked about. */
const largestFirst = (extents: readonly Extent[]): Trial =>
  extents.map(({ device, mostBytes }) => ({ device, roomBytes: mostBytes }));

/** Where all devices must do, the smallest first: one that is too small settles it. */
const smallestFirst = (extents: readonly Extent[]): Trial =>
  [...extents]
    .sort((a, b) => a.leastBytes - b.leastBytes)
    .map(({ device, leastBytes }) => ({ device, roomBytes: leastBytes }));

/**
 * Estimates in the order of the trial, and takes the estimate of the first device that cannot hold the run for all that
 * come after it: nothing is promised on those, and each estimate costs time.
 */
function inOrder<Run, Outcome>(
  estimate: (run: Run, device: DeviceTraits) => Outcome,
  trial: Trial,
  leastBytes: (outcome: Outcome) => number | null,
): (run: Run, device: DeviceTraits) => Outcome {
  return (run, wanted) => {
    for (const { device, roomBytes } of trial) {
      const outcome = estimate(run, device);
      const bytes = leastBytes(outcome);
      if (device.model === wanted.model || bytes === null || bytes > roomBytes) return outcome;
    }
    return estimate(run, wanted);
  };
}

const ofOne = (outcome: EstimateOutcome): number | null =>
  'unknown' in outcome ? null : outcome.estimate.minimumCapacityBytes.high;
const ofAll = (outcome: TogetherOutcome): number | null =>
  'unknown' in outcome ? null : outcome.together.minimumCapacityBytes.high;

/** A run with the edits that made it. */
interface Changed {
  run: TrainingRun;
  edits: readonly Edit[];
}

/** Estimates and matches proposals for one subject, within a bounded number of estimates. */
export class Evaluator {
  private readonly outcomes = new Map<string, EstimateOutcome>();
  private readonly shared = new Map<string, TogetherOutcome>();

  constructor(
    private readonly question: FitQuestion,
    private readonly subject: Subject,
    private readonly budget: number,
  ) {}

  get isSpent(): boolean {
    return this.outcomes.size + this.shared.size >= this.budget;
  }

  /** null where a framework would refuse the changed run, where it cannot be estimated, or where the budget is spent. */
  evaluate(edits: readonly Edit[]): Outcome | null {
    return this.isSpent ? null : this.matchedAgain(edits);
  }

  /** As `evaluate`, of a run that was estimated before: only matched again, which is not counted. */
  matchedAgain(edits: readonly Edit[]): Outcome | null {
    const run = editedRun(this.subject.run, edits);
    const podSets = this.subject.podSets.map((podSet) => editedPodSet(podSet, edits));
    const candidates = podSets.flatMap((podSet) => candidateFor(podSet, this.question.cluster, this.gangSize) ?? []);
    const [candidate] = candidates;
    const target = candidate === undefined ? null : largestTarget(candidate, this.question.traitsOf);
    if (candidate === undefined || target === null || this.isRefused(run, target)) return null;
    return this.matched({ run, edits }, podSets, candidate);
  }

  private isRefused(run: TrainingRun, target: Target): boolean {
    const { modelType, config } = this.subject;
    return refusalOf({ values: valuesOf(run), target, modelType, config }) !== null;
  }

  private get gangSize(): number | null {
    return this.question.workload.gangSize;
  }

  private matched({ run, edits }: Changed, podSets: readonly PodSet[], candidate: Candidate): Outcome | null {
    const extents = extentsOf(candidate, this.question.traitsOf);
    const trial = this.subject.fit.verdict === 'fits-some' ? smallestFirst(extents) : largestFirst(extents);
    const names = new Set(podSets.map((podSet) => podSet.name));
    const replaced = (podSet: PodSet): PodSet => podSets.find(({ name }) => name === podSet.name) ?? podSet;
    const runs = this.question.runs.map((reading) =>
      names.has(reading.podSet) ? this.edited(reading, run, edits) : reading,
    );
    const fit = fitWorkload({
      ...this.question,
      workload: { ...this.question.workload, podSets: this.question.workload.podSets.map(replaced) },
      runs,
      estimate: inOrder((edited: TrainingRun, device) => this.estimated(edited, device), trial, ofOne),
      estimateTogether: inOrder((edited: DeviceRuns, device) => this.estimatedTogether(edited, device), trial, ofAll),
    });
    const own = fit.podSets.filter(({ podSet }) => names.has(podSet));
    const [worst] = [...own].sort((a, b) => severity(b.verdict) - severity(a.verdict));
    const estimates = fit.estimates.filter(({ podSet }) => names.has(podSet)).map(({ estimate }) => estimate);
    const [first] = estimates;
    if (worst === undefined || first === undefined || fit.verdict === 'unknown') return null;
    const most = estimates.reduce((a, b) => (b.deviceBytes.expected > a.deviceBytes.expected ? b : a));
    return {
      verdict: fit.verdict,
      deviceBytes: most.deviceBytes,
      requiredBytes: this.held(fit, own) ?? first.minimumCapacityBytes,
      podSets: own,
      runs: runs.filter(({ podSet, training }) => training && podSet === podSets[0]?.name),
      counted: countedOf(this.subject, valuesOf(run), fit.estimates),
    };
  }

  private edited(reading: PodSetRun, run: TrainingRun, edits: readonly Edit[]): PodSetRun {
    if (reading.run === null || !reading.training) return reading;
    if (reading.role === this.subject.role) return { ...reading, run };
    const trained = this.subject.runs.find(({ podSet }) => podSet.name === reading.podSet)?.run ?? this.subject.run;
    return { ...reading, run: editedBeside(reading.run, trained, edits) };
  }

  private estimatedTogether(runs: DeviceRuns, device: DeviceTraits): TogetherOutcome {
    const key = `${device.model}|${runs.map(({ role, run }) => `${role} ${runFingerprint(run)}`).join('|')}`;
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const outcome = this.question.estimateTogether(runs, device);
    this.shared.set(key, outcome);
    return outcome;
  }

  /** What is held against the largest devices where that is not the estimate alone: null where it is. */
  private held({ observed }: WorkloadFit, [own]: readonly PodSetFit[]): Interval | null {
    const isMeasured = (this.question.shiftBytes ?? 0) > 0 || observed.some(({ decides }) => decides);
    return isMeasured ? (own?.classes[0]?.requiredBytes ?? null) : null;
  }

  private estimated(run: TrainingRun, device: DeviceTraits): EstimateOutcome {
    const key = `${device.model}|${runFingerprint(run)}`;
    const known = this.outcomes.get(key);
    if (known !== undefined) return known;
    const outcome = this.question.estimate(run, device);
    this.outcomes.set(key, outcome);
    return outcome;
  }
}
