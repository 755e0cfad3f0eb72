import { asNodes } from '../count.js';
import type { Field } from '../field.js';
import type { KindReading, LaunchFacts } from '../workload.js';
import type { ReplicaSpec } from './replica-specs.js';
import { gangOf, isSuspended, readReplicaPods, readReplicaSpecs, totalReplicas } from './replica-specs.js';
import type { WorkloadKind } from './workload-kind.js';

const LAUNCHER = 'launcher';

/**
 * Kubeflow's MPIJob: mpirun runs in the launcher and starts `slotsPerWorker` processes (default 1) in each worker, whose
 * own command is only sshd. v1 (training operator) and v2beta1 (mpi-operator) differ in nothing that is read here but
 * `runLauncherAsWorker`. Without a number there is one launcher and no worker (mpi-operator pkg/apis/kubeflow/v2beta1/
 * default.go).
 */
export const mpiJob: WorkloadKind = {
  apiGroup: 'kubeflow.org',
  kind: 'MPIJob',
  versions: ['v2beta1', 'v1', 'v1alpha2', 'v1alpha1'],
  resource: 'mpijobs',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    const specs = readReplicaSpecs(spec.get('mpiReplicaSpecs'), (role) => (role === LAUNCHER ? 1 : 0));
    return {
      podSets: readReplicaPods(specs, launchFacts(spec, specs)),
      gangSize: gangOf(spec, specs),
      suspended: isSuspended(spec),
      purpose: 'training',
    };
  },
};

function launchFacts(spec: Field, specs: readonly ReplicaSpec[]): (each: ReplicaSpec) => Partial<LaunchFacts> {
  const launcherWorks = spec.get('runLauncherAsWorker').flag();
  const nodes = totalReplicas(specs.filter(({ role }) => launcherWorks || role !== LAUNCHER));
  const slots = spec.get('slotsPerWorker').count(1);
  const hasLauncher = specs.some(({ role }) => role === LAUNCHER);
  const shared = {
    ...asNodes(nodes),
    processesPerPod: slots.unresolved.length === 0 ? slots.value : null,
  };
  return ({ role }) => ({ ...shared, startedBy: hasLauncher && role !== LAUNCHER ? LAUNCHER : null });
}
