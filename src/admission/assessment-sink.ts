import type { Assessment } from '../fit/assessment.js';

/** Takes note of what admission found, after the person has their answer. Never fails, never waits. */
export interface AssessmentSink {
  take(assessment: Assessment): void;
}

/** Injection token of the AssessmentSink. */
export const ASSESSMENT_SINK = Symbol('assessment sink');
