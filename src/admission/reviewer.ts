import { Inject, Injectable } from '@nestjs/common';
import { OVERRIDE_ANNOTATION } from '../advisor/annotations.js';
import type { AnswerAnnotations } from '../advisor/annotations.js';
import { answerAnnotations, denial, isRejecting, warnings } from '../advisor/answers.js';
import { ASSESSOR, AssessorBusy, NoInventory } from '../advisor/assessor.js';
import type { Assessor } from '../advisor/assessor.js';
import type { Assessment } from '../fit/assessment.js';
import { UnreadableManifest } from '../workload/workload.js';
import { AdmissionMetrics } from './admission-metrics.js';
import type { Outcome, WebhookName } from './admission-metrics.js';
import { annotationPatch } from './annotation-patch.js';
import { ASSESSMENT_SINK } from './assessment-sink.js';
import type { AssessmentSink } from './assessment-sink.js';
import { withinTime } from './deadline.js';
import { NamespaceView } from './namespace-view.js';
import { oneLine } from './protocol/answer.js';
import type { Answer } from './protocol/answer.js';
import type { ReviewRequest } from './protocol/review.js';
import { subjectOf } from './subject.js';
import type { Subject } from './subject.js';

const ALLOWED: Answer = { allowed: true };

/** An assessment, or why there is none yet. */
type Finding = Assessment | null | Unassessed;
type Unassessed = 'late' | 'busy' | 'early';

const UNASSESSED: Readonly<Record<Unassessed, string>> = {
  late: 'plimsoll: not assessed in time; admitted with the verdict unknown, the verdict follows as an annotation',
  busy: 'plimsoll: too many workloads wait to be assessed; admitted with the verdict unknown, the verdict follows',
  early: 'plimsoll: the GPUs of the cluster are not known yet; admitted with the verdict unknown, the verdict follows',
};

/**
 * Answers reviews from memory: namespaces, inventory and estimates are in it. Whatever goes wrong, the workload is
 * admitted; only a computed verdict that is to be rejected is turned away, in an `enforce` namespace.
 */
@Injectable()
export class Reviewer {
  constructor(
    @Inject(ASSESSOR) private readonly assessor: Assessor,
    @Inject(ASSESSMENT_SINK) private readonly sink: AssessmentSink,
    private readonly namespaces: NamespaceView,
    private readonly metrics: AdmissionMetrics,
  ) {}

  /** Annotates the workload with its verdict and warns the person. Never denies. */
  mutate(request: ReviewRequest, budgetMs: number): Promise<Answer> {
    return this.#review('mutate', request, async (subject) => {
      const finding = await this.#find(subject, budgetMs);
      if (finding === null) return this.#skipped('mutate');
      if (typeof finding === 'string') return this.#unassessed('mutate', finding, subject);
      this.metrics.count('mutate', 'assessed', finding.verdict);
      if (!request.dryRun) setImmediate(() => this.sink.take(finding));
      return annotated(subject, answerAnnotations(finding), {
        warnings: warnings(finding),
        audit: { verdict: finding.verdict, assessment: finding.id },
      });
    });
  }

  /** Turns away what cannot run, where the namespace asks for it. Never changes the workload. */
  validate(request: ReviewRequest, budgetMs: number): Promise<Answer> {
    return this.#review('validate', request, async (subject) => {
      // A controller that lets a suspended workload go must not be stopped: its verdict is told by annotation and Event.
      if (this.namespaces.modeOf(request.namespace) !== 'enforce' || subject.change === 'suspension') {
        return this.#skipped('validate');
      }
      const finding = await this.#find(subject, budgetMs);
      if (finding === null) return this.#skipped('validate');
      if (typeof finding === 'string') return this.#unassessed('validate', finding);
      return isRejecting(finding, this.namespaces.rejectedIn(request.namespace))
        ? this.#rejected(finding, subject)
        : this.#accepted(finding);
    });
  }

  #accepted({ verdict, id }: Assessment): Answer {
    this.metrics.count('validate', 'assessed', verdict);
    return { allowed: true, audit: { verdict, assessment: id } };
  }

  #rejected(assessment: Assessment, { workload }: Subject): Answer {
    const { verdict, id } = assessment;
    const override = workload.annotations[OVERRIDE_ANNOTATION]?.trim();
    const audit = { verdict, assessment: id };
    if (override) {
      this.metrics.count('validate', 'overridden', verdict);
      const warning = `plimsoll: ${verdict}, let through by ${OVERRIDE_ANNOTATION}`;
      return { allowed: true, warnings: [warning], audit: { ...audit, override: oneLine(override, 200) } };
    }
    this.metrics.count('validate', 'denied', verdict);
    return { allowed: false, denial: denial(assessment), audit };
  }

  async #review(
    webhook: WebhookName,
    request: ReviewRequest,
    answer: (subject: Subject) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      if (this.namespaces.modeOf(request.namespace) === 'off') return this.#skipped(webhook, 'off');
      const subject = subjectOf(request, this.namespaces);
      return typeof subject === 'string' ? this.#skipped(webhook) : await answer(subject);
    } catch (error) {
      if (!(error instanceof UnreadableManifest)) throw error;
      this.metrics.count(webhook, 'failed');
      return webhook === 'validate'
        ? ALLOWED
        : { allowed: true, warnings: [`plimsoll: not assessed: ${error.message}`] };
    }
  }

  #skipped(webhook: WebhookName, outcome: Outcome = 'skipped'): Answer {
    this.metrics.count(webhook, outcome);
    return ALLOWED;
  }

  #unassessed(webhook: WebhookName, why: Unassessed, subject?: Subject): Answer {
    this.metrics.count(webhook, why, 'unknown');
    if (!subject) return ALLOWED;
    return annotated(subject, { verdict: 'unknown' }, { warnings: [UNASSESSED[why]], audit: { verdict: 'unknown' } });
  }

  async #find({ object, workload, alongside }: Subject, budgetMs: number): Promise<Finding> {
    const question = { manifest: object, workload, alongside };
    const known = this.assessor.recall(question);
    if (known !== undefined) return known;
    try {
      const { verdict, whole } = this.assessor.begin(question);
      verdict.catch(() => undefined); // told by the whole
      const found = await withinTime(whole, budgetMs, 'late' as const);
      // A verdict that stands is better than none, even where its advice is still looked for.
      return found === 'late' ? await withinTime(verdict, 0, 'late' as const) : found;
    } catch (error) {
      if (error instanceof AssessorBusy) return 'busy';
      if (error instanceof NoInventory) return 'early';
      throw error;
    }
  }
}

function annotated({ object }: Subject, answers: AnswerAnnotations, answer: Omit<Answer, 'allowed'>): Answer {
  return { allowed: true, patch: annotationPatch(object, answers), ...answer };
}
