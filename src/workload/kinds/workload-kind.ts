import type { Field } from '../field.js';
import type { KindReading, WorkloadKindName } from '../workload.js';

/** Reads one kind. The table in src/workload/kinds.ts holds them all. */
export interface WorkloadKind extends WorkloadKindName {
  /** Throws UnreadableManifest with the JSON path of what is wrong. */
  read(object: Field): KindReading;
}
