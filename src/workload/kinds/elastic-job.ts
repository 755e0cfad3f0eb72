import { asNodes } from '../count.js';
import type { Field } from '../field.js';
import type { KindReading } from '../workload.js';
import { readReplicaPods, readReplicaSpecs, totalReplicas } from './replica-specs.js';
import type { WorkloadKind } from './workload-kind.js';

/**
 * DLRover's ElasticJob: dlrover-run, a torchrun of its own, in every worker; the master that it adds holds no GPU and
 * tells the number of workers by NODE_NUM (intelligent-machine-learning/dlrover).
 */
export const elasticJob: WorkloadKind = {
  apiGroup: 'elastic.iml.github.io',
  kind: 'ElasticJob',
  versions: ['v1alpha1'],
  resource: 'elasticjobs',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    const specs = readReplicaSpecs(spec.get('replicaSpecs'));
    const workers = totalReplicas(specs.filter(({ role }) => role !== 'master'));
    const settled = workers.unresolved.length === 0;
    const env: Record<string, string> = settled ? { NODE_NUM: String(workers.value) } : {};
    return {
      podSets: readReplicaPods(specs, () => ({ ...asNodes(workers), env })),
      gangSize: spec.get('minNodes').present ? spec.get('minNodes').count(1).value : totalReplicas(specs).value,
      suspended: spec.get('suspend').flag(),
      purpose: 'training',
    };
  },
};
