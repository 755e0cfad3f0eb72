import { LRUCache } from 'lru-cache';
import { advise } from '../fit/advice/advise.js';
import type { AdviceQuestion } from '../fit/advice/advise.js';
import type { Advice, AssessedPodSet, AssessedRun, Assessment } from '../fit/assessment.js';
import type { Cluster } from '../fit/cluster.js';
import { indexCluster } from '../fit/cluster.js';
import { fitWorkload } from '../fit/workload-fit.js';
import type { Seen } from '../fit/observed-need.js';
import type { EstimateOutcome, FitQuestion, PodSetRun, TogetherOutcome, WorkloadFit } from '../fit/workload-fit.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import type { Grammars } from '../launch/grammars.js';
import { optionsOf } from '../launch/programs/table.js';
import { readRuns } from '../launch/read-runs.js';
import type { FilesAlongside, RunReading } from '../launch/reading.js';
import type { DeviceTraits, LearnedContext } from '../memory/estimate.js';
import { estimate } from '../memory/estimator.js';
import type { Member } from '../memory/sharing/processes.js';
import { estimateTogether } from '../memory/sharing/shared-device.js';
import { NotEstimable } from '../memory/not-estimable.js';
import type { DeviceRuns } from '../run/device-runs.js';
import type { Unknown } from '../run/setting.js';
import type { UsesByFingerprint } from '../observation/observed-use.js';
import { isSettled, runFingerprint } from '../run/fingerprint.js';
import type { RunValues, TrainingRun } from '../run/training-run.js';
import { readWorkload } from '../workload/read-workload.js';
import type { JsonObject, ObjectsAlongside, PodSet, Workload } from '../workload/workload.js';
import type { Facts } from './facts.js';
import { assessmentId, fingerprintOf, foundAlongside, hashOf, launchOf, recorded } from './fingerprint.js';
import type { Lookup } from './fingerprint.js';
import { NO_OBSERVATIONS } from './observation-holder.js';
import type { ObservationSnapshot } from './observation-holder.js';

export interface AdvisorParts {
  facts: Facts;
  grammars: Grammars;
  /** How many answers are kept in memory; the most that makes sense where left out. */
  kept?: { estimates: number; assessments: number };
}

export interface AssessQuestion {
  manifest: JsonObject;
  files: FilesAlongside;
  /** Other objects that the manifest may name, such as training runtimes. */
  objects?: ObjectsAlongside;
  inventory: InventorySnapshot;
  /** What earlier runs used; left out: none are known. */
  observations?: ObservationSnapshot;
  nowMs: number;
  /** Every proposal that is found, not the handful that is shown. */
  allAdvice?: boolean;
  /** Only the verdict is asked for. */
  withoutAdvice?: boolean;
  /** Told the answer without advice before advice is searched, which takes most of the time. */
  onVerdict?: (assessment: Assessment) => void;
}

/** A manifest as it was read. */
export interface Reading {
  workload: Workload;
  runs: readonly RunReading[];
}

/** Strings the pure parts together: manifest to workload, to training run, to estimate, to verdict and advice. */
export interface Advisor {
  /** null: not a workload. Throws UnreadableManifest with the JSON path of what is wrong. */
  read(manifest: JsonObject, files: FilesAlongside, objects?: ObjectsAlongside): Reading | null;
  /** GPU memory of one process on one device, or what keeps it from being estimated. */
  estimate(run: TrainingRun, device: DeviceTraits): EstimateOutcome;
  /** GPU memory of several runs that share a device, or what keeps any of them from being estimated. */
  estimateTogether(runs: DeviceRuns, device: DeviceTraits): TogetherOutcome;
  /** What is known of a device model by any of its names; measured devices that no catalog lists are estimated too. */
  traitsOf(model: string): DeviceTraits;
  /**
   * The whole answer; null for objects that are no workload, ask for no device and train nothing.
   * Throws UnreadableManifest with the JSON path of what is wrong.
   */
  assess(question: AssessQuestion): Assessment | null;
  /** The answer where it is remembered from an equal question against the same snapshot; undefined where it is not. */
  recall(question: AssessQuestion): Assessment | null | undefined;
}

