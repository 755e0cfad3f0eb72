import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ANSWER_ANNOTATIONS } from '../advisor/annotations.js';
import type { AnswerAnnotations } from '../advisor/annotations.js';
import type { JsonObject } from '../workload/workload.js';
import { annotationPatch } from './annotation-patch.js';
import type { PatchOperation } from './annotation-patch.js';

type Annotated = { metadata: { annotations?: Record<string, string> } };

/** RFC 6902 add and remove, as far as these patches use them. */
function apply(object: Annotated, patch: PatchOperation[]): Annotated {
  const result = structuredClone(object);
  for (const operation of patch) {
    const keys = operation.path
      .slice(1)
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const parent = keys.slice(0, -1).reduce<Record<string, unknown>>((at, key) => at[key] as never, result as never);
    const last = keys.at(-1)!;
    if (operation.op === 'remove') {
      expect(parent).toHaveProperty([last]);
      delete parent[last];
    } else parent[last] = operation.value;
  }
  return result;
}

const values = fc.string({ maxLength: 10 });
const answers = fc.record(Object.fromEntries(ANSWER_ANNOTATIONS.map((name) => [name, values])), {
  requiredKeys: [],
}) as fc.Arbitrary<AnswerAnnotations>;
const keys = fc.oneof(
  fc.constantFrom(...ANSWER_ANNOTATIONS.map((name) => `plimsoll.dev/${name}`)),
  fc.constant('a~/b'),
);
const annotations = fc.option(fc.dictionary(keys, values, { noNullPrototype: true }), { nil: undefined });

describe('the patch of a workload', () => {
  it('leaves it with exactly the answers beside what others wrote, and a second one changes nothing', () => {
    fc.assert(
      fc.property(annotations, answers, (present, wanted) => {
        const object: Annotated = { metadata: present === undefined ? {} : { annotations: present } };
        const patched = apply(object, annotationPatch(object, wanted));
        const others = Object.entries(present ?? {}).filter(([key]) => !key.startsWith('plimsoll.dev/'));
        const ours = Object.entries(wanted).map(([name, value]) => [`plimsoll.dev/${name}`, value]);
        expect(patched.metadata.annotations).toEqual(Object.fromEntries([...others, ...ours]));
        expect(annotationPatch(patched as JsonObject, wanted)).toEqual([]);
      }),
    );
  });

  it('adds the annotations where there are none', () => {
    expect(annotationPatch({ metadata: { name: 'a' } }, { verdict: 'fits' })).toEqual([
      { op: 'add', path: '/metadata/annotations', value: { 'plimsoll.dev/verdict': 'fits' } },
    ]);
  });
});
