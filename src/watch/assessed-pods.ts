import { Inject, Injectable } from '@nestjs/common';
import { NamespaceView } from '../admission/namespace-view.js';
import { readAlongside } from '../advisor/alongside.js';
import { ASSESSOR } from '../advisor/assessor.js';
import type { Assessor } from '../advisor/assessor.js';
import type { AssessedRun, Assessment } from '../fit/assessment.js';
import { podSetOf } from '../observation/pod-set-of.js';
import type { HolderPod } from '../observation/holder-pod.js';
import type { ObservedEstimate, ObservedRun } from '../observation/pod-observation.js';
import type { PodOrigin, PodOrigins } from '../observe/sources.js';
import { TOGETHER } from '../fit/need.js';
import type { TrainingRun } from '../run/training-run.js';
import { WorkloadDirectory } from './workload-directory.js';

/** Finds the workload of a pod among those that are watched, and what was read and estimated of it. */
@Injectable()
export class AssessedPods implements PodOrigins {
  constructor(
    @Inject(ASSESSOR) private readonly assessor: Assessor,
    private readonly view: NamespaceView,
    private readonly directory: WorkloadDirectory,
  ) {}

  async originOf(pod: HolderPod, device: { model: string }): Promise<PodOrigin | null> {
    const object = this.directory.topmost(pod.owner?.uid ?? pod.uid);
    if (object === null || this.view.modeOf(pod.namespace) === 'off') return null;
    const read = readAlongside(object, this.view);
    if (read === null) return null;
    const question = { manifest: object, ...read };
    const assessment = this.assessor.recall(question) ?? (await this.assessor.assess(question));
    const { reference } = read.workload;
    return { workload: reference, run: assessment === null ? null : runOf(assessment, pod, device.model) };
  }
}

function runOf(assessment: Assessment, pod: HolderPod, model: string): ObservedRun | null {
  const training = assessment.runs.filter((run) => run.training && typeof run.fingerprint === 'string');
  const name = podSetOf(
    pod,
    training.map(({ podSet, fingerprint }) => ({ name: podSet, fingerprint: fingerprint ?? '' })),
  );
  const [run] = training.filter(({ podSet }) => podSet === name);
  return run === undefined ? null : observedRun(run, estimateOf(assessment, run.podSet, model));
}

function observedRun(run: AssessedRun, estimate: ObservedEstimate | null): ObservedRun | null {
  const { settings, fingerprint = null, launch = '' } = run;
  if (settings === null || fingerprint === null) return null;
  return { podSet: run.podSet, fingerprint, launch, ...namesIn(settings), estimate };
}

function namesIn({
  framework,
  program,
  model,
}: TrainingRun): Omit<ObservedRun, 'podSet' | 'fingerprint' | 'launch' | 'estimate'> {
  const { name, packages } = framework.value;
  const { torch = null, cuda = null } = packages;
  return {
    model: model.value === null ? null : (model.value.catalogId ?? model.value.name),
    framework: name,
    program: program.value?.name ?? null,
    programVersion: program.value?.version ?? null,
    torch,
    cuda,
  };
}

/** Of what runs on one device together the estimate of all of it. */
function estimateOf(assessment: Assessment, podSet: string, model: string): ObservedEstimate | null {
  const made = assessment.estimates.filter((one) => one.podSet === podSet && one.device === model);
  const estimate = made.find(({ role }) => role === TOGETHER) ?? (made.length === 1 ? made[0] : undefined);
  if (estimate === undefined) return null;
  const { deviceBytes, minimumCapacityBytes, breakdown } = estimate;
  const context = breakdown.filter(({ category }) => category === 'context').reduce((sum, { bytes }) => sum + bytes, 0);
  return { deviceBytes, minimumCapacityBytes, contextBytes: context };
}
