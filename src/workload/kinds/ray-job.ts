import { known } from '../count.js';
import { embeddedYaml } from '../documents/embedded.js';
import { Field } from '../field.js';
import { objectRoot } from '../json-path.js';
import { readPodSet } from '../pod-template/pod-set.js';
import { unresolvedAt } from '../unresolved.js';
import type { KindReading, PodSet, Statement } from '../workload.js';
import { readRayPods } from './ray-cluster.js';
import type { WorkloadKind } from './workload-kind.js';

const SUBMITTER = 'submitter';

/**
 * KubeRay's RayJob: `entrypoint` is a shell command that runs on the head and uses the GPUs of the whole cluster. It is
 * shown as a pod set of its own, with the head's image, environment and files, that starts the others.
 */
export const rayJob: WorkloadKind = {
  apiGroup: 'ray.io',
  kind: 'RayJob',
  versions: ['v1', 'v1alpha1'],
  resource: 'rayjobs',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    const cluster = clusterOf(spec);
    const entrypoint = spec.get('entrypoint');
    const submitter = entrypoint.present ? [readSubmitter(spec, cluster)] : [];
    const pods = cluster.present ? readRayPods(cluster, entrypoint.present ? SUBMITTER : null) : [];
    const suspended = spec.get('suspend').flag();
    return { podSets: [...submitter, ...pods], gangSize: null, suspended, purpose: 'training' };
  },
};

/** The cluster that the job makes, or the one that it selects, where that was given. */
function clusterOf(spec: Field): Field {
  const own = spec.get('rayClusterSpec');
  const selected = spec.get('clusterSelector', 'ray.io/cluster');
  const name = selected.text();
  if (own.present || name === null) return own;
  const cluster = spec.log.object('RayCluster', name);
  if (cluster !== undefined) return new Field(cluster, objectRoot('RayCluster', name), spec.log).get('spec');
  const found = { kind: 'not-given' as const, names: [name], fallback: null };
  spec.log.unresolve(unresolvedAt(selected.path, `RayCluster ${name}`, found, 'nothing of its pods'));
  return own;
}

function readSubmitter(spec: Field, cluster: Field): PodSet {
  const launch = { statements: [...numbers(spec), ...runtimeStatements(spec)] };
  const facts = { name: SUBMITTER, role: SUBMITTER, replicas: known(1), launch };
  const own = spec.get('submitterPodTemplate');
  const template = own.present ? own : cluster.get('headGroupSpec', 'template');
  return { ...readPodSet(submitterTemplate(spec, template), facts), path: spec.path };
}

/** The first container, without its own resources, running the entrypoint unless the template says another command. */
function submitterTemplate(spec: Field, template: Field): Field {
  const podSpec = template.get('spec');
  const [first] = podSpec.get('containers').items();
  const container = first ?? new Field({}, spec.path, spec.log);
  const entrypoint = spec.get('entrypoint');
  const word = (text: string): Field => entrypoint.holding(text);
  const driver = container.with({
    name: entrypoint.holding('entrypoint'),
    command: entrypoint.listOf([word('/bin/sh'), word('-c')]),
    args: entrypoint.listOf([entrypoint]),
    env: entrypoint.listOf([...container.get('env').items(), ...runtimeVariables(spec)]),
    resources: entrypoint.holding(undefined),
  });
  const absent = entrypoint.holding(undefined);
  const containers = podSpec.listOf([driver]);
  return template.with({ spec: podSpec.with({ containers, initContainers: absent, resources: absent }) });
}

function numbers(spec: Field): Statement[] {
  return ['entrypointNumGpus', 'entrypointNumCpus', 'submissionMode'].flatMap((name) => {
    const field = spec.get(name);
    const { value } = field;
    return typeof value === 'string' || typeof value === 'number'
      ? [{ name, value: String(value), path: field.path }]
      : [];
  });
}

/** `env_vars` of the runtime environment, which Ray sets in every process of the job. */
function runtimeVariables(spec: Field): Field[] {
  return runtimeEnvironment(spec)
    .get('env_vars')
    .entries()
    .map(([name, value]) => value.holding({}).with({ name: value.holding(name), value }));
}

/** `pip` as a list, or as an object with `packages`. */
function runtimeStatements(spec: Field): Statement[] {
  const pip = runtimeEnvironment(spec).get('pip');
  const packages = Array.isArray(pip.value) || !pip.present ? pip : packagesOf(pip);
  return packages.items().map((each) => ({ name: 'pip', value: each.text() ?? '', path: each.path }));
}

function packagesOf(pip: Field): Field {
  return typeof pip.value === 'string' ? pip.listOf([pip]) : pip.get('packages');
}

function runtimeEnvironment(spec: Field): Field {
  const embedded = embeddedYaml(spec.get('runtimeEnvYAML'));
  return typeof embedded.value === 'object' ? embedded : embedded.holding(undefined);
}
