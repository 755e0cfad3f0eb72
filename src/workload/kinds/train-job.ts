import { Field } from '../field.js';
import { objectRoot } from '../json-path.js';
import { unresolvedAt } from '../unresolved.js';
import type { JsonObject, KindReading, Statement } from '../workload.js';
import type { RuntimeFilling } from './training-runtime.js';
import { readRuntimePods } from './training-runtime.js';
import type { WorkloadKind } from './workload-kind.js';

/**
 * Policies of the runtimes that Kubeflow Trainer brings along (kubeflow/trainer manifests/base/runtimes), by the start
 * of their names: without the runtime itself they still tell how processes are started.
 */
const BUILT_IN: readonly [string, JsonObject][] = [
  ['torch', { torch: {} }],
  ['deepspeed', { mpi: {} }],
  ['mlx', { mpi: {} }],
  ['jax', { jax: {} }],
  ['xgboost', { xgboost: {} }],
];
const NODE = 'node';
const STEP = { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' };

/**
 * Kubeflow Trainer's TrainJob: it says what differs from the runtime that it refers to. Where the runtime was not given,
 * what the TrainJob itself says is read, and the gap is named.
 */
export const trainJob: WorkloadKind = {
  apiGroup: 'trainer.kubeflow.org',
  kind: 'TrainJob',
  versions: ['v1alpha1'],
  resource: 'trainjobs',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    const reading = readRuntimePods(runtimeOf(spec), fillingOf(spec));
    return { ...reading, suspended: spec.get('suspend').flag() };
  },
};

function runtimeOf(spec: Field): Field {
  const reference = spec.get('runtimeRef');
  const name = reference.get('name').text() ?? '';
  const kind = reference.get('kind').text() ?? 'ClusterTrainingRuntime';
  const runtime = spec.log.object(kind, name);
  if (runtime !== undefined) return new Field(runtime, objectRoot(kind, name), spec.log).get('spec');
  const found = { kind: 'not-given' as const, names: [name], fallback: null };
  spec.log.unresolve(unresolvedAt(reference.path, `${kind} ${name}`, found, 'only what the TrainJob says'));
  return standIn(spec, name);
}

/** A runtime of one job with one empty container, for the TrainJob to fill in. */
function standIn(spec: Field, name: string): Field {
  const policy = BUILT_IN.find(([start]) => name.startsWith(start))?.[1] ?? {};
  const template = { spec: { template: { spec: { containers: [{ name: NODE }] } } }, metadata: { labels: STEP } };
  const runtime: JsonObject = {
    mlPolicy: { numNodes: 1, ...policy },
    template: { spec: { replicatedJobs: [{ name: NODE, template }] } },
  };
  return new Field(runtime, spec.get('trainer').path, spec.log);
}

function fillingOf(spec: Field): RuntimeFilling {
  const patches = patchesOf(spec);
  return {
    trainer: spec.get('trainer'),
    statements: statements(spec),
    patch: (job, template) =>
      patches
        .filter(({ jobs }) => jobs.includes(job))
        .reduce((patched, { spec: change }) => apply(patched, change), template),
  };
}

interface Patch {
  jobs: readonly string[];
  /** A pod spec that holds what changes. */
  spec: Field;
}

/** `runtimePatches`, and the two forms that came before it: `podTemplateOverrides` and `podSpecOverrides`. */
function patchesOf(spec: Field): Patch[] {
  const current = spec
    .get('runtimePatches')
    .items()
    .flatMap((patch) => patch.get('trainingRuntimeSpec', 'template', 'spec', 'replicatedJobs').items())
    .map((job) => ({
      jobs: [job.get('name').text() ?? ''],
      spec: job.get('template', 'spec', 'template', 'spec'),
    }));
  const templates = spec
    .get('podTemplateOverrides')
    .items()
    .map((each) => ({ jobs: targets(each), spec: each.get('spec') }));
  const podSpecs = spec
    .get('podSpecOverrides')
    .items()
    .map((each) => ({ jobs: targets(each), spec: each }));
  return [...podSpecs, ...templates, ...current];
}

function targets(override: Field): string[] {
  return override
    .get('targetJobs')
    .items()
    .map((job) => job.get('name').text() ?? '');
}

function apply(template: Field, change: Field): Field {
  const podSpec = template.get('spec');
  const replaced = ['affinity', 'tolerations', 'schedulingGates'].filter((name) => change.get(name).present);
  const selector = Object.fromEntries(change.get('nodeSelector').entries());
  const volumes = podSpec.get('volumes');
  const containers = podSpec.get('containers');
  const patched = containers.items().map((container) => applyToContainer(container, change));
  return template.with({
    spec: podSpec.with({
      ...Object.fromEntries(replaced.map((name) => [name, change.get(name)])),
      nodeSelector: podSpec.get('nodeSelector').with(selector),
      volumes: volumes.listOf([...volumes.items(), ...change.get('volumes').items()]),
      containers: containers.listOf(patched),
    }),
  });
}

function applyToContainer(container: Field, change: Field): Field {
  const name = container.get('name').text();
  const found = change
    .get('containers')
    .items()
    .find((each) => each.get('name').text() === name);
  if (found === undefined) return container;
  const [env, mounts] = [container.get('env'), container.get('volumeMounts')];
  return container.with({
    env: env.listOf([...env.items(), ...found.get('env').items()]),
    volumeMounts: mounts.listOf([...mounts.items(), ...found.get('volumeMounts').items()]),
  });
}

function statements(spec: Field): Statement[] {
  const places: readonly [string, Field][] = [
    ['model', spec.get('initializer', 'model', 'storageUri')],
    ['dataset', spec.get('initializer', 'dataset', 'storageUri')],
    ['runtime', spec.get('runtimeRef', 'name')],
  ];
  return places.flatMap(([name, field]) => {
    const value = field.text();
    return value === null ? [] : [{ name, value, path: field.path }];
  });
}
