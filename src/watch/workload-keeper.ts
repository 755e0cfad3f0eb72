import { isDeepStrictEqual } from 'node:util';
import type { AssessmentSink } from '../admission/assessment-sink.js';
import type { NamespaceView } from '../admission/namespace-view.js';
import { readAlongside } from '../advisor/alongside.js';
import { ANNOTATION_PREFIX, ANSWER_ANNOTATIONS } from '../advisor/annotations.js';
import type { AnswerAnnotations } from '../advisor/annotations.js';
import { answerAnnotations, warnings } from '../advisor/answers.js';
import type { Assessor } from '../advisor/assessor.js';
import { reasonToSkip } from '../advisor/reason-to-skip.js';
import type { Cluster } from '../cluster/cluster.js';
import type { ClusterEvent } from '../cluster/event-book.js';
import type { Assessment, Verdict } from '../fit/assessment.js';
import type { JsonObject, Workload } from '../workload/workload.js';
import { isFinished } from './finished.js';
import type { Pace } from './pace.js';
import type { ToldVerdicts } from './told-verdicts.js';

export interface KeeperParts {
  cluster: Pick<Cluster, 'annotate' | 'tell'>;
  assessor: Assessor;
  sink: AssessmentSink;
  namespaces: NamespaceView;
  told: ToldVerdicts;
  /** What is written to the API server goes at this pace. */
  pace: Pick<Pace, 'step'>;
  nowMs: () => number;
}

/** A live object with the plural name of its resource. */
export interface WatchedObject {
  object: JsonObject;
  resource: string;
}

/** A verdict that asks for nothing needs no attention in `kubectl describe`. */
const CALM: readonly Verdict[] = ['fits', 'fits-some'];

const REASONS: Readonly<Record<Verdict, string>> = {
  fits: 'GpuMemoryFits',
  'fits-some': 'GpuMemoryFitsSome',
  tight: 'GpuMemoryTight',
  'will-not-fit': 'GpuMemoryWillNotFit',
  unschedulable: 'GpusUnschedulable',
  unknown: 'GpuMemoryUnknown',
};

/** Brings one workload's annotations, Events and record up to what is known now. */
export class WorkloadKeeper {
  readonly #recorded = new Map<string, AnswerAnnotations>();

  constructor(private readonly parts: KeeperParts) {}

  /**
   * Looks at one object. Gives the time after which to look again, where something is held back now, else null.
   * Rejects where the API server or the assessor does; a second call takes up where the first one failed.
   */
  async keep({ object, resource }: WatchedObject): Promise<number | null> {
    const read = readAlongside(object, this.parts.namespaces);
    if (read === null || !this.#isKept(object, read.workload)) return null;
    const { workload } = read;
    const question = { manifest: object, ...read };
    const assessment = this.parts.assessor.recall(question) ?? (await this.parts.assessor.assess(question));
    if (assessment === null) return null;
    const again = await this.#tell(assessment, { workload, resource });
    this.#record(assessment, uidOf(object));
    return again;
  }

  forget(object: JsonObject): void {
    const uid = uidOf(object);
    this.#recorded.delete(uid);
    this.parts.told.forget(uid);
  }

  #isKept(object: JsonObject, workload: Workload): boolean {
    if (reasonToSkip(workload) !== null || isFinished(object)) return false;
    return this.parts.namespaces.modeOf(workload.reference.namespace) !== 'off';
  }

  async #tell(assessment: Assessment, to: { workload: Workload; resource: string }): Promise<number | null> {
    const { cluster, told, pace, nowMs } = this.parts;
    const { reference, annotations } = to.workload;
    const uid = reference.uid ?? '';
    const carried = annotations[`${ANNOTATION_PREFIX}verdict`] ?? null;
    const telling = told.decide(uid, assessment.verdict, carried, nowMs());
    if (telling.what === 'later') return telling.inMs;
    const change = changeOf(annotations, answerAnnotations(assessment));
    if (change !== null) {
      await pace.step();
      await cluster.annotate({ ...reference, resource: to.resource }, change);
    }
    if (telling.what === 'nothing') return null;
    told.told(uid, assessment.verdict, nowMs());
    if (telling.before !== null || !CALM.includes(assessment.verdict)) {
      await pace.step();
      await cluster.tell(reference, eventOf(assessment, telling.before, nowMs()));
    }
    return null;
  }

  /** Once per answer: an inventory that only got a minute older gives the same answer under another id. */
  #record(assessment: Assessment, uid: string): void {
    const { assessment: _id, ...answers } = answerAnnotations(assessment);
    if (isDeepStrictEqual(this.#recorded.get(uid), answers)) return;
    this.parts.sink.take(assessment);
    this.#recorded.set(uid, answers);
  }
}

/**
 * What to change of the annotations; null: nothing. The id alone changes with every look at the inventory and is no
 * reason to write.
 */
function changeOf(
  present: Readonly<Record<string, string>>,
  wanted: AnswerAnnotations,
): Record<string, string | null> | null {
  const names = ANSWER_ANNOTATIONS.filter((name) => present[ANNOTATION_PREFIX + name] !== wanted[name]);
  if (names.every((name) => name === 'assessment' && present[ANNOTATION_PREFIX + name] !== undefined)) return null;
  return Object.fromEntries(names.map((name) => [ANNOTATION_PREFIX + name, wanted[name] ?? null]));
}

function eventOf(assessment: Assessment, before: string | null, nowMs: number): ClusterEvent {
  const changed = before === null ? '' : ` (was ${before})`;
  return {
    type: CALM.includes(assessment.verdict) ? 'Normal' : 'Warning',
    reason: REASONS[assessment.verdict],
    message: warnings(assessment, nowMs).join('; ').replace(assessment.verdict, `${assessment.verdict}${changed}`),
  };
}

function uidOf(object: JsonObject): string {
  const { uid } = (object['metadata'] ?? {}) as { uid?: unknown };
  return typeof uid === 'string' ? uid : '';
}
