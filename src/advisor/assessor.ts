import type { Assessment } from '../fit/assessment.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import type { JsonObject, Workload } from '../workload/workload.js';
import type { Scale } from '../fit/advice/largest.js';
import type { WorkloadLargest } from './largest-of.js';
import type { Alongside } from './alongside.js';

/** One workload to assess, with what stands beside it: what `readAlongside` gives. */
export interface Question {
  manifest: JsonObject;
  workload: Workload;
  alongside: Alongside;
  /** What to hold it against; left out: the inventory of the process as it is now. */
  inventory?: InventorySnapshot | undefined;
  /** What has room just now is asked for too: an answer from an earlier snapshot will not do. */
  isOfNow?: boolean;
  /** Every proposal that is found, not the handful that is shown: worked out anew, and not remembered. */
  allAdvice?: boolean;
}

/** Assesses workloads against the inventory as it is now, without holding up the thread that asks. */
export interface Assessor {
  /** Another text whenever answers that are remembered may be others. */
  readonly epoch: string;
  /** What is remembered of the same question and inventory; undefined: it must be worked out. null: not a workload. */
  recall(question: Question): Assessment | null | undefined;
  /**
   * Works it out. Rejects with AssessorBusy when too many wait, with AssessmentTooLong past the limit, with NoInventory
   * before the first inventory, with UnreadableManifest for what cannot be read.
   */
  assess(question: Question): Promise<Assessment | null>;
  /** The same in two steps: the verdict stands before the advice, whose search takes longer. */
  begin(question: Question): Assessing;
}

/** Seeks how much more a workload could take on. */
export interface Sizer {
  /** The largest of something that still fits, per run and device class; null: not a workload. Rejects as `assess` does. */
  largest(question: Question, scale: Scale): Promise<WorkloadLargest | null>;
}

/** An assessment under way. Both promises settle; `verdict` never rejects without `whole` rejecting too. */
export interface Assessing {
  /** Without advice. */
  verdict: Promise<Assessment | null>;
  whole: Promise<Assessment | null>;
}

/** Injection token of the Assessor. */
export const ASSESSOR = Symbol('assessor');

/** More wait for an assessment than may wait. */
export class AssessorBusy extends Error {
  constructor(waiting: number) {
    super(`${waiting} workloads wait to be assessed already`);
    this.name = 'AssessorBusy';
  }
}

/** One assessment took longer than it may; its worker was ended. */
export class AssessmentTooLong extends Error {
  constructor(limitMs: number) {
    super(`the assessment took longer than ${limitMs} ms`);
    this.name = 'AssessmentTooLong';
  }
}

/** Nothing is known of the cluster's devices yet: no verdict could be told from a wrong one. */
export class NoInventory extends Error {
  constructor() {
    super('the inventory of the cluster is not known yet');
    this.name = 'NoInventory';
  }
}
