import type { DeviceTraits, Interval } from '../../memory/estimate.js';
import type { TrainingRun } from '../../run/training-run.js';
import { valuesOf } from '../../run/fields.js';
import type { PodSet } from '../../workload/workload.js';
import type { PodSetFit, Verdict } from '../assessment.js';
import { candidateFor } from '../pod-set-fit.js';
import type { Candidate } from '../pod-set-fit.js';
import { fitWorkload, severity } from '../workload-fit.js';
import type { EstimateOutcome, EstimateRun, FitQuestion } from '../workload-fit.js';
import { editedPodSet, editedRun } from './edits.js';
import type { Edit, Subject } from './proposal.js';
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
}

/** Devices of each model that a pod set may be given: the largest capacity, largest model first. */
function largestByModel({ room }: Candidate): { model: string; capacityBytes: number }[] {
  const sizes = new Map<string, number>();
  for (const { stock } of room.groups)
    for (const { deviceClass, bandBytes } of stock.lots)
      if (deviceClass.model !== null)
        sizes.set(deviceClass.model, Math.max(sizes.get(deviceClass.model) ?? 0, bandBytes));
  return [...sizes]
    .map(([model, capacityBytes]) => ({ model, capacityBytes }))
    .sort((a, b) => b.capacityBytes - a.capacityBytes || (a.model < b.model ? -1 : 1));
}

/**
 * Estimates from the largest device down, and takes the estimate of the first that cannot hold the run for all smaller
 * ones: nothing is promised on those, and each estimate costs time.
 */
function fromLargestDown(
  estimate: EstimateRun,
  traits: readonly { device: DeviceTraits; capacityBytes: number }[],
): EstimateRun {
  return (run, wanted) => {
    for (const { device, capacityBytes } of traits) {
      const outcome = estimate(run, device);
      const isLast = device.model === wanted.model || 'unknown' in outcome;
      if (isLast || outcome.estimate.minimumCapacityBytes.high > capacityBytes) return outcome;
    }
    return estimate(run, wanted);
  };
}

/** Estimates and matches proposals for one subject, within a bounded number of estimates. */
export class Evaluator {
  private readonly outcomes = new Map<string, EstimateOutcome>();

  constructor(
    private readonly question: FitQuestion,
    private readonly subject: Subject,
    private readonly budget: number,
  ) {}

  get isSpent(): boolean {
    return this.outcomes.size >= this.budget;
  }

  /** null where a framework would refuse the changed run, where it cannot be estimated, or where the budget is spent. */
  evaluate(edits: readonly Edit[]): Outcome | null {
    const run = editedRun(this.subject.run, edits);
    const podSets = this.subject.podSets.map((podSet) => editedPodSet(podSet, edits));
    const candidates = podSets.flatMap((podSet) => candidateFor(podSet, this.question.cluster, this.gangSize) ?? []);
    const [candidate] = candidates;
    const target = candidate === undefined ? null : largestTarget(candidate, this.question.traitsOf);
    if (candidate === undefined || target === null || refusalOf(valuesOf(run), target) !== null) return null;
    return this.isSpent ? null : this.matched(run, podSets, candidate);
  }

  private get gangSize(): number | null {
    return this.question.workload.gangSize;
  }

  private matched(run: TrainingRun, podSets: readonly PodSet[], candidate: Candidate): Outcome | null {
    const traits = largestByModel(candidate).flatMap(({ model, capacityBytes }) => {
      const device = this.question.traitsOf(model);
      return device === null ? [] : [{ device, capacityBytes }];
    });
    const names = new Set(podSets.map((podSet) => podSet.name));
    const replaced = (podSet: PodSet): PodSet => podSets.find(({ name }) => name === podSet.name) ?? podSet;
    const fit = fitWorkload({
      ...this.question,
      workload: { ...this.question.workload, podSets: this.question.workload.podSets.map(replaced) },
      runs: this.question.runs.map((reading) =>
        names.has(reading.podSet) && reading.run !== null && reading.training ? { ...reading, run } : reading,
      ),
      estimate: fromLargestDown((edited, device) => this.estimated(edited, device), traits),
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
      requiredBytes: first.minimumCapacityBytes,
      podSets: own,
    };
  }

  private estimated(run: TrainingRun, device: DeviceTraits): EstimateOutcome {
    const key = JSON.stringify([valuesOf(run), device.model]);
    const known = this.outcomes.get(key);
    if (known !== undefined) return known;
    const outcome = this.question.estimate(run, device);
    this.outcomes.set(key, outcome);
    return outcome;
  }
}
