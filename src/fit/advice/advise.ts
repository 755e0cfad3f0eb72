import { valuesOf } from '../../run/fields.js';
import type { ProgramOptions } from '../../run/program-options.js';
import type { RunValues } from '../../run/training-run.js';
import type { PodSet } from '../../workload/workload.js';
import type { Advice, PodSetFit } from '../assessment.js';
import { candidateFor } from '../pod-set-fit.js';
import type { FitQuestion, PodSetRun, WorkloadFit } from '../workload-fit.js';
import { severity } from '../workload-fit.js';
import { gib } from '../words.js';
import { countedOf, effectsOf, slowerBy } from './effects.js';
import { Evaluator } from './evaluation.js';
import { ADVICE_KINDS } from './kinds.js';
import { changesOf } from './phrase.js';
import type { Documents } from './place.js';
import type { Subject } from './proposal.js';
import { ordered, Search } from './search.js';
import type { Found } from './search.js';
import { largestTarget } from './target.js';

export interface AdviceQuestion extends FitQuestion {
  fit: WorkloadFit;
  /** `all`: also changes of the result where others do, and every one that was found; a handful where left out. */
  extent?: keyof typeof ADVICE_BUDGET;
  documents: Documents;
  /** Names what a pod set trains, as in the assessment. */
  fingerprintOf: (runs: readonly PodSetRun[]) => string | null;
  /** What the catalog has of the model that a run trains; null where it is described, or not known. */
  modelOf: (values: RunValues) => { modelType: string; config: Readonly<Record<string, unknown>> } | null;
  /** How a training program is told things, by its id. */
  optionsOf: (program: string) => ProgramOptions | null;
}

/** Estimates that one workload's advice may cost, and pieces of advice that are shown: a handful, or all that there are. */
export const ADVICE_BUDGET = {
  handful: { estimates: 40, shown: 5 },
  all: { estimates: 150, shown: 40 },
} as const;

type Training = PodSetRun & { run: NonNullable<PodSetRun['run']> };

/** The pod sets that readings are of, that with the worst verdict first; null where none of them was matched. */
function worstFirst(
  readings: readonly Training[],
  { workload, fit: { podSets: fitted } }: AdviceQuestion,
): { fit: PodSetFit; podSet: PodSet; ordered: PodSet[] } | null {
  const names = new Set(readings.map(({ podSet }) => podSet));
  const podSets = workload.podSets.filter(({ name }) => names.has(name));
  const fits = fitted.filter(({ podSet }) => names.has(podSet));
  const [fit] = [...fits].sort((a, b) => severity(b.verdict) - severity(a.verdict));
  const podSet = podSets.find(({ name }) => name === fit?.podSet);
  if (fit === undefined || podSet === undefined) return null;
  return { fit, podSet, ordered: [podSet, ...podSets.filter((other) => other !== podSet)] };
}

const optionsOf = ({ program }: RunValues, question: AdviceQuestion): ProgramOptions | null =>
  program?.id ? question.optionsOf(program.id) : null;

function modelOf(values: RunValues, question: AdviceQuestion): Pick<Subject, 'modelType' | 'config'> {
  const model = question.modelOf(values);
  return { modelType: model?.modelType ?? null, config: model?.config ?? values.model?.config ?? null };
}

function subjectOf(readings: readonly Training[], question: AdviceQuestion): Subject | null {
  const worst = worstFirst(readings, question);
  if (worst === null) return null;
  const { fit, podSet, ordered } = worst;
  const runs = ordered.flatMap((each) => {
    const found = readings.find((reading) => reading.podSet === each.name);
    return found === undefined ? [] : [{ podSet: each, run: found.run }];
  });
  const [reading] = runs;
  if (reading === undefined) return null;
  const candidate = candidateFor(podSet, question.cluster, question.workload.gangSize);
  if (candidate === null) return null;
  const values = valuesOf(reading.run);
  return {
    podSets: ordered,
    run: reading.run,
    role: readings[0]!.role,
    options: optionsOf(values, question),
    runs,
    values,
    ...modelOf(values, question),
    fit,
    target: largestTarget(candidate, question.traitsOf),
    room: candidate.room,
    cluster: question.cluster,
  };
}

/** Pod sets that train with one and the same run are advised together; of several on one device, the trained one is. */
export function subjectsOf(question: AdviceQuestion): Subject[] {
  const training = question.runs.filter((reading): reading is Training => reading.training && reading.run !== null);
  const groups = new Map<string, Training[]>();
  for (const podSet of new Set(training.map((reading) => reading.podSet))) {
    const onDevice = training.filter((reading) => reading.podSet === podSet);
    const key = JSON.stringify(onDevice.map(({ role, run }) => [role, valuesOf(run)]));
    groups.set(key, [...(groups.get(key) ?? []), onDevice[0]!]);
  }
  return [...groups.values()].flatMap((readings) => subjectOf(readings, question) ?? []);
}

function summaryOf(found: Found, writes: readonly string[]): string {
  const { verdict, requiredBytes } = found.outcome;
  const { gain } = found.proposal;
  return `${writes.join(', ')}: needs ${gib(requiredBytes.expected)}, ${verdict}${gain === undefined ? '' : `, ${gain}`}`;
}

function adviceOf(found: Found, subject: Subject, { documents, fingerprintOf, fit }: AdviceQuestion): Advice {
  const { counted } = found.outcome;
  const effects = effectsOf(countedOf(subject, subject.values, fit.estimates, counted.parameters), counted);
  const changes = changesOf(found.proposal.edits, subject, documents);
  return {
    summary: summaryOf(
      found,
      changes.map(({ write }) => write),
    ),
    changes,
    verdict: found.outcome.verdict,
    deviceBytes: found.outcome.deviceBytes,
    fingerprint: fingerprintOf(found.outcome.runs),
    effects,
    costs: [...found.proposal.costs, ...slowerBy(effects)],
  };
}

function adviceFor(subject: Subject, question: AdviceQuestion): Advice[] {
  const extent = question.extent ?? 'handful';
  const evaluator = new Evaluator(question, subject, ADVICE_BUDGET[extent].estimates);
  const [largest] = subject.fit.classes;
  const required = largest?.requiredBytes ?? { low: 0, expected: 0, high: 0 };
  const search = new Search(evaluator, subject.fit.verdict, required, extent === 'all');
  return ordered(search.run(subject, ADVICE_KINDS))
    .slice(0, ADVICE_BUDGET[extent].shown)
    .map((found) => adviceOf(found, subject, question));
}

/**
 * Changes that lead to a better verdict, each estimated and matched again, ordered by what the person gives up; at most
 * five, or all. For runs that fit: a smaller device that would do, and devices that nothing uses.
 */
export function advise(asked: AdviceQuestion): Advice[] {
  // What the run used beyond its estimate, a change of it is taken to use as well.
  const question = { ...asked, shiftBytes: asked.fit.excessBytes };
  return subjectsOf(question)
    .flatMap((subject) => adviceFor(subject, question))
    .slice(0, ADVICE_BUDGET[asked.extent ?? 'handful'].shown);
}
