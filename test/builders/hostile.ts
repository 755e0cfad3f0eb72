import fc from 'fast-check';
import { readWorkload } from '../../src/workload/read-workload.js';
import type { Json, JsonObject, Workload } from '../../src/workload/workload.js';
import { UnreadableManifest } from '../../src/workload/workload.js';

/** Reads, or refuses in the one way that is allowed. */
export function readOrRefuse(manifest: JsonObject): Workload | UnreadableManifest | null {
  try {
    return readWorkload(manifest);
  } catch (error) {
    if (error instanceof UnreadableManifest) return error;
    throw error;
  }
}

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
/** JSON of any shape, made of what readers look for. */
export const anyJson = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
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

/** Every place of a JSON value, as the keys that lead there. */
export function placesOf(value: Json, at: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[...at]];
  const members: [string | number, Json][] = Array.isArray(value)
    ? value.map((item, n) => [n, item])
    : Object.entries(value);
  return [[...at], ...members.flatMap(([key, member]) => placesOf(member, [...at, key]))];
}

/** A copy with the value at a place replaced. */
export function replaced(value: Json, [key, ...rest]: readonly (string | number)[], by: Json): Json {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((item, n) => (n === key ? replaced(item, rest, by) : item));
  const object = value as JsonObject;
  return Object.fromEntries(Object.entries(object).map(([k, v]) => [k, k === key ? replaced(v, rest, by) : v]));
}
