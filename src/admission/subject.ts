import { isDeepStrictEqual } from 'node:util';
import { readAlongside } from '../advisor/alongside.js';
import type { Alongside, ReadAlongside } from '../advisor/alongside.js';
import { RUN_ANNOTATION } from '../advisor/annotations.js';
import { reasonToSkip } from '../advisor/reason-to-skip.js';
import type { JsonObject, PodSet, Workload } from '../workload/workload.js';
import { isObject } from './protocol/review.js';
import type { ReviewRequest } from './protocol/review.js';
import type { NamespaceView } from './namespace-view.js';
import { isWrittenByController } from './written-by-controller.js';

/** The workload of a review that is worth a look, and how it changed. */
export interface Subject {
  object: JsonObject;
  workload: Workload;
  alongside: Alongside;
  /** `suspension`: only whether it is suspended changed, and where it may run when it is let go. */
  change: 'created' | 'pods' | 'suspension';
}

/** What is known beside the review. */
export type Known = Pick<NamespaceView, 'configMap' | 'object' | 'isOwner'>;

/** How a manifest is read; null: no workload. */
type Read = (manifest: JsonObject) => ReadAlongside | null;

interface Reading {
  request: ReviewRequest;
  known: Known;
  read: Read;
}

/** Why a review needs no assessment. Bounded: it is a metric's label. */
export type Skip = 'operation' | 'deleting' | 'other-kind' | 'child' | 'no-devices' | 'unchanged';

/**
 * What a review is about. Children of a handled owner, objects without GPUs, objects on their way out and updates that
 * change neither pods nor suspension are left alone. `read` may remember readings. Throws UnreadableManifest.
 */
export function subjectOf(
  request: ReviewRequest,
  known: Known,
  read: Read = (manifest) => readAlongside(manifest, known),
): Subject | Skip {
  const { operation, object } = request;
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || object === null) return 'operation';
  return isDeleting(object) ? 'deleting' : subjectIn(object, { request, known, read });
}

function subjectIn(object: JsonObject, { request, known, read }: Reading): Subject | Skip {
  const found = read(object);
  if (found === null) return 'other-kind';
  const { workload } = found;
  if (isChild(workload, request, known)) return 'child';
  if (reasonToSkip({ ...workload, owner: null }) !== null) return 'no-devices';
  const change = changeOf(request, workload, read);
  return change === null ? 'unchanged' : { object, ...found, change };
}

function changeOf({ oldObject }: ReviewRequest, now: Workload, read: Read): Subject['change'] | null {
  if (oldObject === null) return 'created';
  return changeBetween(read(oldObject)?.workload ?? null, now);
}

function isChild({ owner }: Workload, request: ReviewRequest, known: Known): boolean {
  if (owner === null) return false;
  return isWrittenByController(request, owner, ({ kind, name }) => known.isOwner(request.namespace, kind, name));
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