/** Kept in memory: an estimate with its timeline takes some tens of kilobytes, an assessment a few of these. */
const ESTIMATES_KEPT = 1000;
const ASSESSMENTS_KEPT = 500;
const SHARED_KEPT = 200;
/** Each holds the events of a run: enough for those beside the one that advice changes. */
const MEMBERS_KEPT = 8;
const LOOKUPS_KEPT = 5000;

const NO_OBJECTS: ObjectsAlongside = { object: () => undefined };

/** lru-cache holds no null: an answer that there is nothing to say is kept in a box. */
type Remembered = { assessment: Assessment | null };

/** The one service behind webhook, watcher, REST and command line. Pure but for its memory of earlier answers. */
class MemoizingAdvisor implements Advisor {
  private readonly estimates: LRUCache<string, EstimateOutcome>;
  private readonly assessments: LRUCache<string, Remembered>;
  private readonly shared = new LRUCache<string, TogetherOutcome>({ max: SHARED_KEPT });
  private readonly members = new LRUCache<string, Member>({ max: MEMBERS_KEPT });
  private readonly lookups = new LRUCache<string, readonly Lookup[]>({ max: LOOKUPS_KEPT });
  private readonly clusters = new WeakMap<InventorySnapshot, { cluster: Cluster; serial: number }>();
  private snapshotsSeen = 0;
  private readonly observationSerials = new WeakMap<ObservationSnapshot, number>();

  constructor(private readonly parts: AdvisorParts) {
    const { estimates, assessments } = parts.kept ?? { estimates: ESTIMATES_KEPT, assessments: ASSESSMENTS_KEPT };
    this.estimates = new LRUCache({ max: estimates });
    this.assessments = new LRUCache({ max: assessments });
  }

  read(manifest: JsonObject, files: FilesAlongside, objects: ObjectsAlongside = NO_OBJECTS): Reading | null {
    const workload = readWorkload(manifest, objects);
    return workload === null ? null : { workload, runs: readRuns(workload, files, this.parts.grammars) };
  }

  estimate(run: TrainingRun, device: DeviceTraits): EstimateOutcome {
    const key = `${deviceKeyOf(device)}|${runFingerprint(run)}`;
    const known = this.estimates.get(key);
    if (known !== undefined) return known;
    const outcome = this.estimated(run, device);
    this.estimates.set(key, outcome);
    return outcome;
  }

  estimateTogether(runs: DeviceRuns, device: DeviceTraits): TogetherOutcome {
    const prints = runs.map(({ role, run }) => `${role} ${runFingerprint(run)}`);
    const key = `${deviceKeyOf(device)}|${prints.join('|')}`;
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const outcome = orUnknown(() => estimateTogether({ runs, device, facts: this.parts.facts, members: this.members }));
    this.shared.set(key, outcome);
    return outcome;
  }

  traitsOf(model: string): DeviceTraits {
    const gpu = this.parts.facts.gpus.find(model);
    if (gpu === null)
      return { model, vendor: /^AMD|Instinct/i.test(model) ? 'amd' : 'nvidia', computeCapability: null };
    const mib = gpu.usableMib ?? gpu.totalMib;
    const usableBytes = mib === null ? null : mib * 2 ** 20;
    return { model: gpu.model, vendor: gpu.vendor, computeCapability: gpu.computeCapability, usableBytes };
  }

  recall(question: AssessQuestion): Assessment | null | undefined {
    const { manifest, files, objects = NO_OBJECTS, nowMs } = question;
    const asked = this.lookups.get(hashOf(manifest));
    if (asked === undefined) return undefined;
    const key = this.keyOf(hashOf(manifest), foundAlongside(asked, files, objects), question);
    const known = this.assessments.get(key);
    if (known === undefined) return undefined;
    return known.assessment === null ? null : { ...known.assessment, assessedAtMs: nowMs };
  }

