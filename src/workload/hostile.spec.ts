import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readDocuments } from './documents/documents.js';
import { WORKLOAD_KINDS } from './kinds.js';
import { readWorkload } from './read-workload.js';
import type { Json, JsonObject, Workload } from './workload.js';
import { UnreadableManifest } from './workload.js';

/** Manifests of other projects, which are read where they lie beside this one and never copied. */
const PUBLIC = '../shared/manifests/public';

/** Reads, or refuses in the one way that is allowed. */
function readOrRefuse(manifest: JsonObject): Workload | UnreadableManifest | null {
  try {
    return readWorkload(manifest);
  } catch (error) {
    if (error instanceof UnreadableManifest) return error;
    throw error;
  }
}

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

/** Words that readers look for, so that random objects get past the first member. */
const KEYS = [
  ...['spec', 'template', 'containers', 'initContainers', 'metadata', 'annotations', 'labels', 'resources', 'limits'],
  ...[
    'requests',
    'nvidia.com/gpu',
    'nvidia.com/gpumem',
    'name',
    'image',
    'command',
    'args',
    'env',
    'value',
    'valueFrom',
  ],
  ...[
    'replicas',
    'parallelism',
    'completions',
    'jobTemplate',
    'replicatedJobs',
    'pytorchReplicaSpecs',
    'Worker',
    'Master',
  ],
  ...[
    'mpiReplicaSpecs',
    'Launcher',
    'slotsPerWorker',
    'nprocPerNode',
    'elasticPolicy',
    'runPolicy',
    'tasks',
    'plugins',
  ],
  ...[
    'trainer',
    'runtimeRef',
    'mlPolicy',
    'torch',
    'mpi',
    'numNodes',
    'runtimePatches',
    'podSpecOverrides',
    'targetJobs',
  ],
  ...['rayClusterSpec', 'headGroupSpec', 'workerGroupSpecs', 'entrypoint', 'runtimeEnvYAML', 'components', 'podSets'],
  ...[
    'leaderWorkerTemplate',
    'workerTemplate',
    'size',
    'templates',
    'container',
    'script',
    'source',
    'resource',
    'manifest',
  ],
  ...[
    'arguments',
    'parameters',
    'inputs',
    'steps',
    'dag',
    'volumes',
    'volumeMounts',
    'configMap',
    'items',
    'projected',
  ],
  ...['affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution', 'nodeSelectorTerms', 'tolerations'],
  ...[
    'matchExpressions',
    'nodeSelector',
    'resourceClaims',
    'claims',
    'ownerReferences',
    'tuning',
    'preset',
    'instanceType',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'replicaSpecs',
    'worker',
    'workflowSpec',
    'gpu-fraction',
  ],
];
const scalar = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    0,
    1,
    -1,
    1.5,
    1e300,
    '',
    '1',
    'auto',
    '$N',
    '${N:-2}',
    '{{ x }}',
    '{{workflow.parameters.x}}',
  ),
  fc.constantFrom<Json>('a: [', '<n>', '8Gi', '1e999', '\u0000', 'Always', 'In', 'create'),
  fc.string(),
  fc.double({ noNaN: true }),
);
const anyJson = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), fc.string()), tie('value'), {
    maxKeys: 5,
    noNullPrototype: true,
  }),
}));

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

/** Every place of a JSON value, as the keys that lead there. */
function placesOf(value: Json, at: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[...at]];
  const members: [string | number, Json][] = Array.isArray(value)
    ? value.map((item, n) => [n, item])
    : Object.entries(value);
  return [[...at], ...members.flatMap(([key, member]) => placesOf(member, [...at, key]))];
}

function replaced(value: Json, [key, ...rest]: readonly (string | number)[], by: Json): Json {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((item, n) => (n === key ? replaced(item, rest, by) : item));
  const object = value as JsonObject;
  return Object.fromEntries(Object.entries(object).map(([k, v]) => [k, k === key ? replaced(v, rest, by) : v]));
}

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
  ])('%s is read or refused within two seconds', (_, make) => {
    const manifest = make();
    expect(millisecondsOf(() => readOrRefuse(manifest))).toBeLessThan(2000);
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

const files = existsSync(PUBLIC) ? readdirSync(PUBLIC).filter((file) => file.endsWith('.yaml')) : [];
if (files.length === 0) {
  process.stderr.write(`SKIPPED: mutations of public manifests, because ${PUBLIC} is not there\n`);
}
const whereGiven = files.length === 0 ? describe.skip : describe;

whereGiven('the manifests that others publish', () => {
  const manifests = files.flatMap((file) =>
    readDocuments(readFileSync(`${PUBLIC}/${file}`, 'utf8'), file).flatMap(({ name, manifest }) =>
      manifest === null ? [] : [{ name, manifest }],
    ),
  );

  it.each(manifests.map(({ name }) => name))('%s is read', (wanted) => {
    const { manifest } = manifests.find(({ name }) => name === wanted)!;
    const workload = readOrRefuse(manifest);
    const isTraining = manifest.kind !== 'Service';
    expect(workload !== null && 'podSets' in workload).toBe(isTraining);
  });

  it('are read or refused after any one change', () => {
    const mutable = manifests.map(({ manifest }) => ({ manifest, places: placesOf(manifest) }));
    const change = fc
      .constantFrom(...mutable)
      .chain(({ manifest, places }) =>
        fc.record({ manifest: fc.constant(manifest), place: fc.constantFrom(...places), by: anyJson.value }),
      );
    fc.assert(
      fc.property(change, ({ manifest, place, by }) => {
        const changed = replaced(manifest, place, by);
        if (typeof changed !== 'object' || changed === null || Array.isArray(changed)) return;
        expect(readOrRefuse(changed)).not.toBeUndefined();
      }),
      { numRuns: 3000 },
    );
  });

  it('are read or refused as text after any one cut or insertion', () => {
    const texts = files.map((file) => readFileSync(`${PUBLIC}/${file}`, 'utf8'));
    const piece = fc.constantFrom('', '\t', '{', ']', ': ', '- ', '&a ', '*a', '{{ x }}', '"', '|', '\n---\n');
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 40 }), piece, (text, seed, length, by) => {
        const at = seed % text.length;
        const changed = text.slice(0, at) + by + text.slice(at + length);
        for (const { manifest } of readDocuments(changed, 'x')) {
          if (manifest !== null) expect(readOrRefuse(manifest)).not.toBeUndefined();
        }
      }),
      { numRuns: 300 },
    );
  });
});
