import { isDeepStrictEqual } from 'node:util';
import { RUN_ANNOTATION } from '../advisor/annotations.js';
import { reasonToSkip } from '../advisor/reason-to-skip.js';
import { readWorkload } from '../workload/read-workload.js';
import type { JsonObject, PodSet, Workload } from '../workload/workload.js';
import { isObject } from './protocol/review.js';
import type { ReviewRequest } from './protocol/review.js';

/** The workload of a review that is worth a look, and how it changed. */
export interface Subject {
  object: JsonObject;
  workload: Workload;
  /** `suspension`: only whether it is suspended changed, and where it may run when it is let go. */
  change: 'created' | 'pods' | 'suspension';
}

/** Why a review needs no assessment. Bounded: it is a metric's label. */
export type Skip = 'operation' | 'deleting' | 'other-kind' | 'child' | 'no-devices' | 'unchanged';

/**
 * What a review is about. Children of a handled owner, objects without GPUs, objects on their way out and updates that
 * change neither pods nor suspension are left alone. Throws UnreadableManifest.
 */
export function subjectOf(request: ReviewRequest): Subject | Skip {
  const { operation, object, oldObject } = request;
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || object === null) return 'operation';
  if (isDeleting(object)) return 'deleting';
  const workload = readWorkload(object);
  if (workload === null) return 'other-kind';
  const skip = reasonToSkip(workload);
  if (skip !== null) return skip;
  const change = oldObject === null ? 'created' : changeBetween(readWorkload(oldObject), workload);
  return change === null ? 'unchanged' : { object, workload, change };
}

function changeBetween(before: Workload | null, now: Workload): Subject['change'] | null {
  if (before === null) return 'pods';
  const declared = before.annotations[RUN_ANNOTATION] === now.annotations[RUN_ANNOTATION];
  const isReleased = before.suspended && !now.suspended;
  // Who lets a workload go (Kueue) says in the same update on which nodes.
  const podSets = ({ podSets: all }: Workload) => (isReleased ? all.map(withoutNodes) : all);
  if (!declared || !isDeepStrictEqual(podSets(before), podSets(now))) return 'pods';
  return before.suspended === now.suspended ? null : 'suspension';
}

function withoutNodes({ placement, ...podSet }: PodSet): unknown {
  return { ...podSet, otherRequests: placement.otherRequests };
}

function isDeleting(object: JsonObject): boolean {
  const metadata = object['metadata'];
  return isObject(metadata) && typeof metadata['deletionTimestamp'] === 'string';
}