  assess(question: AssessQuestion): Assessment | null {
    const known = this.recall(question);
    if (known !== undefined) return known;
    const { manifest, files, objects = NO_OBJECTS } = question;
    const { asked, ...alongside } = recorded(files, objects);
    const reading = this.read(manifest, alongside.files, alongside.objects);
    const alongsideHash = foundAlongside(asked(), files, objects);
    const launch = reading === null ? '' : launchOf(reading.workload, alongsideHash);
    const assessment = reading === null ? null : this.answer({ ...reading, launch }, question, alongside.files);
    const manifestHash = hashOf(manifest);
    this.lookups.set(manifestHash, asked());
    this.assessments.set(this.keyOf(manifestHash, foundAlongside(asked(), files, objects), question), { assessment });
    return assessment;
  }

  private answer(reading: Launched, question: AssessQuestion, files: FilesAlongside): Assessment | null {
    const { workload, runs } = reading;
    const holdsDevices = workload.podSets.some((podSet) => podSet.devices.length > 0);
    if (!holdsDevices && !runs.some((run) => run.training && run.run !== null)) return null;
    const fitQuestion = {
      workload,
      runs,
      cluster: this.clusterOf(question.inventory),
      ...this.knowledge(reading, question),
    };
    const fit = fitWorkload(fitQuestion);
    if (question.withoutAdvice === true) return assembled(reading, fit, [], question.nowMs);
    question.onVerdict?.(assembled(reading, fit, [], question.nowMs));
    const documents = { manifest: question.manifest, configMap: (name: string) => files.configMap(name) };
    const modelOf: AdviceQuestion['modelOf'] = (values) => this.modelOf(values);
    const extent = question.allAdvice === true ? ('all' as const) : ('handful' as const);
    const advice = advise({ ...fitQuestion, fit, extent, documents, fingerprintOf, modelOf, optionsOf });
    return assembled(reading, fit, advice, question.nowMs);
  }

  /** What is known of runs and devices: by estimate, and by earlier runs. */
  private knowledge(
    { launch }: Launched,
    { observations = NO_OBSERVATIONS }: AssessQuestion,
  ): Pick<FitQuestion, 'estimate' | 'estimateTogether' | 'traitsOf' | 'seen'> {
    const { uses, contexts } = observations;
    return {
      estimate: (run, device) => this.estimate(run, device),
      estimateTogether: (runs, device) => this.estimateTogether(runs, device),
      traitsOf: (model) => withContexts(this.traitsOf(model), contexts),
      ...(uses.size > 0 && { seen: (_podSet: PodSet, runs: readonly PodSetRun[]) => seenOf(runs, launch, uses) }),
    };
  }

  private estimated(run: TrainingRun, device: DeviceTraits): EstimateOutcome {
    return orUnknown(() => ({ estimate: estimate({ run, device, facts: this.parts.facts }) }));
  }

  private modelOf({ model }: RunValues): ReturnType<AdviceQuestion['modelOf']> {
    return model === null || model.config !== null ? null : this.parts.facts.models.find(model.name).row;
  }

  private clusterOf(inventory: InventorySnapshot): Cluster {
    return this.indexed(inventory).cluster;
  }

  private indexed(inventory: InventorySnapshot): { cluster: Cluster; serial: number } {
    const known = this.clusters.get(inventory);
    if (known !== undefined) return known;
    this.snapshotsSeen += 1;
    const entry = { cluster: indexCluster(inventory), serial: this.snapshotsSeen };
    this.clusters.set(inventory, entry);
    return entry;
  }

  private keyOf(
    manifestHash: string,
    alongsideHash: string,
    { inventory, observations = NO_OBSERVATIONS, allAdvice = false, withoutAdvice = false }: AssessQuestion,
  ): string {
    return `${withoutAdvice ? 'none' : allAdvice}|${this.indexed(inventory).serial}|${this.serialOf(observations)}|${manifestHash}|${alongsideHash}`;
  }

