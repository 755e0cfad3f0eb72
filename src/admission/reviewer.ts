import { Inject, Injectable } from '@nestjs/common';
import { OVERRIDE_ANNOTATION } from '../advisor/annotations.js';
import type { AnswerAnnotations } from '../advisor/annotations.js';
import { readAlongside } from '../advisor/alongside.js';
import type { ReadAlongside } from '../advisor/alongside.js';
import { answerAnnotations, denial, isRejecting, warnings } from '../advisor/answers.js';
import { ASSESSOR, AssessorBusy, NoInventory } from '../advisor/assessor.js';
import type { Assessor, Question } from '../advisor/assessor.js';
import { EqualJobs } from '../advisor/equal-jobs.js';
import type { Assessment, Verdict } from '../fit/assessment.js';
import { UnreadableManifest } from '../workload/workload.js';
import type { JsonObject } from '../workload/workload.js';
import { AdmissionMetrics } from './admission-metrics.js';
import type { Outcome, WebhookName } from './admission-metrics.js';
import { annotationPatch } from './annotation-patch.js';
import { ASSESSMENT_SINK } from './assessment-sink.js';
import type { AssessmentSink } from './assessment-sink.js';
import { withinTime } from './deadline.js';
import { NamespaceView } from './namespace-view.js';
import { Recorder } from './recorder.js';
import { oneLine } from './protocol/answer.js';
import type { Answer } from './protocol/answer.js';
import type { ReviewRequest } from './protocol/review.js';
import { subjectOf } from './subject.js';
import type { Subject } from './subject.js';

const ALLOWED: Answer = { allowed: true };

/** An assessment, or why there is none yet. */
type Finding = { assessment: Assessment; isWhole: boolean } | null | Unassessed;
type Unassessed = 'late' | 'busy' | 'early';

/** What is to be decided. */
interface Matter {
  webhook: WebhookName;
  subject: Subject;
  request: ReviewRequest;
}

const UNASSESSED: Readonly<Record<Unassessed, string>> = {
  late: 'plimsoll: not assessed in time; admitted with the verdict unknown, the verdict follows as an annotation',
  busy: 'plimsoll: too many workloads wait to be assessed; admitted with the verdict unknown, the verdict follows',
  early: 'plimsoll: the GPUs of the cluster are not known yet; admitted with the verdict unknown, the verdict follows',
};

/** What is answered to a review, and what is noted of it once the answer is given. */
export interface Decision {
  answer: Answer;
  outcome: Outcome;
  /** Empty where there is none. */
  verdict: Verdict | '';
  /** To be recorded; null: nothing is, as on a dry run. */
  assessment: Assessment | null;
  /** Whether the same review gets the same answer until namespaces or inventory change. */
  lasting: boolean;
}

/**
 * Answers reviews from memory: namespaces, inventory and estimates are in it. Whatever goes wrong, the workload is
 * admitted; only a computed verdict that is to be rejected is turned away, in an `enforce` namespace.
 */
@Injectable()
export class Reviewer {
  readonly #recorder: Recorder;
  readonly #jobs = new EqualJobs();

  constructor(
    @Inject(ASSESSOR) private readonly assessor: Assessor,
    @Inject(ASSESSMENT_SINK) sink: AssessmentSink,
    private readonly namespaces: NamespaceView,
    private readonly metrics: AdmissionMetrics,
  ) {
    this.#recorder = new Recorder(sink);
    metrics.countUnrecorded(() => this.#recorder.letGo);
  }

  /** Another text whenever an answer that lasts may be another. */
  get revision(): string {
    return `${this.namespaces.revision}/${this.assessor.epoch}`;
  }

  /**
   * `mutate` annotates the workload with its verdict and warns the person; it never denies. `validate` turns away what
   * cannot run, where the namespace asks for it; it never changes the workload. A promise only where it takes a worker.
   */
  decide(webhook: WebhookName, request: ReviewRequest, budgetMs: number): Decision | Promise<Decision> {
    if (this.namespaces.modeOf(request.namespace) === 'off') return skipped('off');
    try {
      const subject = subjectOf(request, this.namespaces, this.#read);
      // Whether somebody is there to be the owner changes with every workload that comes or goes.
      if (typeof subject === 'string') return { ...skipped('skipped'), lasting: subject !== 'child' };
      return this.#decideOn({ webhook, subject, request }, budgetMs);
    } catch (error) {
      return unreadable(webhook, error);
    }
  }

  /** Counts a decision and has it recorded, after its answer was given. */
  note(webhook: WebhookName, { outcome, verdict, assessment }: Decision): void {
    this.metrics.count(webhook, outcome, verdict);
    if (assessment !== null) this.#recorder.take(assessment, outcome === 'denied');
  }

  readonly #read = (manifest: JsonObject): ReadAlongside | null =>
    this.#jobs.read(manifest, this.namespaces.revision, () => readAlongside(manifest, this.namespaces));

  #decideOn(matter: Matter, budgetMs: number): Decision | Promise<Decision> {
    const { webhook, subject, request } = matter;
    if (webhook === 'validate' && !this.#mayDeny(subject, request)) return skipped('skipped');
    const question = questionOf(subject);
    const known = this.assessor.recall(question);
    if (known !== undefined) return this.#decided(matter, found(known));
    return this.#find(question, budgetMs)
      .then((finding) => this.#decided(matter, finding))
      .catch((error: unknown) => unreadable(webhook, error));
  }

  #decided({ webhook, subject, request }: Matter, finding: Finding): Decision {
    if (finding === null) return skipped('skipped');
    if (typeof finding === 'string') return unassessed(webhook, finding, subject);
    const { assessment, isWhole } = finding;
    const decision = webhook === 'mutate' ? told(assessment, subject) : this.#enforced(assessment, subject, request);
    // How long ago something was seen changes by itself.
    const lasting = isWhole && assessment.observed === undefined;
    return { ...decision, assessment: request.dryRun ? null : decision.assessment, lasting };
  }

  #enforced(assessment: Assessment, subject: Subject, { namespace }: ReviewRequest): Decided {
    const isRejected = isRejecting(assessment, this.namespaces.rejectedIn(namespace));
    return isRejected ? rejected(assessment, subject) : accepted(assessment);
  }

  /** A controller that lets a suspended workload go must not be stopped: its verdict is told by annotation and Event. */
  #mayDeny({ change }: Subject, { namespace }: ReviewRequest): boolean {
    return change !== 'suspension' && this.namespaces.modeOf(namespace) === 'enforce';
  }

