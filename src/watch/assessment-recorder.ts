import type { Assessment } from '../fit/assessment.js';

/** Keeps assessments, so that they can be listed and looked up. */
export interface AssessmentRecorder {
  record(assessment: Assessment): Promise<void>;
}

/** Injection token of the AssessmentRecorder. */
export const ASSESSMENT_RECORDER = Symbol('assessment recorder');