  private serialOf(observations: ObservationSnapshot): number {
    const known = this.observationSerials.get(observations);
    if (known !== undefined) return known;
    this.snapshotsSeen += 1;
    this.observationSerials.set(observations, this.snapshotsSeen);
    return this.snapshotsSeen;
  }
}

/** A reading with the name of how its pods are started. */
type Launched = Reading & { launch: string };

const deviceKeyOf = ({ vendor, model, learnedContexts = [] }: DeviceTraits): string =>
  `${vendor}|${model}|${learnedContexts.length > 0 ? JSON.stringify(learnedContexts) : ''}`;

function withContexts(device: DeviceTraits, contexts: readonly LearnedContext[]): DeviceTraits {
  const learnedContexts = contexts.filter(({ model }) => model === device.model);
  return learnedContexts.length === 0 ? device : { ...device, learnedContexts };
}

function seenOf(runs: readonly PodSetRun[], launch: string, uses: UsesByFingerprint): Seen {
  const fingerprint = fingerprintOf(runs);
  const settled = runs.every(({ run, unknown }) => run !== null && unknown.length === 0 && isSettled(run));
  return { uses: (fingerprint === null ? undefined : uses.get(fingerprint)) ?? [], launch, isSettled: settled };
}

/** What is made, or what keeps it from being estimated. */
function orUnknown<T>(make: () => T): T | { unknown: readonly Unknown[] } {
  try {
    return make();
  } catch (error) {
    if (error instanceof NotEstimable) return { unknown: error.unknown };
    throw error;
  }
}

function assessedPodSet({ name, role, replicas, devices }: PodSet): AssessedPodSet {
  const [main] = [...devices].sort((a, b) => b.count - a.count);
  return { name, role, replicas, resource: main?.resource ?? null, devicesPerPod: main?.count ?? 0, devices };
}

function assessedRun(reading: RunReading, { runs, launch }: Launched, fit: WorkloadFit): AssessedRun {
  const { run, podSet, role, training, notes } = reading;
  const together = runs.filter((other) => other.podSet === podSet && other.training);
  const names = training ? { fingerprint: fingerprintOf(together), launch } : {};
  return { podSet, role, training, notes, settings: run, ...names, unknown: unknownOf(reading, fit) };
}

/** What a run leaves open: fields that were not read, and those that estimating found missing. */
function unknownOf(reading: RunReading, { notEstimated }: WorkloadFit): readonly Unknown[] {
  const found = notEstimated.filter(({ podSet }) => podSet === reading.podSet).flatMap(({ unknown }) => unknown);
  const all = [...reading.unknown, ...(reading.training ? found : [])];
  return all.filter(({ field, reason }, index) => {
    return all.findIndex((other) => other.field === field && other.reason === reason) === index;
  });
}

function assembled(reading: Launched, fit: WorkloadFit, advice: readonly Advice[], nowMs: number): Assessment {
  const { workload, runs } = reading;
  const answered = {
    workload: { ...workload.reference, podSets: workload.podSets.map(assessedPodSet) },
    runs: runs.map((run) => assessedRun(run, reading, fit)),
    fit: fit.podSets,
    verdict: fit.verdict,
  };
  return {
    id: assessmentId(answered),
    assessedAtMs: nowMs,
    ...answered,
    reason: fit.reason,
    estimates: fit.estimates.map(({ estimate: made, podSet, role, device }) => ({ ...made, podSet, role, device })),
    advice,
    ...(fit.observed.length > 0 && { observed: fit.observed }),
    notes: workload.notes,
  };
}

/** An advisor over the given facts and grammars, with memories of its own. */
export function createAdvisor(parts: AdvisorParts): Advisor {
  return new MemoizingAdvisor(parts);
}
