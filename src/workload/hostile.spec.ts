import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyJson, placesOf, readOrRefuse, replaced } from '../../test/builders/hostile.js';
import { WORKLOAD_KINDS } from './kinds.js';
import type { Json, JsonObject, Workload } from './workload.js';
import { UnreadableManifest } from './workload.js';

/** Each of these takes a fraction of a second; in quadratic time it would take minutes. */
const PATIENCE_MS = 5000;

function millisecondsOf(act: () => void): number {
  const start = performance.now();
  act();
  return performance.now() - start;
}

const container = (more: JsonObject = {}): JsonObject => ({ name: 'c', image: 'i', ...more });
const job = (podSpec: JsonObject): JsonObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'j' },
  spec: { template: { spec: podSpec } },
});

const kinds = fc.constantFrom(
  ...WORKLOAD_KINDS.map(({ apiGroup, kind, versions }) => ({ apiGroup, kind, version: versions[0]! })),
);

describe('any JSON object', () => {
  it('is read or refused with a path, whatever it holds', () => {
    fc.assert(
      fc.property(anyJson.object, (object) => {
        const read = readOrRefuse(object);
        expect(read === null || 'podSets' in read || read.path !== undefined).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('under the name of any kind is read or refused with a path', () => {
    fc.assert(
      fc.property(kinds, anyJson.object, ({ apiGroup, kind, version }, object) => {
        const apiVersion = apiGroup === '' ? version : `${apiGroup}/${version}`;
        const read = readOrRefuse({ ...object, apiVersion, kind });
        expect(read).not.toBeUndefined();
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a manifest with one thing wrong', () => {
  const own = job({
    nodeSelector: { a: 'b' },
    tolerations: [{ key: 'k', operator: 'Exists' }],
    initContainers: [container({ restartPolicy: 'Always' })],
    containers: [
      container({
        env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } }],
        resources: { limits: { 'nvidia.com/gpu': 1, memory: '1Gi' } },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      }),
    ],
    volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'm', items: [{ key: 'k', path: 'p' }] } }] } }],
  });

  it('is read or refused with the path of it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...placesOf(own)), anyJson.value, (place, by) => {
        const changed = replaced(own, place, by);
        if (typeof changed !== 'object' || changed === null || Array.isArray(changed)) return;
        expect(readOrRefuse(changed)).not.toBeUndefined();
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a manifest made to take long', () => {
  it.each<[string, () => JsonObject]>([
    [
      'of thousands of containers with resources of their own',
      () =>
        job({
          containers: Array.from({ length: 15_000 }, (_, n) =>
            container({ resources: { limits: { [`nvidia.com/mig-1g.${n % 9999}gb`]: 1, [`example.com/r${n}`]: 1 } } }),
          ),
        }),
    ],
    [
      'of one container with thousands of resources',
      () => {
        const names = Array.from({ length: 15_000 }, (_, n) => [`example.com/r${n}`, '1'] as const);
        return job({ containers: [container({ resources: { limits: Object.fromEntries(names) } })] });
      },
    ],
    [
      'of thousands of volumes and mounts',
      () =>
        job({
          containers: [
            container({
              volumeMounts: Array.from({ length: 15_000 }, (_, n) => ({ name: `v${n}`, mountPath: `/${n}` })),
            }),
          ],
          volumes: Array.from({ length: 15_000 }, (_, n) => ({ name: `v${n}`, emptyDir: {} })),
        }),
    ],
    [
      'of thousands of unresolved counts',
      () =>
        job({
          containers: Array.from({ length: 15_000 }, () =>
            container({ resources: { limits: { 'nvidia.com/gpu': '$N' } } }),
          ),
        }),
    ],
    [
      'of an unknown kind, wide and deep',
      () => {
        const wide = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => ({ a: [{ b: [] }] })));
        return { apiVersion: 'x.y/v1', kind: 'Wide', spec: { wide } };
      },
    ],
    [
      'of a text full of dollars and braces',
      () => job({ nodeSelector: { a: '${'.repeat(200_000), b: '{{'.repeat(200_000) }, containers: [container()] }),
    ],
    [
      'of thousands of Volcano tasks',
      () => {
        const tasks = Array.from({ length: 10_000 }, (_, n) => ({
          name: `t${n}`,
          template: {
            spec: { containers: [container({ resources: { limits: { 'nvidia.com/gpu': n === 0 ? 0 : 1 } } })] },
          },
        }));
        return {
          apiVersion: 'batch.volcano.sh/v1alpha1',
          kind: 'Job',
          spec: { plugins: { ssh: [], pytorch: [] }, tasks },
        };
      },
    ],
    [
      'of a wrapper that declares thousands of pod sets of thousands of jobs',
      () => {
        const template = { spec: { template: { spec: { containers: [container()] } } } };
        const replicatedJobs = Array.from({ length: 10_000 }, (_, n) => ({ name: `j${n}`, template }));
        const wrapped = { apiVersion: 'jobset.x-k8s.io/v1alpha2', kind: 'JobSet', spec: { replicatedJobs } };
        const podSets = Array.from({ length: 10_000 }, (_, n) => ({
          replicas: 2,
          path: `template.spec.replicatedJobs[${n}]`,
        }));
        return {
          apiVersion: 'workload.codeflare.dev/v1beta2',
          kind: 'AppWrapper',
          spec: { components: [{ template: wrapped, podSets }] },
        };
      },
    ],
    [
      'of a runtime with thousands of jobs',
      () => {
        const template = { spec: { template: { spec: { containers: [container({ name: 'node' })] } } } };
        const replicatedJobs = Array.from({ length: 10_000 }, () => ({ name: 'node', template }));
        const spec = { mlPolicy: { mpi: {} }, template: { spec: { replicatedJobs } } };
        return { apiVersion: 'trainer.kubeflow.org/v1alpha1', kind: 'TrainingRuntime', spec };
      },
    ],
    [
      'of thousands of Argo templates beside thousands of parameters',
      () => {
        const parameters = Array.from({ length: 10_000 }, (_, n) => ({ name: `p${n}`, value: 'v' }));
        const templates = Array.from({ length: 10_000 }, (_, n) => ({ name: `t${n}`, container: container() }));
        return { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', spec: { arguments: { parameters }, templates } };
      },
    ],
    [
      'of Argo templates that pass parameters around',
      () => {
        const parameters = Array.from({ length: 2000 }, (_, n) => ({
          name: `p${n}`,
          value: '{{workflow.parameters.p0}}',
        }));
        const steps = Array.from({ length: 500 }, () => [
          { name: 's', template: 't', arguments: { parameters: parameters.slice(0, 20) } },
        ]);
        const templates: JsonObject[] = [
          { name: 'main', steps },
          { name: 't', container: container({ args: ['{{inputs.parameters.p1}}'] }) },
        ];
        return { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', spec: { arguments: { parameters }, templates } };
      },
    ],
  ])('%s is read or refused in time', (_, make) => {
    const manifest = make();
    expect(millisecondsOf(() => readOrRefuse(manifest))).toBeLessThan(PATIENCE_MS);
  });

  it('nested a hundred thousand levels deep is refused, not crashed on', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as Json;
    const spec = { templates: [{ name: 't', container: container({ args: deep }) }], deep };
    expect(readOrRefuse({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', spec })).toBeInstanceOf(
      UnreadableManifest,
    );
    expect(readOrRefuse({ apiVersion: 'x.y/v1', kind: 'Deep', spec: { deep } })).toBeNull();
    expect(readOrRefuse(job({ containers: [container({ args: deep })] }))).toBeInstanceOf(UnreadableManifest);
  });

  it('with members named after those of every object pollutes nothing', () => {
    const text =
      '{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"__proto__":"x","constructor":"y"}},"spec":{"containers":[{"name":"c","__proto__":{"image":"evil"}}],"nodeSelector":{"__proto__":"z"}}}';
    const workload = readOrRefuse(JSON.parse(text) as JsonObject) as Workload;
    expect(workload.podSets[0]!.containers[0]!.image).toBeNull();
    expect(Object.entries(workload.annotations)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(({} as Record<string, unknown>).image).toBeUndefined();
  });
});
