import type { JsonObject } from '../workload/workload.js';
import { isObject } from './protocol/review.js';
import { ANNOTATION_PREFIX, ANSWER_ANNOTATIONS } from '../advisor/annotations.js';
import type { AnswerAnnotations } from '../advisor/annotations.js';

export type PatchOperation =
  { op: 'add'; path: string; value: string | Record<string, string> } | { op: 'remove'; path: string };

const ROOT = '/metadata/annotations';
const pointerTo = (annotation: string) => `${ROOT}/${annotation.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/**
 * The JSON Patch that makes the object carry exactly these answers and touches nothing else. Empty where it carries
 * them already, so that a second call changes nothing.
 */
export function annotationPatch(object: JsonObject, answers: AnswerAnnotations): PatchOperation[] {
  const present = annotationsOf(object);
  if (present === null) return [{ op: 'add', path: ROOT, value: prefixed(answers) }];
  return ANSWER_ANNOTATIONS.flatMap((name) => change(name, present, answers[name]));
}

function change(
  name: (typeof ANSWER_ANNOTATIONS)[number],
  present: JsonObject,
  wanted: string | undefined,
): PatchOperation[] {
  const annotation = ANNOTATION_PREFIX + name;
  const path = pointerTo(annotation);
  if (wanted === undefined) return Object.hasOwn(present, annotation) ? [{ op: 'remove', path }] : [];
  return present[annotation] === wanted ? [] : [{ op: 'add', path, value: wanted }];
}

function prefixed(answers: AnswerAnnotations): Record<string, string> {
  return Object.fromEntries(Object.entries(answers).map(([name, value]) => [ANNOTATION_PREFIX + name, value]));
}

function annotationsOf(object: JsonObject): JsonObject | null {
  const metadata = object['metadata'];
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined;
  return isObject(annotations) ? annotations : null;
}