  async #find(question: Question, budgetMs: number): Promise<Finding> {
    try {
      const { verdict, whole } = this.assessor.begin(question);
      verdict.catch(() => undefined); // told by the whole
      const inTime = await withinTime(whole, budgetMs, 'late' as const);
      if (inTime !== 'late') return found(inTime);
      // A verdict that stands is better than none, even where its advice is still looked for.
      const early = await withinTime(verdict, 0, 'late' as const);
      return early === 'late' || early === null ? early : { assessment: early, isWhole: false };
    } catch (error) {
      if (error instanceof AssessorBusy) return 'busy';
      if (error instanceof NoInventory) return 'early';
      throw error;
    }
  }
}

const questionOf = ({ object, workload, alongside }: Subject): Question => ({ manifest: object, workload, alongside });

const found = (assessment: Assessment | null): Finding => (assessment === null ? null : { assessment, isWhole: true });

const skipped = (outcome: Outcome): Decision => ({
  answer: ALLOWED,
  outcome,
  verdict: '',
  assessment: null,
  lasting: true,
});

/** Admits what cannot be read, and names the field; any other error is thrown on. */
function unreadable(webhook: WebhookName, error: unknown): Decision {
  if (!(error instanceof UnreadableManifest)) throw error;
  const warnings = [`plimsoll: not assessed: ${error.message}`];
  return { ...skipped('failed'), answer: webhook === 'validate' ? ALLOWED : { allowed: true, warnings } };
}

function unassessed(webhook: WebhookName, why: Unassessed, subject: Subject): Decision {
  const warned = { warnings: [UNASSESSED[why]], audit: { verdict: 'unknown' } };
  const answer = webhook === 'validate' ? ALLOWED : annotated(subject, { verdict: 'unknown' }, warned);
  return { answer, outcome: why, verdict: 'unknown', assessment: null, lasting: false };
}

type Decided = Omit<Decision, 'lasting'>;

function told(assessment: Assessment, subject: Subject): Decided {
  const { verdict, id } = assessment;
  const words = wordsOf(assessment);
  const answer = annotated(
    subject,
    { ...words.annotations, assessment: id },
    { warnings: words.warnings, audit: { verdict, assessment: id } },
  );
  return { answer, outcome: 'assessed', verdict, assessment };
}

interface Words {
  annotations: AnswerAnnotations;
  warnings: readonly string[];
}

/** What is said of workloads that differ in their names alone, by the advice that all their assessments hold. */
const saidOf = new WeakMap<Assessment['advice'], Words>();

function wordsOf(assessment: Assessment): Words {
  const known = saidOf.get(assessment.advice);
  if (known !== undefined) return known;
  const words = { annotations: answerAnnotations(assessment), warnings: warnings(assessment, Date.now()) };
  // How long ago something was seen changes by itself.
  if (assessment.observed === undefined) saidOf.set(assessment.advice, words);
  return words;
}

function accepted({ verdict, id }: Assessment): Decided {
  // It was recorded by the mutating webhook, and will be by the watcher.
  return {
    answer: { allowed: true, audit: { verdict, assessment: id } },
    outcome: 'assessed',
    verdict,
    assessment: null,
  };
}

function rejected(assessment: Assessment, { workload }: Subject): Decided {
  const { verdict, id } = assessment;
  const audit = { verdict, assessment: id };
  const override = workload.annotations[OVERRIDE_ANNOTATION]?.trim();
  if (override) {
    const lines = [`plimsoll: ${verdict}, let through by ${OVERRIDE_ANNOTATION}`];
    const answer = { allowed: true, warnings: lines, audit: { ...audit, override: oneLine(override, 200) } };
    return { answer, outcome: 'overridden', verdict, assessment: null };
  }
  return { answer: { allowed: false, denial: denial(assessment), audit }, outcome: 'denied', verdict, assessment };
}

function annotated({ object }: Subject, answers: AnswerAnnotations, answer: Omit<Answer, 'allowed'>): Answer {
  return { allowed: true, patch: annotationPatch(object, answers), ...answer };
}
