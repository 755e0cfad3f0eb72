import type { Field } from '../field.js';
import type { KindReading, WorkloadKindName } from '../workload.js';

/**
 * Reads an object inside another by the rules of its own kind; null: it holds no pods. Throws UnreadableManifest, also
 * where objects are wrapped in each other too often.
 */
export type InnerReader = (object: Field) => KindReading | null;

/** Reads one kind. The table in src/workload/kinds.ts holds them all. */
export interface WorkloadKind extends WorkloadKindName {
  /** Throws UnreadableManifest with the JSON path of what is wrong. */
  read(object: Field, inner: InnerReader): KindReading;
}
